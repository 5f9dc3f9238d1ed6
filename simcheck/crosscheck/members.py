"""Is a number in a small set, and which numbers come often? Asked of a hundred million numbers.

A bitmap over a hash turns nearly all of them away in one memory access; only what passes is looked for
in a hash table. Frequent numbers are found the same way: small counters over a hash, which may count
too much but never too little, leave few to be counted exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from simcheck.normalise.kernels import Bytes, fetch_early, kernel
from simcheck.normalise.names import U64
from simcheck.register.index import BLOCK, mix

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_LEAST_BITS = 16
_COUNTER_BITS = 27  # at most so many bytes of counters
_IN_A_BYTE = 2  # four counters of two bits, as a power of two: enough where 3 is often
_SIEVE_BITS = 30


class Members:
    """A set of 64-bit integers; `values` holds them sorted, each once."""

    def __init__(self, values: I64) -> None:
        ascending = np.sort(values)
        self.values = ascending[np.diff(ascending, prepend=ascending[:1] - 1) != 0]
        self._bits = max(_LEAST_BITS, min(30, int(len(self.values) * 64).bit_length()))
        self._map = np.zeros(1 << (self._bits - 6), np.uint64)
        self._slots = np.full(1 << (2 * len(self.values)).bit_length(), -1, np.int32)
        _set(self.values, self._bits, self._map, self._slots)

    def rows(self, numbers: I64) -> npt.NDArray[np.int64]:
        """The positions of those numbers that are in the set, ascending."""
        if not len(self.values):
            return np.zeros(0, np.int64)
        rows = np.empty(len(numbers), np.int64)
        return rows[: _rows(numbers, *self.sieve, self.values, self._slots, rows)].copy()

    def places(self, numbers: I64) -> npt.NDArray[np.int32]:
        """The place of each number in `values`, -1 where it is not in the set."""
        places = np.empty(len(numbers), np.int32)
        _places(numbers, self.values, self._slots, places)
        return places

    @property
    def sieve(self) -> tuple[int, U64]:
        """What `passes` asks: the size of the bitmap in bits, as a power of two, and the bitmap."""
        return self._bits, self._map


class Sieve:
    """A set of numbers above 0 in bounded memory, which may hold a few that were never added."""

    def __init__(self, total: int) -> None:
        """For about `total` numbers: two bytes each, 128 MiB at most."""
        self._bits = min(_SIEVE_BITS, max(_LEAST_BITS, int(total * 16).bit_length()))
        self._map = np.zeros(1 << (self._bits - 6), np.uint64)

    def add(self, numbers: I64) -> None:
        """Add numbers; 0 and below are none."""
        _sift(numbers, self._bits, self._map)

    def holds(self, numbers: I64) -> npt.NDArray[np.bool_]:
        """For each number whether it may have been added; False where it surely was not."""
        out = np.empty(len(numbers), np.bool_)
        _held(numbers, self._bits, self._map, out)
        return out


class Tally:
    """Which numbers above 0 come often in many columns.

    Columns are looked at twice: `count` them all, then ask for the `frequent`. Counting may see numbers
    that asking no longer does; never the other way about.
    """

    def __init__(self, total: int, least: int) -> None:
        """For about `total` numbers; wanted are those that stand at least `least` times (2 to 255).

        Four bytes a number divided by `least`, 128 MiB at most.
        """
        bits = min(_COUNTER_BITS, max(_LEAST_BITS, int(total * 4 // least).bit_length()))
        self._least, self._packed = least, _IN_A_BYTE if least <= 3 else 0
        self._bits = bits + self._packed
        self._counters = np.zeros(1 << bits, np.uint8)

    def count(self, column: I64) -> None:
        """Count a column's numbers."""
        _count(column, self._bits, self._packed, self._counters)

    def rows(self, column: I64) -> I64:
        """The positions of a column's numbers that may be frequent, ascending."""
        out = np.empty(len(column), np.int64)
        return out[: _pick(column, self._bits, self._packed, self._counters, self._least, out)].copy()

    def candidates(self, column: I64) -> I64:
        """The numbers of a column that may be frequent."""
        return column[self.rows(column)]

    def frequent(self, candidates: Iterable[I64]) -> tuple[I64, I64]:
        """The frequent numbers among all columns' candidates, ascending, and how often each stands there."""
        values, counts = np.unique(np.concatenate([np.zeros(0, np.int64), *candidates]), return_counts=True)
        often = counts >= self._least
        return values[often], counts[often]


