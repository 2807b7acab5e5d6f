"""A child process of the supervisor: `PARENT_PID READY_FD redirect|web|ingest [LISTENING_FD]`.

Not a command for people; that is `linkservice serve`.
"""

from __future__ import annotations

import os
import sys

from linkservice.config import load
from linkservice.logs import log_to_stderr
from linkservice.serve.process import die_with_parent
from linkservice.serve.workers import run_ingest, run_redirect, run_web


def main(parent: str, ready_fd: str, role: str, listening_fd: str = "-1") -> int:
    """Run one role until SIGTERM; the exit code."""
    die_with_parent(int(parent))
    settings = load(os.environ)
    log_to_stderr(settings, role)
    if role == "ingest":
        return run_ingest(settings, int(ready_fd))
    run = run_redirect if role == "redirect" else run_web
    return run(settings, int(ready_fd), int(listening_fd))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
