"""A disk that keeps only what was synced, and the moments at which its power is cut.

`powercut.c` notes every change the service makes below a folder. From its journal `Disk` rebuilds
what the folder may hold after a power cut: the content of a file as of its last sync, a name once
its folder was synced; of what came later nothing, all, or a part that chance chooses: writes
lost one by one or torn at a sector, changes of names lost from some moment on.

The model is no kinder than a real disk where promises are concerned. It is checked as well: with
all changes applied it must hold what the real folder holds, or the journal missed some.
"""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_ENTRY = struct.Struct("<IIQQQB7x")
UNKEPT = ("-shm",)
"""SQLite rebuilds its shared memory; it is written through a map and never synced."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal; `kind` as in powercut.c, or `A`: acknowledged to a client."""

    kind: str
    thread: int
    time_ns: int
    inode: int
    offset: int
    data: bytes

    @property
    def paths(self) -> list[str]:
        return [os.fsdecode(each) for each in self.data.split(b"\0")[:-1]]


class Journal:
    """The file the library writes to, and clients note their acknowledgements in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)

    def acknowledged(self, number: int) -> None:
        """Note that a client has the answer to its request of that number."""
        os.write(self._fd, _ENTRY.pack(0, 0, time.monotonic_ns(), 0, number, ord("A")))

    def environment(self, library: Path, root: Path) -> dict[str, str]:
        """What a process needs in its environment for its changes to be noted."""
        return {
            "LD_PRELOAD": str(library),
            "POWERCUT_JOURNAL": str(self.path),
            "POWERCUT_ROOT": str(root),
        }

    def entries(self) -> list[Entry]:
        data, at, found = self.path.read_bytes(), 0, []
        while at < len(data):
            size, thread, time_ns, inode, offset, kind = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size
            content = data[at : at + size]
            found.append(Entry(chr(kind), thread, time_ns, inode, offset, content))
            at += size
        os.close(self._fd)
        return found


@dataclass(slots=True, eq=False)
class _File:
    """A file or folder: what is safe of it, and what was done to it since its last sync."""

    folder: bool = False
    safe: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, Entry]] = field(default_factory=list)

    def content(self, lost: Callable[[], bool], torn: Callable[[], bool]) -> bytes:
        """What is safe, and of the later writes (and of their sectors) those not lost."""
        content = bytearray(self.safe)
        for _, entry in self.since:
            if not lost():
                _apply(content, entry, torn)
        return bytes(content)


@dataclass(frozen=True, slots=True)
class _Naming:
    """A change of names in one folder: all of it happens or nothing."""

    when: int
    folder: str
    names: tuple[tuple[str, _File | None], ...]

    def apply(self, names: dict[str, _File]) -> None:
        for path, file in self.names:
            if file is None:
                names.pop(path, None)
            else:
                names[path] = file


class Disk:
    """What stands on the disk; made from a folder whose present state is safe."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._of_inode: dict[int, _File] = {}
        self._safe_names: dict[str, _File] = {}
        self._namings: list[_Naming] = []
        self._syncing: dict[tuple[int, int], int] = {}
        self._now = 0
        for path in [root, *root.rglob("*")]:
            content = bytearray() if path.is_dir() else bytearray(path.read_bytes())
            file = _File(path.is_dir(), content)
            self._of_inode[path.stat().st_ino] = self._safe_names[str(path)] = file
        self._names = dict(self._safe_names)

    def play(self, entry: Entry) -> None:
        """Let one more entry of the journal have happened."""
        self._now += 1
        if entry.kind == "B":
            self._syncing[entry.thread, entry.inode] = self._now
        elif entry.kind == "E":
            begun = self._syncing.pop((entry.thread, entry.inode))
            if entry.offset:  # it succeeded
                self._sync(self._of_inode[entry.inode], begun)
        elif entry.kind in ("W", "T"):
            self._of_inode[entry.inode].since.append((self._now, entry))
        elif entry.kind in ("C", "D"):
            file = self._of_inode[entry.inode] = _File(entry.kind == "D")
            self._name((entry.paths[0], file))
        elif entry.kind == "U":
            self._name((entry.paths[0], None))
        elif entry.kind == "L":
            old, new = entry.paths
            self._name((new, self._names[old]))
        elif entry.kind == "R":
            old, new = entry.paths
            changes = (new, self._names[old]), (old, None)
            if os.path.dirname(old) == os.path.dirname(new):
                self._name(*changes)
            else:
                for change in changes:
                    self._name(change)

    def after_cut(self, rng: random.Random) -> dict[str, bytes]:
        """The files (path below the root → content) that may be found after a cut now."""
        mercy = rng.choice(("none", "some", "all"))
        kept = len(self._namings)
        if mercy != "all":
            kept = 0 if mercy == "none" else rng.randint(0, kept)
        names = dict(self._safe_names)
        for naming in self._namings[:kept]:
            naming.apply(names)

        def lost() -> bool:
            return mercy == "none" or (mercy == "some" and rng.random() < 0.5)

        def torn() -> bool:
            return mercy == "some" and rng.random() < 0.2

        return self._contents(names, lost, torn)

    def all_applied(self) -> dict[str, bytes]:
        """The files as if no power had been cut."""
        return self._contents(self._names, lambda: False, lambda: False)

    def _contents(
        self, names: dict[str, _File], lost: Callable[[], bool], torn: Callable[[], bool]
    ) -> dict[str, bytes]:
        return {
            os.path.relpath(path, self._root): file.content(lost, torn)
            for path, file in names.items()
            if not file.folder and not path.endswith(UNKEPT) and self._reachable(path, names)
        }

    def _name(self, *names: tuple[str, _File | None]) -> None:
        naming = _Naming(self._now, os.path.dirname(names[0][0]), names)
        naming.apply(self._names)
        self._namings.append(naming)

    def _sync(self, file: _File, begun: int) -> None:
        if file.folder:
            folder = next(path for path, each in self._names.items() if each is file)
            safe = [each for each in self._namings if each.folder == folder and each.when < begun]
            for naming in safe:
                naming.apply(self._safe_names)
            self._namings = [each for each in self._namings if each not in safe]
            return
        while file.since and file.since[0][0] < begun:
            _apply(file.safe, file.since.pop(0)[1], lambda: False)

    def _reachable(self, path: str, names: dict[str, _File]) -> bool:
        """Whether every folder above is there too."""
        while path != self._root:
            path = os.path.dirname(path)
            if path not in names:
                return False
        return True


def _apply(content: bytearray, entry: Entry, torn: Callable[[], bool]) -> None:
    if entry.kind == "T":
        del content[entry.offset :]
        content.extend(bytes(entry.offset - len(content)))
        return
    end = entry.offset + len(entry.data)
    content.extend(bytes(max(0, end - len(content))))
    for at, part in _sectors(entry):
        if not torn():
            content[at : at + len(part)] = part


def _sectors(entry: Entry) -> Iterator[tuple[int, bytes]]:
    at, data = entry.offset, entry.data
    while data:
        length = SECTOR - at % SECTOR
        yield at, data[:length]
        at, data = at + length, data[length:]


def write_out(files: dict[str, bytes], folder: Path) -> None:
    """Put the files into a new folder."""
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
