"""Where the lake's files stand: a folder, or a bucket of an object store, through `pyarrow.fs`.

A file is written aside under a hidden name and moved to its place when it is whole. So a reader sees all of
it or nothing, and what a killed process leaves behind is never taken for data.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import fs

from simcheck import faults
from simcheck.errors import OutputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class Store:
    """A place for files, named by paths with `/` below it."""

    def __init__(self, location: Path | str) -> None:
        """`location` is a folder (made when first written to), or the URI of one, such as `s3://lake/simcheck`.

        Raises OutputError where a URI names nothing that can be written to.
        """
        self.location = str(location)
        if "://" in self.location:
            try:
                base, root = fs.FileSystem.from_uri(self.location)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise OutputError(
                    f"{self.location} is not a place that files can be kept in ({type(error).__name__}). "
                    "Name a folder, or a URI such as s3://bucket/folder."
                ) from None
        else:
            base, root = fs.LocalFileSystem(), str(Path(location).absolute())
        self._folder = Path(root) if isinstance(base, fs.LocalFileSystem) else None
        self._fs = fs.SubTreeFileSystem(root, base)

    @contextmanager
    def writing(self, name: str) -> Iterator[pa.NativeFile]:
        """A stream whose content becomes the file `name` when the block ends well; else nothing stays.

        A file of that name is replaced. Raises OutputError where the disk is full or may not be written.
        """
        place = PurePosixPath(name)
        aside = str(place.with_name(f".{place.name}-{secrets.token_hex(8)}"))
        try:
            self._fs.create_dir(str(place.parent), recursive=True)
            with self._fs.open_output_stream(aside, compression=None) as stream:
                yield stream
            self._settle(aside)
            faults.point("lake before")
            self._fs.move(aside, name)
            self._settle(str(place.parent))
            faults.point("lake after")
        except OSError as error:
            raise self._cannot_write(error) from None
        finally:
            with suppress(OSError):
                self._fs.delete_file(aside)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file; whole, or not at all."""
        with self.writing(name) as stream:
            stream.write(content)

    def open(self, name: str) -> pa.NativeFile:
        """A file for reading. Raises FileNotFoundError, or another OSError."""
        return self._fs.open_input_file(name)

    def read(self, name: str) -> bytes:
        """A small file's content. Raises FileNotFoundError, or another OSError."""
        with self.open(name) as file:
            return bytes(file.readall())

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return bool(self._fs.get_file_info(name).type == fs.FileType.File)

    def files(self, folder: str) -> dict[str, datetime]:
        """The names of all files below a folder, hidden ones too, and when each was written (UTC)."""
        found = self._fs.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
        return {
            each.path: each.mtime.astimezone(UTC)
            for each in sorted(found, key=lambda each: each.path)
            if each.type == fs.FileType.File
        }

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            self._fs.delete_file(name)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder and everything in it, if it is there."""
        with suppress(FileNotFoundError):
            self._fs.delete_dir(folder)

    def _settle(self, name: str) -> None:
        """Have a local disk keep what was written, whatever happens to the machine."""
        if self._folder is None:
            return
        handle = os.open(self._folder / name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _cannot_write(self, error: OSError) -> OutputError:
        if error.errno in _FULL or "No space left" in str(error):
            cause = "the disk is full, or a limit on files is reached: make room and try again"
        elif error.errno in _FORBIDDEN:
            cause = "the folder may not be written: give the service the right to, or name another"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST):
            cause = "the name of a folder belongs to a file: name another folder"
        else:
            cause = os.strerror(error.errno) if error.errno else type(error).__name__
        return OutputError(f"{self.location} cannot be written ({cause}). Nothing was kept of it.")
