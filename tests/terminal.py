"""Types commands, as people do."""

from __future__ import annotations

from click.testing import CliRunner, Result

from linkservice.cli import main, output
from linkservice.config import Settings

# Where much else is done even a short command takes so long that it would tell of its progress.
output.QUIET_SECONDS = 3600.0


def run(settings: Settings, *arguments: str, stdin: bytes | None = None, **environ: str) -> Result:
    """One command on the data directory and database of `settings`."""
    env = {
        "LINKSERVICE_DATA_DIR": str(settings.data_dir),
        "LINKSERVICE_DATABASE_URL": settings.database_url,
        **environ,
    }
    return CliRunner().invoke(main, arguments, input=stdin, env=env)


def done(settings: Settings, *arguments: str, stdin: bytes | None = None, **environ: str) -> str:
    """What a command that succeeds says on stdout."""
    result = run(settings, *arguments, stdin=stdin, **environ)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(
    settings: Settings, *arguments: str, stdin: bytes | None = None, code: int = 1, **environ: str
) -> str:
    """The one line on stderr of a command that fails, saying nothing on stdout."""
    result = run(settings, *arguments, stdin=stdin, **environ)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr
