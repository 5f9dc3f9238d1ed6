"""The end of a run before anybody sees it: the second look, the facts of the whole, final findings.

A run's rows stand in memory as columns of numbers (some 50 bytes a row), in the order of the file and in the
same batches as in a check of files, so that the same steps lead to the same end.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.crosscheck.again import look_again
from simcheck.crosscheck.buckets import pending_of
from simcheck.crosscheck.compare import Measure
from simcheck.crosscheck.findings import I64, U64, Findings, Source
from simcheck.crosscheck.others import ACROSS, FINAL, Own, Published, Rows, own_of, source_of, touched
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.whole import look_at_whole
from simcheck.errors import SealError
from simcheck.lake import findings as kept_findings
from simcheck.lake.buckets import file_of, read
from simcheck.lake.encryption import Dataset
from simcheck.matching import rules as rule_file
from simcheck.matching.names import READ_SHIFT
from simcheck.matching.rules import VERDICTS, told
from simcheck.normalise.kernels import Bytes
from simcheck.normalise.names import new_keys
from simcheck.normalise.words import KEYBOARDS_FROM, Vocabulary
from simcheck.reasons import Reason
from simcheck.records import ROW
from simcheck.register.sealed import SealedRegister

CHUNK = 1 << 20  # rows of a batch
LOCAL = timezone(timedelta(hours=7))  # the day of a run is the country's
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
    """Columns over all rows of a run, by row number less 1, and the touched rows of other carriers.

    `verdict` and `reasons` are as they are told; `score` NaN where no name was compared;
    `encodings` are the dead encodings in which the file was settled to be written.
    """

    national: I64
    person: I64
    verdict: Bytes
    reasons: U64
    score: npt.NDArray[np.float32]
    over: npt.NDArray[np.bool_]
    others: list[tuple[Rows, Bytes, U64]]
    encodings: list[int]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows have each verdict and each reason."""
        verdicts = np.bincount(self.verdict, minlength=len(VERDICTS))
        reasons = {
            reason.name: int(np.count_nonzero(self.reasons & np.uint64(reason.mask))) for reason in Reason
        }
        return {
            "verdicts": {each.value: int(verdicts[at]) for at, each in enumerate(VERDICTS)},
            "reasons": {name: count for name, count in reasons.items() if count},
        }


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
    declared = lake.declared(task.carrier, task.batch)
    dataset = lake.findings(task.carrier, task.run)
    findings = _load(dataset, task)
    if register is not None:
        waiting = [
            each
            for bucket in range(task.buckets)
            for each in pending_of(dataset, bucket, CHUNK)
        ]  # fmt: skip
        look_again(findings, waiting, register.parts(threads), measure, threads)
    own = _add(own_of(lake, before), findings)
    rest = touched(lake, others, own, measure.rules)
    theirs = [rows.findings(source) for source, rows in enumerate(rest, 1)]
    source = Source(
        task.carrier, Path(task.carrier), rows=task.rows, marked_names=task.marked,
        tells_faces="face_verified_at" in declared.manifest["present"],
    )  # fmt: skip
    look_at_whole([*findings, *theirs], [source, *(source_of(rows) for rows in rest)], measure.rules, threads)
    mask = np.concatenate([np.zeros(0, np.uint64), *(batch.reasons for batch in findings)])
    whole = Whole(
        np.concatenate([np.zeros(0, np.int64), *(batch.national for batch in findings)]),
        np.concatenate([np.zeros(0, np.int64), *(batch.person for batch in findings)]),
        measure.rules.verdicts(mask),
        told(mask),
        np.concatenate([np.zeros(0, np.float32), *(batch.score for batch in findings)]),
        np.concatenate([np.zeros(0, np.bool_), *map(_over, findings)]),
        [
            (rows, measure.rules.verdicts(batch.reasons), told(batch.reasons))
            for rows, batch in zip(rest, theirs, strict=True)
        ],
        _encodings(findings, task.marked, measure.rules.file_encoding_minimum_share),
    )
    key = np.concatenate([np.zeros(0, np.int64), *(batch.key for batch in findings)])
    _write(dataset, task, whole, key, mask & ~ACROSS)
    return whole


