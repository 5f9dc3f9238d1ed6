"""The register in memory, or one bucket of it: what stands behind an ID number, in one look.

An open-addressing table over ID numbers. It is cut into segments by the number's hash, so that a run of
full slots stays short and near. A slot of sixteen bytes holds what the common case needs (name fingerprint,
birth date, status), so an agreeing row costs one memory access.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.errors import FileRefusedError
from simcheck.normalise.dates import FIRST_YEAR
from simcheck.normalise.kernels import Bytes, fetch_early, kernel
from simcheck.normalise.names import CODE_BITS, U64
from simcheck.register.snapshot import I64, RESEND, Citizens, Snapshot

I32 = npt.NDArray[np.int32]

SEGMENTS = 64
LOAD = 0.75
BLOCK = 128  # look-ups whose memory is asked for together
BYTES_A_CITIZEN = 80  # slots, columns and name together, measured at 10 M citizens

# A slot's first number: the ID number, birth date and status, 0 where it is free; its second: the name's
# fingerprint and the row.
_STATUS_BITS, _BORN_BITS, _ROW_BITS = 2, 22, 64 - CODE_BITS
_ID_SHIFT = _STATUS_BITS + _BORN_BITS
_BEFORE = FIRST_YEAR * 10_000 - 1  # a date is kept as what it is above this (0: unknown), up to the year 2319
_LATEST = (1 << _BORN_BITS) - 1
MOST_CITIZENS = 1 << _ROW_BITS  # of one bucket


class Found(NamedTuple):
    """What the register says of each key: `row` in the index (-1 unknown), and of known ones the name's
    fingerprint, the birth date (yyyymmdd) and the status."""

    row: I32
    name_code: U64
    born: I32
    status: Bytes


class Index:
    """The citizens of one bucket (of `buckets`; with one bucket, everybody), found by ID number."""

    def __init__(self, citizens: int) -> None:
        """An empty index with room for so many citizens."""
        # segments differ in size as hashes do: four standard deviations above the mean is room for all
        mean = citizens / SEGMENTS
        self._segment_slots = int((mean + 4 * math.sqrt(mean)) / LOAD) + 8
        self._slots = np.empty((SEGMENTS * self._segment_slots, 2), np.uint64)
        self._slots.fill(0)  # written at once: a page that is first read and then written is fetched twice
        self._parts: list[Citizens] = []
        self._starts = [0]

    @classmethod
    def load(
        cls, snapshot: Snapshot, keys: U64, as_of: date, threads: int, bucket: int = 0, buckets: int = 1
    ) -> Index:
        """Read a bucket of the register.

        Raises FileRefusedError where an ID number stands twice: the register would answer two things.
        """
        seen = 0

        def own() -> Iterator[Citizens]:
            nonlocal seen
            for part in snapshot.citizens(keys, as_of, threads):
                seen += len(part.id_number)
                yield _only(part, bucket, buckets)

        parts: Iterable[Citizens] = own()
        expected = snapshot.rows
        if expected is None:  # the table must be as large as it will be from the start
            known = list(parts)
            parts, expected = known, sum(len(part.id_number) for part in known) * buckets
        coming = iter(parts)
        first = list(islice(coming, 1))  # from here on others read, while the table's memory is fetched
        index = cls(-(-expected // buckets) + 1)
        row = 1
        for part in chain(first, coming):
            twice = index.add(part)
            if twice >= 0:
                where = f" (again in row {row + twice})" if buckets == 1 else ""
                raise FileRefusedError(
                    snapshot.path,
                    f"an ID number stands more than once in the register{where}",
                    RESEND,
                )
            row += len(part.id_number)
        if not seen:
            raise FileRefusedError(snapshot.path, "the register holds no citizen", RESEND)
        return index

    def add(self, part: Citizens) -> int:
        """Add citizens; the place in `part` of one whose ID number is already there, or -1."""
        first = self._starts[-1]
        self._parts.append(part._replace(name_code=np.zeros(0, np.uint64)))
        self._starts.append(first + len(part.id_number))
        return _fill(
            self._slots, self._segment_slots, first, part.id_number, part.name_code, part.born, part.status,
            np.empty(BLOCK, np.int64),
        )  # fmt: skip

    def find(self, key: I64) -> Found:
        """Look up ID numbers (0 and numbers of other buckets are unknown)."""
        n = len(key)
        found = Found(
            np.full(n, -1, np.int32), np.zeros(n, np.uint64), np.zeros(n, np.int32), np.zeros(n, np.uint8)
        )
        _find(self._slots, self._segment_slots, key, *found, np.empty(BLOCK, np.int64))
        return found

    def names(self, rows: I32) -> pa.StringArray:
        """The full names of rows of the index."""
        part = np.searchsorted(self._starts, rows, "right") - 1
        order = np.argsort(part.astype(np.int16 if len(self._parts) < 1 << 15 else np.int64), kind="stable")
        ends = np.searchsorted(part[order], np.arange(len(self._parts)), "right")
        taken = []
        begin = 0
        for number, end in enumerate(ends):
            if end > begin:
                at = rows[order[begin:end]] - self._starts[number]
                taken.append(self._parts[number].full_name.take(pa.array(at)))
                begin = end
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        return pa.concat_arrays(taken).take(pa.array(back)) if taken else pa.array([], pa.string())

    def parts(self) -> list[Citizens]:
        """The citizens again, in the parts in which they were added (without name codes)."""
        return self._parts


def bucket_of(key: I64, buckets: int) -> npt.NDArray[np.int64]:
    """The bucket that a key belongs to, 0 to `buckets - 1`: by hash, so that buckets are alike in size."""
    out = np.zeros(len(key), np.int64)
    _buckets(key, buckets, out)
    return out


def _only(part: Citizens, bucket: int, buckets: int) -> Citizens:
    if buckets == 1:
        return part
    keep = bucket_of(part.id_number, buckets) == bucket
    return Citizens(
        part.id_number[keep],
        part.name_code[keep],
        part.born[keep],
        part.status[keep],
        part.full_name.filter(pa.array(keep)),
    )


@kernel
def mix(key: np.int64) -> np.uint64:
    """A hash of an ID number (the finaliser of SplitMix64, Steele et al. 2014)."""
    h = np.uint64(key) + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@kernel
def _buckets(key: I64, buckets: int, out: I64) -> None:
    for row in range(len(key)):
        out[row] = np.int64((mix(key[row]) & np.uint64(0xFFFFFF)) * np.uint64(buckets) >> np.uint64(24))


@kernel
def _place(h: np.uint64, segment_slots: int) -> np.int64:
    within = ((h >> np.uint64(24)) & np.uint64(0x3FFFFFFF)) * np.uint64(segment_slots) >> np.uint64(30)
    return np.int64(h >> np.uint64(58)) * segment_slots + np.int64(within)


@kernel
def _after(slot: int, segment_slots: int) -> int:
    """The next slot of the same segment."""
    following = slot + 1
    return following if following % segment_slots else following - segment_slots


@kernel
def _ask(slots: U64, segment_slots: int, ids: I64, first: int, used: int, place: I64) -> None:
    """Where a block of numbers begin their search; the memory brings these slots together."""
    for at in range(used):
        place[at] = _place(mix(ids[first + at]), segment_slots)
        fetch_early(slots, place[at])


@kernel
def _fill(
    slots: U64, segment_slots: int, first_row: int, ids: I64, code: U64, born: I32, status: Bytes, place: I64
) -> int:
    """Add citizens; the place of one whose number stands there already, or -1. `place` is room for a
    block's."""
    twice = -1
    for first in range(0, len(ids), BLOCK):
        used = min(BLOCK, len(ids) - first)
        _ask(slots, segment_slots, ids, first, used, place)
        for at in range(used):
            row = first + at
            wanted = np.uint64(ids[row])
            slot = place[at]
            while slots[slot, 0] != 0 and slots[slot, 0] >> np.uint64(_ID_SHIFT) != wanted:
                slot = _after(slot, segment_slots)
            if slots[slot, 0] != 0:
                twice = row
                continue
            day = np.int64(born[row]) - _BEFORE
            day = np.int64(0) if day < 0 else np.int64(_LATEST) if day > _LATEST else day
            facts = np.uint64(day << _STATUS_BITS) | np.uint64(status[row])
            slots[slot, 0] = wanted << np.uint64(_ID_SHIFT) | facts
            slots[slot, 1] = code[row] << np.uint64(_ROW_BITS) | np.uint64(first_row + row)
    return twice


@kernel
def _find(
    slots: U64, segment_slots: int, key: I64, row: I32, code: U64, born: I32, status: Bytes, place: I64
) -> None:
    for first in range(0, len(key), BLOCK):
        used = min(BLOCK, len(key) - first)
        _ask(slots, segment_slots, key, first, used, place)
        for at in range(used):
            if key[first + at] <= 0:
                continue
            wanted = np.uint64(key[first + at])
            slot = place[at]
            while slots[slot, 0] != 0 and slots[slot, 0] >> np.uint64(_ID_SHIFT) != wanted:
                slot = _after(slot, segment_slots)
            facts, name = slots[slot, 0], slots[slot, 1]
            if facts == 0:
                continue
            row[first + at] = np.int32(name & np.uint64(MOST_CITIZENS - 1))
            code[first + at] = name >> np.uint64(_ROW_BITS)
            day = np.int64(facts >> np.uint64(_STATUS_BITS)) & _LATEST
            born[first + at] = day + _BEFORE if day else 0
            status[first + at] = np.uint8(facts & np.uint64(3))
