"""The end of a run before anybody sees it: the second look, the facts of the whole, final findings.

A run's rows are gone through bucket by bucket, and only those about which other rows tell something stand
in memory (`near.py`). The steps over these are those of a check of files, so that they lead to the same end.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.clock import LOCAL
from simcheck.crosscheck.compare import Measure
from simcheck.crosscheck.findings import I64, U64, Source
from simcheck.crosscheck.members import Members, Tally
from simcheck.crosscheck.near import Near, claims
from simcheck.crosscheck.others import ACROSS, FINAL, NEVER, Own, Published, own_of, source_of, touched
from simcheck.crosscheck.others import Rows as Others
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.rows import Later, parts, second_look
from simcheck.crosscheck.whole import (
    Over,
    dead_encodings,
    evidence,
    look_at_whole,
    over_limits,
    settled,
)
from simcheck.errors import SealError
from simcheck.lake.buckets import file_of, read
from simcheck.lake.encryption import Dataset
from simcheck.matching import rules as rule_file
from simcheck.matching.rules import VERDICTS, Rules, told
from simcheck.normalise.kernels import Bytes
from simcheck.normalise.names import new_keys
from simcheck.normalise.words import KEYBOARDS_FROM, Vocabulary
from simcheck.parallel import ordered
from simcheck.reasons import Reason
from simcheck.records import ROW
from simcheck.register.sealed import SealedRegister

# A run's last word of every row: verdict (place in VERDICTS) and reasons as they are told; `mask` as it was
# decided, with graver forms, but without what other carriers' rows told; `person` whom the row names.
FINAL_SCHEMA = pa.schema(
    [
        pa.field(ROW, pa.int64(), nullable=False),
        pa.field("national", pa.int64(), nullable=False),
        pa.field("key", pa.int64(), nullable=False),
        pa.field("verdict", pa.uint8(), nullable=False),
        pa.field("reasons", pa.uint64(), nullable=False),
        pa.field("score", pa.float32()),
        pa.field("row_ref", pa.string()),
        pa.field("person", pa.int64(), nullable=False),
        pa.field("over", pa.bool_(), nullable=False),
        pa.field("mask", pa.uint64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Task:
    """A run whose buckets are done: what finishing it needs to know."""

    carrier: str
    batch: uuid.UUID
    run: uuid.UUID
    buckets: int
    rows: int
    marked: int
    made_at: datetime


@dataclass(frozen=True)
class Whole:
    """What publishing has to know of a finished run beside its final findings.

    `counts` are the rows of each verdict and reason, `encodings` the dead encodings in which the file was
    settled to be written. `others` are the touched rows of other carriers with their verdicts and reasons as
    told. `aside` are the numbers in the file, ascending, of rows in whose place another row of the same
    phone number stands; `claimed` the phone numbers in service at other carriers, ascending, and `claims` at
    how many carriers in all.
    """

    counts: dict[str, dict[str, int]]
    encodings: list[int]
    others: list[tuple[Others, Bytes, U64]]
    aside: I64
    claimed: I64
    claims: I64


def day_of(made_at: datetime) -> date:
    """The day by which a run judges ages and dates: it stays the same however often a step is done again."""
    return made_at.astimezone(LOCAL).date()


def measure_of(as_of: date) -> Measure:
    """What to compare by on that day. Its keys live as long as it does: nothing kept depends on them."""
    return Measure(rule_file.load(), as_of, new_keys(), Vocabulary())


def finish(
    lake: Lake, task: Task, register: SealedRegister | None, before: Published | None,
    others: list[Published], threads: int,
) -> Whole:  # fmt: skip
    """All that is left to find out; final findings are in the lake afterwards, and nobody's yet.

    `register` is None for an online one, whose second look was with the first. `before` is the carrier's own
    newest published run, `others` those of all other carriers. Raises SealError, OutputError.
    """
    measure = measure_of(day_of(task.made_at))
    present = lake.declared(task.carrier, task.batch).manifest["present"]
    later = second_look(lake.findings(task.carrier, task.run), task.buckets, register, measure, threads)
    run = _Run(lake, task, measure.rules, later, "face_verified_at" in present)
    rest = run.look(before, others)
    near, holders = run.near(rest, threads)
    theirs = [rows.findings(source) for source, rows in enumerate(rest, 1)]
    own = near.findings()
    sources = [_settled(task.carrier, len(own)), *(source_of(rows) for rows in rest)]
    look_at_whole([own, *theirs], sources, measure.rules, threads)
    others_told = [
        (rows, measure.rules.verdicts(batch.reasons), told(batch.reasons))
        for rows, batch in zip(rest, theirs, strict=True)
    ]
    aside = near.aside(measure.rules.verdicts(own.reasons))
    over = over_limits(run.persons, holders, own, measure.rules)
    counts = run.write(near, own.reasons, over, threads)
    return Whole(counts, run.encodings, others_told, aside, *claims(rest, near.counted))


class _Run:
    """A run's rows, gone through three times: what they tell together, which ones that is about, and all of
    them as they are told."""

    def __init__(
        self, lake: Lake, task: Task, rules: Rules, later: list[Later | None], tells_faces: bool
    ) -> None:
        self.lake, self.task, self.rules, self.later, self.tells_faces = lake, task, rules, later, tells_faces
        self.dataset = lake.findings(task.carrier, task.run)
        self.encodings: list[int] = []
        self._numbers = Tally(task.rows, 2)
        self.persons = Tally(task.rows, min(rules.sims_per_carrier + 1, rules.sims_total))
        self._own: Own | None = None

    def look(self, before: Published | None, others: list[Published]) -> list[Others]:
        """Count numbers, persons, evidence of dead encodings; the other carriers' rows that are touched."""
        if others:
            self._own = own_of(self.lake, before, others, self.task.rows, self.rules)
        count, read = 0, np.zeros(KEYBOARDS_FROM, np.int64)
        for bucket in range(self.task.buckets):
            for rows, _ in parts(self.dataset, bucket, self.later[bucket]):
                count += len(rows.row)
                read += evidence(rows.reasons)
                self._numbers.count(rows.national)
                self.persons.count(rows.holder)
                if self._own is not None:
                    self._own.add(rows.counted, rows.holder)
        if count != self.task.rows:
            raise SealError(
                f"{self.dataset.name} in the lake has not a finding for every row. Check the batch again."
            )
        self.encodings = dead_encodings(read, self.task.marked, self.rules)
        rest = touched(self.lake, others, self._own) if self._own is not None else []
        for each in rest:
            self._numbers.count(each.national)
        return rest

    def near(self, rest: list[Others], threads: int) -> tuple[Near, list[I64]]:
        """Every row that shares its number with another row or is of a person near the limit of all carriers,
        and the holders who may be over this carrier's own. `rest` are the other carriers' rows that are
        touched."""
        found = list(ordered(self._near, range(self.task.buckets), threads))
        maybe = [each for part, _ in found for each in part]
        numbers = [each.national for each in maybe] + [each.national for each in rest]
        repeated = Members(self._numbers.frequent(numbers)[0])

        def surely(rows: Near) -> Near:
            at = self._limited(rows.holder)
            at[repeated.rows(rows.national)] = True
            return rows.kept(at)

        return Near.of([surely(each) for each in maybe]), [each for _, part in found for each in part]

    def _near(self, bucket: int) -> tuple[list[Near], list[I64]]:
        found, holders = [], []
        for rows, _ in parts(self.dataset, bucket, self.later[bucket]):
            holders.append(self.persons.candidates(rows.holder))
            at = self._limited(rows.holder)
            at[self._numbers.rows(rows.national)] = True
            place = np.flatnonzero(at)
            where = np.full(len(place), bucket, np.int32)
            reasons = settled(rows.reasons[place], self.tells_faces, self.encodings)
            found.append(Near(where, rows.start + place, rows.row[place], rows.national[place],
                              rows.person[place], rows.over[place], reasons))  # fmt: skip
        return found, holders

    def _limited(self, holder: I64) -> npt.NDArray[np.bool_]:
        """Of which holders all rows have to be looked at: those with about as many as one may have in all."""
        at = np.zeros(len(holder), np.bool_)
        if self._own is not None:
            at[self._own.persons.rows(holder)] = True
        return at

    def write(self, near: Near, reasons: U64, over: Over, threads: int) -> dict[str, dict[str, int]]:
        """Write every row's last word; `reasons` are those that the whole gave to the rows `near`, `over` are
        holders of too many numbers. How many rows have each verdict and each reason."""
        verdicts, having = np.zeros(len(VERDICTS), np.int64), np.zeros(len(Reason), np.int64)
        order = np.lexsort((near.place, near.bucket))
        bounds = np.searchsorted(near.bucket[order], np.arange(self.task.buckets + 1))

        def write(bucket: int) -> tuple[I64, I64]:
            mine = order[bounds[bucket] : bounds[bucket + 1]]
            return self._write(bucket, near.place[mine], reasons[mine], over)

        for each, of_reason in ordered(write, range(self.task.buckets), threads):
            verdicts += each
            having += of_reason
        task = self.task
        self.dataset.publish(buckets=task.buckets, rows=task.rows, batch=str(task.batch))
        return {
            "verdicts": {each.value: int(verdicts[at]) for at, each in enumerate(VERDICTS)},
            "reasons": {each.name: int(having[at]) for at, each in enumerate(Reason) if having[at]},
        }

    def _write(self, bucket: int, place: I64, given: U64, over: Over) -> tuple[I64, I64]:
        verdicts, having = np.zeros(len(VERDICTS), np.int64), np.zeros(len(Reason), np.int64)
        with self.dataset.writing(file_of(FINAL, bucket), FINAL_SCHEMA) as writer:
            for rows, row_ref in parts(self.dataset, bucket, self.later[bucket]):
                mask = settled(rows.reasons, self.tells_faces, self.encodings).copy()
                here = slice(*np.searchsorted(place, [rows.start, rows.start + len(rows.row)]))
                mask[place[here] - rows.start] = given[here]
                over.mark(rows.holder, mask)
                verdict, reasons = self.rules.verdicts(mask), told(mask)
                columns: list[Any] = [
                    rows.row, rows.national, rows.key, verdict, reasons,
                    pa.array(rows.score, mask=np.isnan(rows.score)), row_ref, rows.person, rows.over,
                    mask & ~ACROSS,
                ]  # fmt: skip
                arrays = [pa.array(column) for column in columns]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=FINAL_SCHEMA))
                verdicts += np.bincount(verdict, minlength=len(VERDICTS))
                having += [np.count_nonzero(reasons & np.uint64(each.mask)) for each in Reason]
        return verdicts, having


def _settled(carrier: str, rows: int) -> Source:
    """What reading the file told is settled already."""
    return Source(carrier, Path(carrier), rows=rows, marked_names=NEVER, tells_faces=True)


def final_rows(dataset: Dataset, buckets: int) -> Iterator[pa.RecordBatch]:
    """A published run's final findings, bucket by bucket."""
    for bucket in range(buckets):
        yield from read(dataset, FINAL, bucket)
