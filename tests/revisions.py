"""The newest revisions of the schema, by the files' names: no test names them twice."""

from __future__ import annotations

from linkservice.bundled import bundled

TWO_BEFORE_NEWEST, BEFORE_NEWEST, NEWEST = sorted(
    path.name[:4] for path in (bundled("migrations") / "versions").glob("[0-9]*.py")
)[-3:]
