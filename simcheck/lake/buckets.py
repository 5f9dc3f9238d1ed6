"""Rows cut into buckets: one file a bucket, so that each can be checked alone, in bounded memory.

Which bucket a row belongs to is the caller's to say (`register.index.bucket_of` of its ID number). Rows keep
the order in which they came, and their number in the original file (`records.ROW`), by which `in_order` puts
the buckets' rows together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simcheck.errors import SealError
from simcheck.lake.encryption import READ_ROWS, Dataset
from simcheck.records import ROW

BUCKETS = 64
MOST_BUCKETS = 512  # as many files are open at once
ROOM_BYTES = 64 << 20  # of rows that wait to be written
MERGE_ROWS = 8192  # of each bucket, when buckets are put together


def file_of(stem: str, bucket: int) -> str:
    """The name of a bucket's file, such as `declared-0007`."""
    return f"{stem}-{bucket:04d}"


class BucketWriter:
    """Writes the files `stem`-0000 and on of a dataset; a bucket without rows has no file.

    A context: the files are there when it ends well, and none of them when it does not (OutputError where the
    disk is full). At most `room` bytes of rows wait in memory, however many there are.
    """

    def __init__(
        self, dataset: Dataset, stem: str, schema: pa.Schema, buckets: int, room: int = ROOM_BYTES,
        **options: Any,
    ) -> None:  # fmt: skip
        """`options` are ParquetWriter's."""
        if not 1 <= buckets <= MOST_BUCKETS:
            raise ValueError(f"1 to {MOST_BUCKETS} buckets, not {buckets}")
        self.dataset, self.stem, self.schema, self.buckets, self.room = dataset, stem, schema, buckets, room
        self.rows = np.zeros(buckets, np.int64)  # of each bucket, so far
        self._options = options
        self._stack = ExitStack()
        self._writers: dict[int, pq.ParquetWriter] = {}
        self._waiting: list[list[pa.RecordBatch]] = [[] for _ in range(buckets)]
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._write()

    def add(self, batch: pa.RecordBatch, bucket: npt.NDArray[np.int64]) -> None:
        """Add rows; `bucket[i]` (0 to `buckets` - 1) is row `i`'s."""
        if not len(batch):
            return
        order = np.argsort(bucket.astype(np.int16), kind="stable")
        counts = np.bincount(bucket, minlength=self.buckets)
        ordered = batch.select(self.schema.names).take(pa.array(order))
        start = 0
        for number in np.flatnonzero(counts):
            self._waiting[number].append(ordered.slice(start, int(counts[number])))
            start += int(counts[number])
        self.rows += counts
        self._bytes += ordered.nbytes
        if self._bytes > self.room:
            self._write()

    def _write(self) -> None:
        for number, waiting in enumerate(self._waiting):
            if waiting:
                table = pa.Table.from_batches(waiting, self.schema)
                self._writer(number).write_table(table)
                waiting.clear()
        self._bytes = 0

    def _writer(self, bucket: int) -> pq.ParquetWriter:
        if bucket not in self._writers:
            writing = self.dataset.writing(file_of(self.stem, bucket), self.schema, **self._options)
            self._writers[bucket] = self._stack.enter_context(writing)
        return self._writers[bucket]


def read(
    dataset: Dataset, stem: str, bucket: int, columns: Sequence[str] | None = None, size: int = READ_ROWS
) -> Iterator[pa.RecordBatch]:
    """One bucket's rows in their order, at most `size` at a time. Raises SealError."""
    file = file_of(stem, bucket)
    return dataset.batches(file, columns, size) if dataset.has(file) else iter(())


def beside(
    left: Iterator[pa.RecordBatch], right: Iterator[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Two streams of the same rows in the same order, cut alike; both have the column `records.ROW`.

    Raises SealError where the rows are not the same.
    """
    one = other = None
    while True:
        one = one if one is not None and len(one) else next(filter(len, left), None)
        other = other if other is not None and len(other) else next(filter(len, right), None)
        if one is None or other is None:
            break
        count = min(len(one), len(other))
        pair = one.slice(0, count), other.slice(0, count)
        if not pair[0][ROW].equals(pair[1][ROW]):
            break
        yield pair
        one, other = one.slice(count), other.slice(count)
    if one is not None or other is not None:
        raise SealError("Two datasets in the lake do not have the same rows. Check the batch again.")


def in_order(
    dataset: Dataset, stem: str, buckets: int, columns: Sequence[str] | None = None, size: int = MERGE_ROWS,
    bucket: str | None = None,
) -> Iterator[pa.Table]:  # fmt: skip
    """All buckets' rows by ascending row number, each once; memory for `size` rows of each bucket.

    The column `records.ROW` must be among `columns`. With `bucket`, a last column of that name (int32) says
    where each row stands.
    """
    parts = [_Part(_of(dataset, stem, number, columns, size, bucket)) for number in range(buckets)]
    while parts := [part for part in parts if part.fill()]:
        last = min(part.last for part in parts)  # rows up to here are all at hand
        ready = pa.concat_tables([part.up_to(last) for part in parts])
        yield ready.take(pc.array_sort_indices(ready[ROW].combine_chunks()))


def _of(
    dataset: Dataset, stem: str, number: int, columns: Sequence[str] | None, size: int, bucket: str | None
) -> Iterator[pa.RecordBatch]:
    for batch in read(dataset, stem, number, columns, size):
        where = pa.scalar(number, pa.int32())
        yield batch if bucket is None else batch.append_column(bucket, pa.repeat(where, len(batch)))


class _Part:
    """A bucket being read: the rows that are not given out yet."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._rows: pa.RecordBatch | None = None

    def fill(self) -> bool:
        """Have rows at hand; False at the bucket's end."""
        while self._rows is None or not len(self._rows):
            self._rows = next(self._batches, None)
            if self._rows is None:
                return False
        return True

    @property
    def last(self) -> int:
        assert self._rows is not None
        return int(self._rows[ROW][-1].as_py())

    def up_to(self, last: int) -> pa.Table:
        """Give out the rows up to this number."""
        assert self._rows is not None
        count = int(np.searchsorted(self._rows[ROW].to_numpy(), last, "right"))
        given, self._rows = self._rows.slice(0, count), self._rows.slice(count)
        return pa.Table.from_batches([given])
