"""Small libraries that stand between a process and its system, compiled where they are needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def compiled(name: str, folder: Path) -> Path:
    """The library of `name`.c beside this file; without a C compiler the test is skipped."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: install gcc and libc6-dev")
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    return library
