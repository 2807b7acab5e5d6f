"""The link door: plain WSGI, a hot lane for every redirect and a slow lane for pages."""
