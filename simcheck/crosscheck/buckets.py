"""One bucket of a run: its declared rows against its citizens, what was found kept in the lake.

The comparison is `compare`, as in a check of files; here it is only fed from the lake. A bucket can be taken
up again at any time: it ends the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.crosscheck.again import look_again
from simcheck.crosscheck.compare import Declared, Measure, compare, normalise
from simcheck.crosscheck.findings import I64, Findings, Pending
from simcheck.crosscheck.places import DECLARED
from simcheck.lake import findings as kept_findings
from simcheck.lake.buckets import file_of, read
from simcheck.lake.encryption import READ_ROWS, Dataset
from simcheck.parallel import ordered
from simcheck.reasons import Reason
from simcheck.records import CHECKED_COLUMNS, PROBLEM, ROW
from simcheck.register.index import bucket_of
from simcheck.register.protocol import Register, index_of, slips
from simcheck.register.sealed import SealedRegister

PENDING = "pending"
PENDING_SCHEMA = pa.schema(
    [
        pa.field(ROW, pa.int64(), nullable=False),
        pa.field("key", pa.int64(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("born", pa.int32(), nullable=False),
        pa.field("other_born", pa.int32(), nullable=False),
        pa.field("born_flags", pa.uint64(), nullable=False),
    ]
)
_UNANSWERED = np.uint64(Reason.REGISTER_UNANSWERED.mask)
Checked = tuple[I64, Declared, Findings, Pending | None]


def check_sealed(
    declared: Dataset, target: Dataset, bucket: int, register: SealedRegister, measure: Measure, threads: int
) -> dict[str, int]:
    """Check a bucket against the same bucket of a sealed register; what may be told of it: rows, and names
    with marks. Rows whose ID number nobody bears wait in `pending` for the second look.

    Raises SealError, OutputError.
    """
    index = register.index(bucket, measure.keys)

    def work(batch: pa.RecordBatch) -> Checked:
        rows = normalise(batch, 0, measure)
        found, waiting = compare(rows, index, measure, 0)
        strays = _strays(rows, bucket, register.buckets)
        if len(strays):
            waiting = _ask_for(strays, rows, found, waiting, register, measure)
        return batch[ROW].to_numpy(), rows, found, waiting

    return _keep(target, bucket, ordered(work, _batches(declared, bucket), threads))


def check_online(
    declared: Dataset, target: Dataset, bucket: int, register: Register, measure: Measure, threads: int
) -> dict[str, int]:
    """Check a bucket against a register that is asked row by row's number; as `check_sealed`, but the second
    look happens at once. Rows of which it said nothing are unverifiable."""

    def work(batch: pa.RecordBatch) -> Checked:
        rows = normalise(batch, 0, measure)
        found = against_answers(rows, register, measure, threads)
        return batch[ROW].to_numpy(), rows, found, None

    return _keep(target, bucket, map(work, _batches(declared, bucket)))


def against_answers(rows: Declared, register: Register, measure: Measure, threads: int = 1) -> Findings:
    """Both looks at a few rows, by asking the register for them alone."""
    answer = register.ask(_asked(rows), measure.keys, threads)
    found, waiting = compare(rows, index_of(answer), measure, 0)
    silent = np.isin(found.key, answer.unanswered) & (found.key > 0)
    found.reasons[silent] |= _UNANSWERED
    waiting = _only(waiting, ~silent[waiting.at])
    if len(waiting.key):
        more = register.ask(waiting.key, measure.keys, threads, slips(waiting.key))
        mute = np.isin(waiting.key, more.unanswered)
        found.reasons[waiting.at[mute]] |= _UNANSWERED
        look_again([found], [_only(waiting, ~mute)], [(more.citizens, more.former)], measure, threads)
    return found


def pending_of(target: Dataset, bucket: int, batch: int) -> tuple[I64, Pending]:
    """The numbers of a bucket's rows that wait for the second look, ascending, and what it needs of them.

    They are the rows of the batch of that number, in this order.
    """
    kept = pa.Table.from_batches(read(target, PENDING, bucket), PENDING_SCHEMA).sort_by(ROW)
    row, key, born, other_born, born_flags = (
        np.array(kept[name].to_numpy()) for name in (ROW, "key", "born", "other_born", "born_flags")
    )
    name = pa.concat_arrays([pa.array([], pa.string()), *kept["name"].chunks])
    here = np.full(len(row), batch, np.int32)
    return row, Pending(here, np.arange(len(row), dtype=np.int32), key, name, born, other_born, born_flags)


def _batches(declared: Dataset, bucket: int) -> Iterator[pa.RecordBatch]:
    for batch in read(declared, DECLARED, bucket, (ROW, PROBLEM, *CHECKED_COLUMNS), READ_ROWS):
        if len(batch):
            yield batch


def _keep(target: Dataset, bucket: int, checked: Iterator[Checked]) -> dict[str, int]:
    counts = {"rows": 0, "marked": 0}
    waiting: list[pa.RecordBatch] = []

    def rows() -> Iterator[tuple[I64, Findings]]:
        for row, declared, found, pending in checked:
            counts["rows"] += len(found)
            counts["marked"] += declared.marked
            if pending is not None and len(pending.key):
                waiting.append(_written(row, pending))
            yield row, found

    kept_findings.write(target, bucket, rows())
    with target.writing(file_of(PENDING, bucket), PENDING_SCHEMA) as writer:
        writer.write_table(pa.Table.from_batches(waiting, PENDING_SCHEMA))
    return counts


def _written(row: I64, pending: Pending) -> pa.RecordBatch:
    columns = [
        row[pending.at],
        pending.key,
        pending.name,
        pending.born,
        pending.other_born,
        pending.born_flags,
    ]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=PENDING_SCHEMA)


def _strays(rows: Declared, bucket: int, buckets: int) -> I64:
    """Rows whose number belongs to another bucket: the day by which it is read is another than that by which
    the file was cut."""
    key = rows.ids.key
    return np.flatnonzero(rows.readable & (key > 0) & (bucket_of(key, buckets) != bucket))


def _ask_for(
    strays: I64, rows: Declared, found: Findings, waiting: Pending, register: Register, measure: Measure
) -> Pending:
    """Ask for strays by number. They take over what is found so; what still waits is returned."""
    answer = register.ask(rows.ids.key[strays], measure.keys)
    again, still = compare(rows, index_of(answer), measure, 0)
    found.reasons[strays], found.score[strays] = again.reasons[strays], again.score[strays]
    ours = _only(waiting, ~np.isin(waiting.at, strays))
    theirs = _only(still, np.isin(still.at, strays))
    both: list[Any] = [
        pa.concat_arrays(pair) if isinstance(pair[0], pa.Array) else np.concatenate(pair)
        for pair in zip(ours, theirs, strict=True)
    ]
    return Pending(*both)


def _asked(rows: Declared) -> I64:
    return np.unique(rows.ids.key[rows.readable & (rows.ids.key > 0)])


def _only(pending: Pending, keep: npt.NDArray[np.bool_]) -> Pending:
    at = np.flatnonzero(keep)
    taken: list[Any] = [
        column.take(pa.array(at)) if isinstance(column, pa.Array) else column[at] for column in pending
    ]
    return Pending(*taken)
