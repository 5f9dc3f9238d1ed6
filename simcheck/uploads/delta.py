"""A delta and the dataset before it become a full dataset, so that every later step sees full ones only.

Rows are told apart by their phone number. A row `added` or `changed` says what the subscription is now, one
`removed` that it is no more; either way what the dataset before said of the number is gone. Within the
delta, `changed` and `removed` take away the rows of the same number above them. Two rows `added` with one
number both stay: that is a number given to two people, which the check must see.

Two passes over the file, 9 bytes a row between them; the dataset before is streamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.lake.buckets import in_order
from simcheck.lake.encryption import Dataset
from simcheck.normalise import phones
from simcheck.records import CHANGE, CHANGES, DECLARED_COLUMNS, PROBLEM, ROW, Reading, declared_schema
from simcheck.uploads.load import (
    STEM,
    Limits,
    Loaded,
    Progress,
    RefusedError,
    buckets_of,
    publish,
    watched,
    writer_of,
)

I64 = npt.NDArray[np.int64]
I8 = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]

COLUMNS = (*DECLARED_COLUMNS, CHANGE)  # to read a delta with
ADDED, CHANGED, REMOVED = range(3)
UNCLEAR = -1  # no change that we know, or a row that could not be read
_UNKNOWN_WORD = "the column change does not say added, changed or removed"
_UNKNOWN_NUMBER = "a subscription is to be removed whose number cannot be read"


@dataclass(frozen=True)
class _Changes:
    """The delta's rows, one entry each: the number (0: none), what became of it, whether the row stays."""

    number: I64
    change: I8
    stays: Mask


def load_delta(
    reading: Reading, base: Dataset, dataset: Dataset, limits: Limits, progress: Progress
) -> Loaded:
    """The rows of a delta and of `base` into an empty dataset, which is published at the end.

    Rows of the delta keep their number; row `r` of the base becomes `r` plus the delta's rows. Rows of the
    base without a number, which were told when they came, are not carried over. Raises as `load_snapshot`
    does.
    """
    changes = _read(reading, limits, progress)
    own = len(changes.number)
    touched = np.unique(changes.number[(changes.number > 0) & (changes.change != UNCLEAR)])
    carried = gone = 0
    with writer_of(dataset, limits) as writer:
        for batch in _staying(reading, changes):
            writer.add(batch, buckets_of(batch, limits))
        for table in in_order(base, STEM, int(base.manifest["buckets"]), [ROW, PROBLEM, *DECLARED_COLUMNS]):
            progress.step(reading, 0)
            number = phones.normalise(table["msisdn"]).national
            replaced = _among(touched, number)
            gone += len(np.unique(number[replaced]))
            kept = table.filter(pa.array((number > 0) & ~replaced))
            carried += len(kept)
            for batch in _renumbered(kept, own):
                writer.add(batch, buckets_of(batch, limits))
    rows = int(changes.stays.sum()) + carried
    publish(dataset, reading, limits, rows, own)
    counts = {word: int((changes.change == at).sum()) for at, word in enumerate(CHANGES)}
    return Loaded(rows, counts | {"unclear": int((changes.change == UNCLEAR).sum()), "replaced": gone})


def _read(reading: Reading, limits: Limits, progress: Progress) -> _Changes:
    """The first pass: which rows stay. Raises RefusedError for a file that says of no row what changed."""
    numbers, said = [np.zeros(0, np.int64)], [np.zeros(0, np.int8)]
    for batch in watched(reading, limits, progress):
        change, number = _words(batch), phones.normalise(batch["msisdn"]).national
        change[(change == REMOVED) & (number == 0)] = UNCLEAR
        numbers.append(number)
        said.append(change)
    if CHANGE not in reading.present:
        raise RefusedError(
            "no_change_column", "The file has no column change. Send it as a snapshot, or add it."
        )
    number, change = np.concatenate(numbers), np.concatenate(said)
    return _Changes(number, change, stays(number, change))


def stays(number: I64, change: I8) -> Mask:
    """Which rows of a delta are in the dataset after it; `number` and `change` as in the file's order."""
    ends = (change == CHANGED) | (change == REMOVED)
    order = np.lexsort((np.arange(len(number)), number))
    last = np.full(len(number), -1, np.int64)  # of each row's number, the last row that takes others away
    ordered, ending = number[order], np.where(ends[order], order, -1)
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else order
    if len(first):
        highest = np.maximum.reduceat(ending, first)
        last[order] = np.repeat(highest, np.diff(np.r_[first, len(order)]))
    at = np.arange(len(number))
    stay: Mask = (change == UNCLEAR) | (change != REMOVED) & ((number == 0) | (at >= last))
    return stay


def _words(batch: pa.RecordBatch) -> I8:
    word = pc.utf8_lower(pc.utf8_trim_whitespace(batch[CHANGE]))
    found: I8 = pc.index_in(word, pa.array(CHANGES)).fill_null(UNCLEAR).to_numpy().astype(np.int8)
    found[~batch[PROBLEM].is_null().to_numpy(zero_copy_only=False)] = UNCLEAR
    return found


def _among(touched: I64, number: I64) -> Mask:
    if not len(touched):
        return np.zeros(len(number), np.bool_)
    place = np.minimum(np.searchsorted(touched, number), len(touched) - 1)
    among: Mask = (touched[place] == number) & (number > 0)
    return among


def _staying(reading: Reading, changes: _Changes) -> Iterator[pa.RecordBatch]:
    """The second pass: the delta's rows that stay, as declared rows; one that is not clear has a problem."""
    schema, start = declared_schema(), 0
    for batch in reading:
        end = start + len(batch)
        unclear = pa.array(changes.change[start:end] == UNCLEAR)
        told = np.where(_words(batch) == REMOVED, _UNKNOWN_NUMBER, _UNKNOWN_WORD)
        problem = pc.if_else(unclear, pc.coalesce(batch[PROBLEM], pa.array(told.tolist(), pa.string())), None)
        cells = [pc.if_else(unclear, None, batch[name]) for name in DECLARED_COLUMNS]
        declared = pa.RecordBatch.from_arrays([batch[ROW], problem, *cells], schema=schema)
        if (staying := declared.filter(pa.array(changes.stays[start:end]))).num_rows:
            yield staying
        start = end


def _renumbered(table: pa.Table, by: int) -> list[pa.RecordBatch]:
    """Rows of the base, their numbers after the delta's."""
    moved = table.set_column(0, table.schema.field(ROW), pc.add(table[ROW], by))
    batches: list[pa.RecordBatch] = moved.cast(declared_schema()).combine_chunks().to_batches()
    return batches
