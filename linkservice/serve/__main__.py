"""A child process of the supervisor: `PARENT_PID READY_FD ROLE [LISTENING_FD [successor]]`.

Not a command for people; that is `linkservice serve`.
"""

from __future__ import annotations

import logging
import os
import sys

from linkservice.config import Settings, load
from linkservice.errors import LinkServiceError
from linkservice.logs import log_to_stderr
from linkservice.serve.process import die_with_parent
from linkservice.serve.supervisor import require_schema
from linkservice.serve.workers import run_ingest, run_redirect, run_web

_log = logging.getLogger(__name__)


def main(
    parent: str, ready_fd: str, role: str, listening_fd: str = "-1", successor: str = ""
) -> int:
    """Run one role until SIGTERM; the exit code.

    A successor that does not fit the database, or cannot reach it, ends at once: the process
    it is to replace does better, as it has its links in memory.
    """
    die_with_parent(int(parent))
    settings = load(os.environ)
    log_to_stderr(settings, role)
    if role == "ingest":
        return run_ingest(settings, int(ready_fd))
    if successor and not _fits(settings):
        return 1
    run = run_redirect if role == "redirect" else run_web
    return run(settings, int(ready_fd), int(listening_fd))


def _fits(settings: Settings) -> bool:
    """Whether the database has this program's schema; a child looks, as that takes memory."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            require_schema(settings)
            code = 0
        except LinkServiceError as error:
            _log.error("%s", error)
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