@kernel
def _count(numbers: I64, bits: int, packed: int, counters: Bytes) -> None:
    full = 3 if packed else 255
    for first in range(0, len(numbers), BLOCK):
        block = numbers[first : first + BLOCK]
        _ask(block, bits, packed, counters)
        for number in block:
            if number > 0:
                at, shift = _counter(number, bits, packed)
                counters[at] += np.uint8(np.int64(counters[at] >> shift & full < full) << shift)


@kernel
def _pick(numbers: I64, bits: int, packed: int, counters: Bytes, least: int, out: I64) -> int:
    full, found = 3 if packed else 255, 0
    for first in range(0, len(numbers), BLOCK):
        block = numbers[first : first + BLOCK]
        _ask(block, bits, packed, counters)
        for at in range(len(block)):
            if block[at] > 0:
                place, shift = _counter(block[at], bits, packed)
                out[found] = first + at
                found += counters[place] >> shift & full >= least
    return found


@kernel
def _ask(numbers: I64, bits: int, packed: int, counters: Bytes) -> None:
    """Have the memory bring a block's counters together."""
    for number in numbers:
        fetch_early(counters, _counter(number, bits, packed)[0])


@kernel
def _counter(number: np.int64, bits: int, packed: int) -> tuple[np.int64, np.int64]:
    """The byte that holds a number's counter, and how far the counter is shifted in it."""
    h = np.int64(mix(number) >> np.uint64(64 - bits))
    return h >> packed, (h & ((1 << packed) - 1)) * 2


@kernel
def _set(values: I64, bits: int, bitmap: U64, slots: I32) -> None:
    for place in range(len(values)):
        hashed = mix(values[place])
        h = hashed >> np.uint64(64 - bits)
        bitmap[h >> np.uint64(6)] |= np.uint64(1) << (h & np.uint64(63))
        slot = np.int64(hashed) & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = place


@kernel
def _sift(numbers: I64, bits: int, bitmap: U64) -> None:
    for number in numbers:
        if number > 0:
            h = mix(number) >> np.uint64(64 - bits)
            bitmap[h >> np.uint64(6)] |= np.uint64(1) << (h & np.uint64(63))


@kernel
def _held(numbers: I64, bits: int, bitmap: U64, out: npt.NDArray[np.bool_]) -> None:
    for at in range(len(numbers)):
        out[at] = numbers[at] > 0 and passes(numbers[at], bits, bitmap) > 0


@kernel
def _place(number: np.int64, values: I64, slots: I32) -> int:
    """Where a number stands in `values`, or -1."""
    slot = np.int64(mix(number)) & (len(slots) - 1)
    while slots[slot] >= 0 and values[slots[slot]] != number:
        slot = (slot + 1) & (len(slots) - 1)
    return int(slots[slot])


@kernel
def _places(numbers: I64, values: I64, slots: I32, out: I32) -> None:
    for at in range(len(numbers)):
        out[at] = _place(numbers[at], values, slots)


@kernel
def _rows(numbers: I64, bits: int, bitmap: U64, values: I64, slots: I32, out: I64) -> int:
    """The positions of members among `numbers`: those that pass the sieve, and of them those that are."""
    maybe = np.int64(0)
    for at in range(len(numbers)):
        out[maybe] = at
        maybe += passes(numbers[at], bits, bitmap)
    found = 0
    for at in out[:maybe]:
        out[found] = at
        found += _place(numbers[at], values, slots) >= 0
    return found


@kernel
def passes(number: np.int64, bits: int, bitmap: U64) -> np.int64:
    """1 where a number may be in the set (`Members.sieve`), 0 where it surely is not."""
    h = mix(number) >> np.uint64(64 - bits)
    return np.int64(bitmap[h >> np.uint64(6)] >> (h & np.uint64(63)) & np.uint64(1))
