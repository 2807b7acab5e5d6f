"""A click's life after the redirect: spool, classification, ingest, roll-ups."""
