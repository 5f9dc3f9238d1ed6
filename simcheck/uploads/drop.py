"""A folder from which files are taken: whoever cannot speak HTTP puts them there.

    <drop>/<carrier>/FILE          a snapshot
    <drop>/<carrier>/delta/FILE    a delta
    <drop>/<carrier>/taken/        being received, read or checked
    <drop>/<carrier>/done/         checked, with a note beside the file
    <drop>/<carrier>/refused/      not to be used, with a note that says why

A file is taken once it did not change for some seconds, by a rename: so by one worker alone. Hidden files and
those that end in .part, .tmp or .filepart are still being written. The folders are of one file system. The
files in it are the carrier's own copies: whoever runs the folder removes them from `done` and `refused`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from simcheck.uploads.models import BatchKind

TAKEN, DONE, REFUSED, DELTA = "taken", "done", "refused", "delta"
WRITING = (".part", ".tmp", ".filepart")
MARK = ".batch"  # ends the hidden file beside one in `taken` that holds the id of its batch
NOTE = ".txt"


@dataclass(frozen=True)
class Dropped:
    """A file in `taken`. Its name there is when it was taken, what it is, and its own name."""

    carrier: str
    path: Path

    @property
    def kind(self) -> BatchKind:
        """A snapshot or a delta."""
        return BatchKind(self.path.name.split("-", 2)[1])

    @property
    def name(self) -> str:
        """What it was called."""
        return self.path.name.split("-", 2)[2]

    @property
    def mark(self) -> Path:
        """Where the id of its batch is noted."""
        return self.path.with_name(f".{self.path.name}{MARK}")

    def open(self) -> int:
        """A handle to read it by. Raises OSError for a link or anything else that is no file."""
        handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError("not a file")
        return handle

    def end(self, folder: str, note: str) -> None:
        """Move it to `done` or `refused`, with a note."""
        place = self.path.parent.parent / folder
        place.mkdir(exist_ok=True)
        (place / (self.path.name + NOTE)).write_text(note + "\n", "utf-8")
        with suppress(FileNotFoundError):
            self.path.rename(place / self.path.name)
        self.mark.unlink(missing_ok=True)


def take(root: Path, carriers: list[str], now: datetime, seconds: float) -> None:
    """Take every file that did not change for `seconds` into its carrier's `taken`."""
    for carrier in carriers:
        home = root / carrier
        for folder, kind in ((home, BatchKind.SNAPSHOT), (home / DELTA, BatchKind.DELTA)):
            for path in _whole(folder, now.timestamp() - seconds):
                place = home / TAKEN
                place.mkdir(exist_ok=True)
                with suppress(FileNotFoundError):  # another worker was first
                    path.rename(place / f"{now:%Y%m%dT%H%M%S%f}-{kind}-{path.name}")


def taken(root: Path, carriers: list[str]) -> list[Dropped]:
    """The files that were taken and are not at their end, the oldest first."""
    found = []
    for carrier in carriers:
        names = sorted(_names(root / carrier / TAKEN))
        found += [Dropped(carrier, path) for path in names if _is_ours(path.name)]
    return found


def _whole(folder: Path, before: float) -> Iterator[Path]:
    for path in sorted(_names(folder)):
        status = path.lstat()
        being_written = path.name.startswith(".") or path.name.lower().endswith(WRITING)
        if not stat.S_ISDIR(status.st_mode) and not being_written and status.st_mtime <= before:
            yield path


def _names(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ours(name: str) -> bool:
    parts = name.split("-", 2)
    return len(parts) == 3 and not name.startswith(".") and parts[1] in list(BatchKind)
