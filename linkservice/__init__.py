"""linkservice: branded short links and QR codes that say which touchpoint works.

Nouns (``workspaces journeys links qr clicks reports``) hold the rules, doors
(``redirect web api cli``) speak to the outside; ``docs/architecture.md`` draws the house.
"""

from importlib.metadata import version

__version__ = version("linkservice")
