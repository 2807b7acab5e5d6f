"""Both doors in one application, for any WSGI server: ``gunicorn wsgi:application``.

For small installations. It does not ingest: run `linkservice ingest` beside it.
"""

import os

from linkservice.app import create_wsgi
from linkservice.config import load, take_secret
from linkservice.logs import log_to_stderr

_settings = load(os.environ)
# A WSGI server hands the whole environment to every request.
take_secret(os.environ, _settings)
log_to_stderr(_settings, "wsgi")
application = create_wsgi(_settings)
