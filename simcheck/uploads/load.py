"""Rows of a file into the lake: a dataset of declared rows, cut into buckets by ID number.

The dataset of a batch is `declared/<carrier>/<batch id>`, its files `declared-0000` and on. Its manifest says
`rows`, `buckets`, `as_of` (the day by which ID numbers were read) and `own` (rows 1 to `own` have the number
that they have in the batch's file; the ones above were carried over from the dataset before a delta), the
file's `present` and `ignored` columns and its `warnings`. Headers and names of sheets may be anything, a
person's name too, so they stand in the sealed manifest and nowhere else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.errors import SimcheckError
from simcheck.lake.buckets import BucketWriter
from simcheck.lake.encryption import Dataset
from simcheck.normalise import citizen_ids, dates
from simcheck.records import DECLARED_COLUMNS, ROW, Reading, declared_schema
from simcheck.register.index import bucket_of

STEM = "declared"


class RefusedError(SimcheckError):
    """The batch cannot be used. `reason` is stable, the message for people, without any cell or header."""

    code = "refused"

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class LostError(SimcheckError):
    """Another worker took the batch over: this one leaves it."""

    code = "lost"


@dataclass
class Progress:
    """How far a load is, for whoever watches from another thread, who may also stop it."""

    rows: int = 0
    bytes_read: int = 0
    stopped: bool = False

    def step(self, reading: Reading, rows: int) -> None:
        """So many more rows. Raises LostError when it was stopped."""
        if self.stopped:
            raise LostError("another worker reads this batch now")
        self.rows += rows
        self.bytes_read = reading.bytes_read


@dataclass(frozen=True)
class Limits:
    """Into how many buckets, by which day's rules, and how many rows at most."""

    buckets: int
    as_of: date
    rows: int


@dataclass
class Loaded:
    """What came of it: `rows` in the dataset, and what may be told of them."""

    rows: int
    counts: dict[str, int] = field(default_factory=dict)


def dataset_of(carrier: str, batch: uuid.UUID) -> str:
    """The name of a batch's dataset."""
    return f"declared/{carrier}/{batch}"


def load_snapshot(reading: Reading, dataset: Dataset, limits: Limits, progress: Progress) -> Loaded:
    """All rows of a file into an empty dataset, which is published at the end.

    Raises RefusedError above the limit of rows, FileRefusedError, SealError, OutputError, LostError.
    """
    rows = 0
    with writer_of(dataset, limits) as writer:
        for batch in watched(reading, limits, progress):
            writer.add(batch, buckets_of(batch, limits))
            rows += len(batch)
    publish(dataset, reading, limits, rows, rows)
    return Loaded(rows)


def watched(reading: Reading, limits: Limits, progress: Progress) -> Iterator[pa.RecordBatch]:
    """The file's batches, counted and limited."""
    rows = 0
    for batch in reading:
        progress.step(reading, len(batch))
        rows += len(batch)
        if rows > limits.rows:
            raise RefusedError(
                "too_many_rows", f"The file has more than {limits.rows:,} rows. Send it in parts."
            )
        if len(batch):
            yield batch


def writer_of(dataset: Dataset, limits: Limits) -> BucketWriter:
    """The writer of a dataset's buckets."""
    return BucketWriter(dataset, STEM, declared_schema(), limits.buckets)


def buckets_of(batch: pa.RecordBatch, limits: Limits) -> npt.NDArray[np.int64]:
    """Each row's bucket: that of its ID number, as the check reads it; without one, by the row's number."""
    born = dates.normalise(batch["date_of_birth"], limits.as_of)
    key = citizen_ids.normalise(batch["id_number"], batch["id_type"], born, batch["gender"], limits.as_of).key
    row = batch[ROW].to_numpy()
    return np.where(key > 0, bucket_of(key, limits.buckets), row % limits.buckets)


def publish(dataset: Dataset, reading: Reading, limits: Limits, rows: int, own: int, **more: Any) -> None:
    """Make the dataset readable, with what there is to say of it."""
    dataset.publish(
        rows=rows, own=own, buckets=limits.buckets, as_of=limits.as_of.isoformat(),
        present=sorted(_known(reading.present)), ignored=reading.unknown_columns, warnings=reading.warnings,
        **more,
    )  # fmt: skip


def _known(names: Iterable[str]) -> set[str]:
    return set(names) & set(DECLARED_COLUMNS)
