"""Raw files at rest: sealed as they come in, read back from any place, never on a disk in clear.

A sealed file is a folder of **parts**, each named by the place of its first byte. A part begins with a key of
its own, sealed by the keyring; then come chunks of `CHUNK_BYTES`, each encrypted with AES-256-GCM under its
number and a mark that says whether it is the last one (the STREAM construction of Hoang et al., 2015). So no
chunk can be changed, moved, dropped or cut off unseen. Whoever goes on with a file writes the next part; one
that was written but never counted is replaced by the next that begins at its place.
"""

from __future__ import annotations

import io
import secrets
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simcheck.errors import SealError
from simcheck.lake.encryption import unsealing
from simcheck.lake.files import Store
from simcheck.privacy import KEY_BYTES, Keyring

CHUNK_BYTES = 256 << 10
_TAG_BYTES = 16
_LENGTH_BYTES = 2  # of the sealed key, in front of it
_PREFIX = "part-"


class SealedWriter:
    """Takes a part's bytes in their order. `size` is how many came so far."""

    def __init__(self, stream: pa.NativeFile, key: bytes, path: str) -> None:
        self.size = 0
        self._stream, self._cipher, self._path = stream, AESGCM(key), path.encode()
        self._waiting = bytearray()
        self._chunks = 0

    def write(self, content: bytes) -> None:
        """Add bytes. Raises OSError where the disk is full."""
        self.size += len(content)
        self._waiting += content
        done = 0
        while len(self._waiting) - done > CHUNK_BYTES:  # the last chunk waits: it is marked
            self._seal(bytes(self._waiting[done : done + CHUNK_BYTES]), last=False)
            done += CHUNK_BYTES
        del self._waiting[:done]

    def end(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, plain: bytes, last: bool) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._chunks, last), plain, self._path))
        self._chunks += 1


@contextmanager
def sealing(store: Store, keyring: Keyring, folder: str, start: int = 0) -> Iterator[SealedWriter]:
    """A writer of the part of `folder` that begins at byte `start`. It stands there when the block ends well.

    Raises OutputError where it cannot be written; then, as after any error, nothing of it stays.
    """
    path, key = _path(folder, start), secrets.token_bytes(KEY_BYTES)
    head = keyring.seal(key, path)
    with store.writing(path) as stream:
        stream.write(len(head).to_bytes(_LENGTH_BYTES, "big") + head)
        writer = SealedWriter(stream, key, path)
        yield writer
        writer.end()


@dataclass(frozen=True)
class SealedFile:
    """The first `size` bytes of a sealed file, as carriers' readers take it; `name` is what they call it."""

    store: Store
    keyring: Keyring
    folder: str
    size: int
    name: str = "the file"

    def open(self) -> pa.NativeFile:
        """The file's bytes, for reading at any place. Raises SealError there when they are not what came."""
        reader = io.BufferedReader(_Reader(self), CHUNK_BYTES)
        return pa.PythonFile(reader, "r")

    def starts(self) -> list[int]:
        """Where each part begins, in order."""
        names = (path.rpartition("/")[2] for path in self.store.files(self.folder))
        starts = sorted(int(name.removeprefix(_PREFIX)) for name in names if name.startswith(_PREFIX))
        starts = [start for start in starts if start < self.size]
        if self.size and (not starts or starts[0]):
            raise _broken(self.folder)
        return starts


class _Reader(io.RawIOBase):
    """Reads the parts one after another; keeps one part open and one chunk in clear."""

    def __init__(self, file: SealedFile) -> None:
        super().__init__()
        self._file, self._starts = file, file.starts()
        self._place = 0
        self._part: _Part | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the file's first byte")
        self._place = base + offset
        return self._place

    def readinto(self, into: Any) -> int:
        if self._place >= self._file.size:
            return 0
        part = self._part_at(self._place)
        content = part.at(self._place - part.start)[: len(into)]
        into[: len(content)] = content
        self._place += len(content)
        return len(content)

    def close(self) -> None:
        self._leave()
        super().close()

    def _part_at(self, place: int) -> _Part:
        at = bisect_right(self._starts, place) - 1
        start = self._starts[at]
        if self._part is None or self._part.start != start:
            self._leave()
            ends = [*self._starts[1:], self._file.size]
            self._part = _Part(self._file, start, ends[at] - start)
        return self._part

    def _leave(self) -> None:
        if self._part is not None:
            self._part.stream.close()
            self._part = None


class _Part:
    """One part that is being read, `size` bytes of the file from `start` on."""

    def __init__(self, file: SealedFile, start: int, size: int) -> None:
        self.start, self.size = start, size
        self._path = _path(file.folder, start)
        with unsealing(self._path):
            self.stream = file.store.open(self._path)
            length = int.from_bytes(self.stream.read(_LENGTH_BYTES), "big")
            head = self.stream.read(length)
        self._cipher = AESGCM(file.keyring.open(head, self._path))
        self._first = _LENGTH_BYTES + length
        self._chunks = max(1, -(-size // CHUNK_BYTES))
        if self.stream.size() != self._first + size + self._chunks * _TAG_BYTES:
            raise _broken(self._path)
        self._number, self._chunk = -1, b""

    def at(self, place: int) -> bytes:
        """The rest of the chunk that holds the part's byte `place`."""
        number = place // CHUNK_BYTES
        if number != self._number:
            self._chunk, self._number = self._open(number), number
        return self._chunk[place - number * CHUNK_BYTES :]

    def _open(self, number: int) -> bytes:
        with unsealing(self._path):
            self.stream.seek(self._first + number * (CHUNK_BYTES + _TAG_BYTES))
            sealed = self.stream.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            nonce = _nonce(number, number == self._chunks - 1)
            return self._cipher.decrypt(nonce, sealed, self._path.encode())
        except InvalidTag:
            raise _broken(self._path) from None


def _path(folder: str, start: int) -> str:
    return f"{folder}/{_PREFIX}{start:016d}"


def _nonce(number: int, last: bool) -> bytes:
    """Each number is used once under a part's key, which is drawn for it."""
    return number.to_bytes(11, "big") + bytes([last])


def _broken(path: str) -> SealError:
    return SealError(f"{path} in the lake is damaged, or not what was written there. Send the file again.")
