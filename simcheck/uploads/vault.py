"""Where the files stand as they came, sealed: a folder a file, `uploads/<carrier>/<id>`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from simcheck.lake.files import Store
from simcheck.lake.sealed_file import SealedFile

FOLDER = "uploads"
BLOCK_BYTES = 1 << 20


def place(carrier: str, file: uuid.UUID) -> str:
    """The folder of a file."""
    return f"{FOLDER}/{carrier}/{file}"


def digest_of(file: SealedFile) -> bytes:
    """The SHA-256 of a whole file. Raises SealError."""
    digest = sha256()
    with file.open() as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.digest()


def older_than(store: Store, moment: datetime, under: Sequence[str] = (FOLDER,)) -> set[str]:
    """The folders of files, `under/<carrier>/<id>`, to which nothing was written since `moment`."""
    newest: dict[str, datetime] = {}
    for path, written in (each for folder in under for each in store.files(folder).items()):
        folder = "/".join(path.split("/")[:3])
        newest[folder] = max(written, newest.get(folder, written))
    return {folder for folder, written in newest.items() if written < moment}
