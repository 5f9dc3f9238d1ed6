"""Files written aside and renamed at the end: a run leaves all of its output, or none."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from simcheck.errors import OutputError


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """A temporary folder inside `out`; its files move to `out` when the block ends well.

    Raises OutputError, leaving nothing behind, where the disk is full or the folder cannot be written.
    """
    existed = out.exists()
    aside = out / f".simcheck-{secrets.token_hex(8)}"  # named before it is there: Ctrl-C may come at any time
    try:
        out.mkdir(parents=True, exist_ok=True)
        aside.mkdir(mode=0o700)
        yield aside
        _move_in(aside, out)
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, pa.ArrowException) and not isinstance(error, OSError):
            raise
        raise OutputError(
            f"{out}: the results cannot be written ({_cause(error)}). Nothing was kept."
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if not existed and out.is_dir() and not any(out.iterdir()):
            out.rmdir()


def _move_in(aside: Path, out: Path) -> None:
    """All files of `aside` to `out`, or none: an earlier run's files of the same names make way, and come
    back where something goes wrong.

    A file that is renamed onto another is first written to the disk to its last byte by some file systems
    (ext4's auto_da_alloc): of a large result that is a second of waiting.
    """
    files = sorted(aside.iterdir())
    earlier = aside / "earlier"
    earlier.mkdir()
    moved: list[Path] = []
    try:
        for file in files:
            there = out / file.name
            if there.is_file() or there.is_symlink():
                os.rename(there, earlier / file.name)
            os.replace(file, there)
            moved.append(there)
    except BaseException:
        for there in moved:
            there.unlink()
        for file in earlier.iterdir():
            os.replace(file, out / file.name)
        raise


def _cause(error: OSError) -> str:
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return "the disk is full: free some space and run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "the folder may not be written: choose another with --out"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "the name belongs to a file: choose another with --out"
    if error.errno == errno.EISDIR:
        return "a folder has the name of a result: choose another with --out"
    return os.strerror(error.errno) if error.errno else type(error).__name__
