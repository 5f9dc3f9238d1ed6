"""The register in the lake: a sealed snapshot, encrypted, cut into buckets, sorted by ID number.

`citizens-NNNN` holds the citizens whose ID number belongs to the bucket; `former-NNNN` the bearers of former
numbers that do, sorted by those. A bucket is an index on its own; a few numbers are found by reading the row
groups that can hold them. `register.importing` makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simcheck.lake.buckets import file_of
from simcheck.lake.encryption import Dataset, unsealing
from simcheck.lake.files import Store
from simcheck.lake.purge import published
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.names import U64
from simcheck.parallel import ordered
from simcheck.privacy import Keyring
from simcheck.register.index import Index, bucket_of
from simcheck.register.protocol import NONE, Answer, citizens_of
from simcheck.register.snapshot import I64, Citizens, Former

FOLDER = "register"  # of the lake; one dataset a snapshot
CITIZENS, FORMER = "citizens", "former"
ID, OLD, PREVIOUS, BY_FORMER = "id_number", "old_id", "previous_id", "former"
SCHEMA = pa.schema(
    [
        pa.field(ID, pa.int64(), nullable=False),
        pa.field("born", pa.int32(), nullable=False),  # yyyymmdd, unknown parts 00
        pa.field("status", pa.uint8(), nullable=False),
        pa.field("full_name", pa.string(), nullable=False),
        pa.field(OLD, pa.int64(), nullable=False),  # 9 digits; 0: none
        pa.field(PREVIOUS, pa.int64(), nullable=False),
    ]
)
FORMER_SCHEMA = SCHEMA.append(pa.field(BY_FORMER, pa.int64(), nullable=False))  # as a key of `citizen_ids`
GROUP_ROWS = 16_384  # small, so that one number is found without decoding much


class _Head(NamedTuple):
    """What is known of a file without reading rows: the least and greatest number of each row group."""

    metadata: pq.FileMetaData
    least: I64
    greatest: I64


class SealedRegister:
    """A published snapshot. Reading it raises SealError where a file is not what was written."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        manifest = dataset.manifest
        self.name = dataset.name
        self.rows = int(manifest["rows"])
        self.buckets = int(manifest["buckets"])
        self.digest = str(manifest["digest"])  # of the file that was imported, SHA-256 in hexadecimal
        self.imported_at = datetime.fromisoformat(manifest["imported_at"])
        self._heads: dict[str, _Head] = {}

    @classmethod
    def open(cls, store: Store, keyring: Keyring, name: str) -> SealedRegister:
        """The snapshot of this name. Raises SealError where it is not there, not whole or not ours."""
        return cls(Dataset.open(store, keyring, name))

    @classmethod
    def newest(cls, store: Store, keyring: Keyring) -> SealedRegister | None:
        """The snapshot that was published last; None where there is none."""
        known = [cls.open(store, keyring, name) for name in published(store, FOLDER)]
        return max(known, key=lambda each: (each.imported_at, each.name), default=None)

    def index(self, bucket: int, keys: U64) -> Index:
        """One bucket as an index."""
        parts = [citizens for citizens, _ in self._parts(CITIZENS, bucket, keys)]
        index = Index(sum(len(part.id_number) for part in parts) + 1)
        for part in parts:
            index.add(part)
        return index

    def parts(self, threads: int) -> Iterator[tuple[Citizens, Former]]:
        """Everybody, a part at a time, for `look_again`: in memory are a few parts, never the register."""

        def read(item: tuple[str, int]) -> tuple[Citizens, Former]:
            return _part(self._group(*item), None)

        groups = (
            (file, group)
            for file in (file_of(CITIZENS, bucket) for bucket in range(self.buckets))
            if self._dataset.has(file)
            for group in range(len(self._head(file).least))
        )
        yield from ordered(read, groups, threads)

    def bearers(self, bucket: int) -> Iterator[tuple[Citizens, Former]]:
        """The bearers of former numbers that belong to a bucket: all that `look_again` needs to follow those
        of the bucket's rows. (A slip of the hand is found in `parts` alone, or by asking for its `slips`.)"""
        yield from self._parts(FORMER, bucket, None)

    def ask(self, numbers: I64, keys: U64, threads: int = 1, near: I64 = NONE) -> Answer:
        """See `protocol.Register`. A sealed register always answers."""
        both = np.union1d(numbers, near)
        now = self._all(CITIZENS, ID, both[(both > 0) & (both < CMND_BASE)], threads)
        rest = np.setdiff1d(numbers[numbers > 0], now[ID].to_numpy())
        before = self._all(FORMER, BY_FORMER, rest, threads)
        found = pa.concat_tables([now, before]).combine_chunks()
        _, first = np.unique(found[ID].to_numpy(), return_index=True)
        return Answer(*_part(found.take(pa.array(first)), keys), np.zeros(0, np.int64))

    def _parts(self, stem: str, bucket: int, keys: U64 | None) -> Iterator[tuple[Citizens, Former]]:
        file = file_of(stem, bucket)
        if self._dataset.has(file):
            for batch in self._dataset.batches(file, SCHEMA.names):
                yield _part(pa.Table.from_batches([batch]), keys)

    def _all(self, stem: str, column: str, numbers: I64, threads: int) -> pa.Table:
        """The rows of a stem's files whose number is one of `numbers` (ascending)."""
        bucket = bucket_of(numbers, self.buckets)
        jobs = [(file_of(stem, int(each)), column, numbers[bucket == each]) for each in np.unique(bucket)]
        return pa.concat_tables([SCHEMA.empty_table(), *ordered(lambda job: self._find(*job), jobs, threads)])

    def _find(self, file: str, column: str, numbers: I64) -> pa.Table:
        """The rows of a file whose number is one of `numbers` (ascending)."""
        if not self._dataset.has(file):
            return SCHEMA.empty_table()
        head = self._head(file)
        first = np.searchsorted(head.greatest, numbers, "left")
        after = np.searchsorted(head.least, numbers, "right")
        groups = np.zeros(len(head.least) + 1, np.int64)
        np.add.at(groups, first[first < after], 1)
        np.add.at(groups, after[first < after], -1)
        found = [SCHEMA.empty_table()]
        with self._opened(file) as opened:
            for group in np.flatnonzero(np.cumsum(groups[:-1])):
                stands = opened.read_row_group(group, [column], use_threads=False)[column].to_numpy()
                at = np.minimum(np.searchsorted(numbers, stands), len(numbers) - 1)
                rows = np.flatnonzero(numbers[at] == stands)
                if len(rows):
                    whole = opened.read_row_group(group, SCHEMA.names, use_threads=False)
                    found.append(whole.take(pa.array(rows)))
        return pa.concat_tables(found)

    def _group(self, file: str, group: int) -> pa.Table:
        with self._opened(file) as opened:
            return opened.read_row_group(group, SCHEMA.names, use_threads=False)

    @contextmanager
    def _opened(self, file: str) -> Iterator[pq.ParquetFile]:
        opened = self._dataset.parquet(file, self._head(file).metadata)
        try:
            with unsealing(f"{self.name}/{file}"):
                yield opened
        finally:
            opened.close(force=True)

    def _head(self, file: str) -> _Head:
        if file not in self._heads:
            metadata = self._dataset.parquet(file).metadata
            column = metadata.schema.names.index(ID if file.startswith(CITIZENS) else BY_FORMER)
            ranges = [
                metadata.row_group(group).column(column).statistics
                for group in range(metadata.num_row_groups)
            ]
            self._heads[file] = _Head(
                metadata,
                np.array([each.min for each in ranges], np.int64),
                np.array([each.max for each in ranges], np.int64),
            )
        return self._heads[file]


def _part(table: pa.Table, keys: U64 | None) -> tuple[Citizens, Former]:
    def column(name: str) -> npt.NDArray[np.generic]:
        array: npt.NDArray[np.generic] = table[name].to_numpy()
        return array

    citizens = citizens_of(
        column(ID).astype(np.int64, copy=False),
        column("born").astype(np.int32, copy=False),
        column("status").astype(np.uint8, copy=False),
        _one_array(table["full_name"]),
        keys,
    )
    former = Former(column(OLD).astype(np.int64, copy=False), column(PREVIOUS).astype(np.int64, copy=False))
    return citizens, former


def _one_array(column: pa.ChunkedArray) -> pa.StringArray:
    chunks = column.chunks
    return (
        chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
    )
