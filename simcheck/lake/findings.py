"""A run's findings in the lake, bucket by bucket: what was found of each row, until the run is published.

The lake knows no rule and no run: it keeps the columns of `crosscheck.findings.Findings`, which reads them
back as `Findings(source, first_row, *stored.columns, bearer=stored.bearer)`. In a bucket the rows' numbers
have gaps, so they stand beside the findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.lake.buckets import file_of, in_order, read
from simcheck.lake.encryption import READ_ROWS, Dataset
from simcheck.records import ROW

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]

STEM = "findings"
SCHEMA = pa.schema(
    [
        pa.field(ROW, pa.int64(), nullable=False),
        pa.field("national", pa.int64(), nullable=False),
        pa.field("key", pa.int64(), nullable=False),
        pa.field("reasons", pa.uint64(), nullable=False),
        pa.field("score", pa.float32()),  # null: no name was compared
        pa.field("over", pa.bool_(), nullable=False),
        pa.field("row_ref", pa.string()),
        pa.field(
            "bearer", pa.int64(), nullable=False
        ),  # 0: the number declared is the bearer's own, or nobody's
    ]
)


class FindingsLike(Protocol):
    """What is kept of `crosscheck.findings.Findings`, a batch of n rows."""

    national: I64
    key: I64
    reasons: U64
    score: F32
    over: I64
    row_ref: pa.StringArray | None
    bearer_at: I32
    bearer: I64

    def __len__(self) -> int: ...


class Columns(NamedTuple):
    """The fields of `Findings` after `source` and `first_row`, in their order up to `bearer_at`."""

    national: I64
    key: I64
    reasons: U64
    score: F32
    over: I64
    row_ref: pa.StringArray | None
    bearer_at: I32


class Stored(NamedTuple):
    """Findings as they were kept: each row's number in its file, the columns, and the valid numbers of the
    rows `columns.bearer_at`."""

    row: I64
    columns: Columns
    bearer: I64


def write(dataset: Dataset, bucket: int, findings: Iterable[tuple[I64, FindingsLike]]) -> None:
    """Keep a bucket's findings, with the rows' numbers in their file; in place of what was kept before.

    So a bucket that is taken up again by another worker ends the same. Raises OutputError.
    """
    with dataset.writing(file_of(STEM, bucket), SCHEMA) as writer:
        for row, found in findings:
            writer.write_table(_table(row, found))


def of_bucket(dataset: Dataset, bucket: int, size: int = READ_ROWS) -> Iterator[Stored]:
    """A bucket's findings as they were kept, at most `size` rows at a time. Raises SealError."""
    for batch in read(dataset, STEM, bucket, size=size):
        yield _stored(pa.Table.from_batches([batch]))


def of_all(dataset: Dataset, buckets: int) -> Iterator[Stored]:
    """All buckets' findings by ascending row number, each row once. Raises SealError."""
    for table in in_order(dataset, STEM, buckets):
        yield _stored(table)


def _table(row: I64, found: FindingsLike) -> pa.Table:
    over = np.zeros(len(found), np.bool_)
    over[found.over] = True
    bearer = np.zeros(len(found), np.int64)
    bearer[found.bearer_at] = found.bearer
    row_ref = pa.nulls(len(found), pa.string()) if found.row_ref is None else found.row_ref
    columns = [
        row, found.national, found.key, found.reasons, pa.array(found.score, mask=np.isnan(found.score)),
        over, row_ref, bearer,
    ]  # fmt: skip
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)


def _stored(table: pa.Table) -> Stored:
    def column(name: str) -> npt.NDArray[np.generic]:
        return np.array(table[name].to_numpy())  # a copy: what was kept may be changed by who reads it

    row_ref = table["row_ref"].combine_chunks()
    bearer = column("bearer")
    at = np.flatnonzero(bearer).astype(np.int32)
    return Stored(
        column(ROW).astype(np.int64),
        Columns(
            column("national").astype(np.int64),
            column("key").astype(np.int64),
            column("reasons").astype(np.uint64),
            column("score").astype(np.float32),
            np.flatnonzero(column("over")),
            None if row_ref.null_count == len(row_ref) else row_ref,
            at,
        ),
        bearer[at].astype(np.int64),
    )
