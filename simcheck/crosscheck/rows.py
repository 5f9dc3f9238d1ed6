"""A run's rows as they stand in the lake, a part of a bucket at a time, with what was found of them since.

However many rows a run has, in memory are one part of them and what was found later of few: rows are not
written again for that, but read with it. A row is known by its bucket and its place there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.crosscheck.again import look_again
from simcheck.crosscheck.buckets import pending_of
from simcheck.crosscheck.compare import Measure
from simcheck.crosscheck.findings import I64, U64, Findings, Pending
from simcheck.errors import SealError
from simcheck.lake import findings as kept_findings
from simcheck.lake.buckets import read
from simcheck.lake.encryption import Dataset
from simcheck.records import ROW
from simcheck.register.sealed import SealedRegister

Flags = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
_NUMBERS = ("national", "key", "bearer")


@dataclass(frozen=True)
class Rows:
    """Rows of one bucket, the first of them at the place `start` there: their numbers in the file, the mobile
    number (9 digits), the ID number as declared, whom the row names, the mask of reasons, the name score
    (NaN: no name was compared), and whether they are out of service."""

    bucket: int
    start: int
    row: I64
    national: I64
    key: I64
    person: I64
    reasons: U64
    score: F32
    over: Flags

    @property
    def counted(self) -> I64:
        """`national` of rows in service, else 0."""
        return np.where(self.over, 0, self.national)

    @property
    def holder(self) -> I64:
        """Who holds a number that is in service, else 0."""
        return np.where(self.counted > 0, self.person, 0)


@dataclass(frozen=True)
class Later:
    """What the second look found of some rows of a bucket, by their places there, ascending."""

    place: I64
    key: I64
    person: I64
    reasons: U64
    score: F32

    def put(self, rows: Rows) -> Rows:
        """The rows, with what was found of them."""
        here = slice(*np.searchsorted(self.place, [rows.start, rows.start + len(rows.row)]))
        at = self.place[here] - rows.start
        if not len(at):
            return rows
        key, person = rows.key.copy(), rows.person.copy()
        reasons, score = rows.reasons.copy(), rows.score.copy()
        key[at], person[at] = self.key[here], self.person[here]
        reasons[at], score[at] = self.reasons[here], self.score[here]
        return replace(rows, key=key, person=person, reasons=reasons, score=score)


def parts(dataset: Dataset, bucket: int, later: Later | None = None) -> Iterator[tuple[Rows, pa.StringArray]]:
    """A bucket's rows, some ten thousand at a time, and the carrier's references. Raises SealError."""
    start, last = 0, 0
    for batch in read(dataset, kept_findings.STEM, bucket):
        row, reasons = batch[ROW].to_numpy(), batch["reasons"].to_numpy()
        if not len(row):
            continue
        if row[0] <= last or (np.diff(row) <= 0).any():
            raise SealError(f"{dataset.name} in the lake is not in order. Check the batch again.")
        national, key, bearer = (batch[name].to_numpy() for name in _NUMBERS)
        score = batch["score"].to_numpy(zero_copy_only=False)  # null becomes NaN
        over = batch["over"].to_numpy(zero_copy_only=False)
        person = np.where(bearer > 0, bearer, key)
        rows = Rows(bucket, start, row, national, key, person, reasons, score.astype(np.float32), over)
        yield later.put(rows) if later is not None else rows, batch["row_ref"]
        start, last = start + len(row), int(row[-1])


def second_look(
    dataset: Dataset, buckets: int, register: SealedRegister | None, measure: Measure, threads: int
) -> list[Later | None]:
    """Look again at the rows that wait in each bucket; what was found of them, bucket by bucket.

    Of an online register (None) nothing waits: it was asked twice at once. Raises SealError.
    """
    found: list[Later | None] = [None] * buckets
    if register is None:
        return found
    waiting: list[Pending] = []
    findings: list[Findings] = []
    places: list[tuple[int, I64]] = []
    for bucket in range(buckets):
        row, pending = pending_of(dataset, bucket, len(findings))
        if len(row):
            place, rows = _those(dataset, bucket, row)
            places.append((bucket, place))
            findings.append(rows)
            waiting.append(pending)
    look_again(findings, waiting, register.parts(threads), measure, threads)
    for (bucket, place), rows in zip(places, findings, strict=True):
        found[bucket] = Later(place, rows.key, rows.person, rows.reasons, rows.score)
    return found


def _those(dataset: Dataset, bucket: int, wanted: I64) -> tuple[I64, Findings]:
    """The places of some rows (their numbers, ascending) in a bucket, and these rows."""
    found: list[tuple[npt.NDArray[Any], ...]] = []
    for rows, _ in parts(dataset, bucket):
        at = np.flatnonzero(np.isin(rows.row, wanted, assume_unique=True))
        found.append((rows.start + at, rows.row[at], rows.national[at], rows.key[at], rows.reasons[at],
                      rows.score[at]))  # fmt: skip
    place, row, national, key, reasons, score = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    if not np.array_equal(row, wanted):
        raise SealError(f"{dataset.name} in the lake has not a finding for every row. Check the batch again.")
    return place, Findings(0, 1, national, key, reasons, score, np.zeros(0, np.int64), None)