def _encodings(findings: list[Findings], marked: int, share: float) -> list[int]:
    """The encodings by which `look_at_whole` settles a file's doubtful names; kept for single rows."""
    read = np.zeros(KEYBOARDS_FROM, np.int64)
    for batch in findings:
        evidence = batch.reasons >> np.uint64(READ_SHIFT)
        read += [int((evidence >> np.uint64(each) & np.uint64(1)).sum()) for each in range(KEYBOARDS_FROM)]
    return [int(each) for each in np.flatnonzero(read / max(marked, 1) >= share)]


def _load(dataset: Dataset, task: Task) -> list[Findings]:
    """All findings in the order of the file, in batches."""
    n = task.rows
    number = {name: np.zeros(n, np.int64) for name in ("national", "key", "bearer")}
    reasons, score, over = np.zeros(n, np.uint64), np.zeros(n, np.float32), np.zeros(n, np.bool_)
    seen = np.zeros(n, np.bool_)
    columns = (ROW, *number, "reasons", "score", "over")
    for bucket in range(task.buckets):
        for batch in read(dataset, kept_findings.STEM, bucket, columns):
            at = batch[ROW].to_numpy() - 1
            for name, column in number.items():
                column[at] = batch[name].to_numpy()
            reasons[at] = batch["reasons"].to_numpy()
            score[at] = batch["score"].to_numpy(zero_copy_only=False)  # null becomes NaN
            over[at] = batch["over"].to_numpy(zero_copy_only=False)
            seen[at] = True
    if not seen.all():
        raise SealError(f"{dataset.name} in the lake has not a finding for every row. Check the batch again.")
    return [
        _batch(slice(start, start + CHUNK), start, number, reasons, score, over)
        for start in range(0, n, CHUNK)
    ]


def _batch(
    part: slice, start: int, number: dict[str, I64], reasons: U64, score: npt.NDArray[np.float32],
    over: npt.NDArray[np.bool_],
) -> Findings:  # fmt: skip
    bearer = number["bearer"][part]
    at = np.flatnonzero(bearer).astype(np.int32)
    return Findings(
        0, start + 1, number["national"][part], number["key"][part], reasons[part], score[part],
        np.flatnonzero(over[part]), None, bearer_at=at, bearer=bearer[at],
    )  # fmt: skip


def _over(batch: Findings) -> npt.NDArray[np.bool_]:
    over = np.zeros(len(batch), np.bool_)
    over[batch.over] = True
    return over


def _add(own: Own, findings: list[Findings]) -> Own:
    """With the numbers and persons of the new rows."""
    for batch in findings:
        counted = batch.counted
        own.numbers.append(counted)
        own.persons.append(np.where(counted > 0, batch.person, 0))
    return own


def _write(dataset: Dataset, task: Task, whole: Whole, key: I64, mask: U64) -> None:
    for bucket in range(task.buckets):
        with dataset.writing(file_of(FINAL, bucket), FINAL_SCHEMA) as writer:
            for rows in read(dataset, kept_findings.STEM, bucket, (ROW, "row_ref")):
                writer.write_batch(_final(rows, whole, key, mask))
    dataset.publish(buckets=task.buckets, rows=task.rows, batch=str(task.batch))


def _final(rows: pa.RecordBatch, whole: Whole, key: I64, mask: U64) -> pa.RecordBatch:
    at = rows[ROW].to_numpy() - 1
    score = whole.score[at]
    columns: list[Any] = [
        rows[ROW], whole.national[at], key[at], whole.verdict[at], whole.reasons[at],
        pa.array(score, mask=np.isnan(score)), rows["row_ref"], whole.person[at], whole.over[at], mask[at],
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=FINAL_SCHEMA)


def final_rows(dataset: Dataset, buckets: int) -> Iterator[pa.RecordBatch]:
    """A published run's final findings, bucket by bucket."""
    for bucket in range(buckets):
        yield from read(dataset, FINAL, bucket)
