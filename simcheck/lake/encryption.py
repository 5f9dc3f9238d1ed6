"""A dataset of the lake: a folder of Parquet files under one key that the keyring wraps.

Every file is encrypted as a whole (Parquet modular encryption, AES_GCM_V1: footer and all columns, so not
even column names or statistics stand there in clear) and bound to its dataset and name, so a file that was
swapped for another does not open. A dataset's own key is random and stands beside the files, sealed with the
keyring's data key: after a rotation, older datasets open with the older key.

A dataset is published by its manifest, which is sealed and written last: until then nobody reads it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet import encryption

from simcheck.errors import SealError
from simcheck.lake.files import Store
from simcheck.privacy import KEY_BYTES, Keyring

KEY, MANIFEST, SUFFIX = "key", "manifest", ".parquet"
COMPRESSION = "zstd"
READ_ROWS = 65_536  # rows of a batch, where the reader does not say


class Dataset:
    """A folder `name` of a store. Files are named without the folder and without `.parquet`."""

    def __init__(self, store: Store, keyring: Keyring, name: str, key: bytes) -> None:
        self.store, self.name = store, name
        self._keyring, self._key = keyring, key
        self._manifest: dict[str, Any] | None = None

    @classmethod
    def create(cls, store: Store, keyring: Keyring, name: str) -> Dataset:
        """A new dataset. Raises OutputError where it cannot be written."""
        key = secrets.token_bytes(KEY_BYTES)
        store.write(f"{name}/{KEY}", keyring.seal(key, f"{name}/{KEY}"))
        return cls(store, keyring, name, key)

    @classmethod
    def open(cls, store: Store, keyring: Keyring, name: str) -> Dataset:
        """A dataset that is there, published or not, for any process that has the keyring.

        Raises SealError where it is not there or not of this keyring.
        """
        return cls(store, keyring, name, keyring.open(_read(store, f"{name}/{KEY}"), f"{name}/{KEY}"))

    @property
    def published(self) -> bool:
        """Whether the dataset is whole, so that it may be read."""
        return self._manifest is not None or self.store.has(f"{self.name}/{MANIFEST}")

    @property
    def manifest(self) -> dict[str, Any]:
        """What was told when the dataset was published, and `files`: the rows of each.

        Raises SealError where the dataset is not published.
        """
        if self._manifest is None:
            name = f"{self.name}/{MANIFEST}"
            self._manifest = json.loads(self._keyring.open(_read(self.store, name), name))
        return self._manifest

    def publish(self, **facts: Any) -> None:
        """Make the dataset readable as a whole; `facts` (JSON) go into the manifest."""
        prefix = f"{self.name}/"
        names = [PurePosixPath(path.removeprefix(prefix)) for path in self.store.files(self.name)]
        files = [each.stem for each in names if each.suffix == SUFFIX and not each.name.startswith(".")]
        rows = {file: int(self.parquet(file).metadata.num_rows) for file in files}
        manifest, name = facts | {"files": rows}, f"{self.name}/{MANIFEST}"
        self.store.write(name, self._keyring.seal(json.dumps(manifest).encode(), name))
        self._manifest = manifest

    def has(self, file: str) -> bool:
        """Whether the dataset has this file: by its manifest, or as long as there is none, by the store."""
        if self.published:
            return file in self.manifest["files"]
        return self.store.has(self._path(file))

    @contextmanager
    def writing(self, file: str, schema: pa.Schema, **options: Any) -> Iterator[pq.ParquetWriter]:
        """A writer of a file, which stands there when the block ends well, in place of one of that name.

        `options` are ParquetWriter's. Raises OutputError where it cannot be written.
        """
        settings = {"compression": COMPRESSION, "write_statistics": False} | options
        seal = encryption.create_encryption_properties(
            self._key, aad_prefix=self._binding(file), store_aad_prefix=False
        )
        with self.store.writing(self._path(file)) as stream:
            writer = pq.ParquetWriter(stream, schema, encryption_properties=seal, **settings)
            try:
                yield writer
                writer.close()
            finally:
                writer.is_open = False  # after a fault, nothing more may be written when it is collected

    def remove(self, file: str | None = None) -> None:
        """Remove a file, or the whole dataset; the manifest goes first, so that no half is ever read."""
        if file is not None:
            self.store.remove(self._path(file))
            return
        self.store.remove(f"{self.name}/{MANIFEST}")
        self.store.remove_folder(self.name)
        self._manifest = None

    def parquet(self, file: str, known: pq.FileMetaData | None = None) -> pq.ParquetFile:
        """A file, open; `known` is its metadata where it was read before.

        Raises SealError where it is not there, not whole, or not what was written under this name. What
        is read from it is checked when it is read: see `unsealing`.
        """
        key = encryption.create_decryption_properties(self._key, aad_prefix=self._binding(file))
        with unsealing(self._path(file)):
            found = pq.ParquetFile(
                self.store.open(self._path(file)),
                metadata=known,
                decryption_properties=key,
                pre_buffer=False,
            )
        expected = self._manifest["files"].get(file) if self._manifest else None
        if expected is not None and found.metadata.num_rows != expected:
            raise _broken(self._path(file), "is not the file of its manifest")
        return found

    def batches(
        self, file: str, columns: Sequence[str] | None = None, size: int = READ_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """A file's rows in order, at most `size` at a time, with these columns in this order.

        Raises SealError, as `parquet` does, also after some batches.
        """
        asked = None if columns is None else list(columns)
        found = self.parquet(file)
        try:
            with unsealing(self._path(file)):
                for batch in found.iter_batches(size, columns=asked, use_threads=False):
                    yield batch if asked is None else batch.select(asked)
        finally:
            found.close(force=True)

    def _path(self, file: str) -> str:
        return f"{self.name}/{file}{SUFFIX}"

    def _binding(self, file: str) -> bytes:
        return self._path(file).encode()


@contextmanager
def unsealing(path: str) -> Iterator[None]:
    """Around reading a file of the lake: what goes wrong is a SealError."""
    try:
        yield
    except FileNotFoundError:
        raise _broken(path, "is not there") from None
    except (OSError, pa.ArrowException) as error:
        raise _broken(
            path, f"is damaged, or not the file that was written here ({type(error).__name__})"
        ) from None


def _read(store: Store, path: str) -> bytes:
    with unsealing(path):
        return store.read(path)


def _broken(path: str, cause: str) -> SealError:
    return SealError(f"{path} in the lake {cause}. Restore it from its copy, or import it again.")
