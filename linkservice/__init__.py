"""linkservice: branded short links and QR codes that say which touchpoint works.

Nouns (``workspaces journeys links qr clicks reports``) hold the rules, doors
(``redirect web api cli``) speak to the outside; ``docs/architecture.md`` draws the house.
"""

import os
from importlib.metadata import version

__version__ = version("linkservice")

# Read when NumPy is imported. Our matrices are small: more threads spin beside them, take a third
# more of the processor for the same report, and take it from the redirects.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
