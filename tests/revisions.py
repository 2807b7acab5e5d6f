"""The newest revision of the schema, by the files' names: no test names it twice."""

from __future__ import annotations

from linkservice.bundled import bundled

NEWEST = max(path.name[:4] for path in (bundled("migrations") / "versions").glob("[0-9]*.py"))
