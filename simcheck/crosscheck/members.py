"""Is a number in a small set, and which numbers come often? Asked of a hundred million numbers.

A bitmap over a hash turns nearly all of them away in one memory access; only what passes is looked for
in the sorted set. Frequent numbers are found the same way: small counters over a hash, which may count
too much but never too little, leave few to be counted exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from simcheck.normalise.kernels import Bytes, kernel
from simcheck.normalise.names import U64
from simcheck.register.index import mix

I64 = npt.NDArray[np.int64]

_LEAST_BITS = 16
_COUNTER_BITS = 27  # at most so many counters of one byte each


class Members:
    """A set of 64-bit integers; `values` holds them sorted, each once."""

    def __init__(self, values: I64) -> None:
        ascending = np.sort(values)
        self.values = ascending[np.diff(ascending, prepend=ascending[:1] - 1) != 0]
        self._bits = max(_LEAST_BITS, min(30, int(len(self.values) * 64).bit_length()))
        self._map = np.zeros(1 << (self._bits - 6), np.uint64)
        _set(self.values, self._bits, self._map)

    def rows(self, numbers: I64) -> npt.NDArray[np.int64]:
        """The positions of those numbers that are in the set, ascending."""
        if not len(self.values):
            return np.zeros(0, np.int64)
        maybe = np.empty(len(numbers), np.int64)
        maybe = maybe[: _maybe(numbers, *self.sieve, maybe)]
        return maybe[self.holds(numbers[maybe])]

    def holds(self, numbers: I64) -> npt.NDArray[np.bool_]:
        """Whether each number is in the set: exact, for the few that the sieve has let through."""
        if not len(self.values):
            return np.zeros(len(numbers), np.bool_)
        at = np.minimum(np.searchsorted(self.values, numbers), len(self.values) - 1)
        found: npt.NDArray[np.bool_] = self.values[at] == numbers
        return found

    @property
    def sieve(self) -> tuple[int, U64]:
        """What `passes` asks: the size of the bitmap in bits, as a power of two, and the bitmap."""
        return self._bits, self._map


class Tally:
    """Which numbers above 0 come often in many columns.

    Columns are looked at twice: `count` them all, then ask for the `frequent`. Counting may see numbers
    that asking no longer does; never the other way about.
    """

    def __init__(self, total: int, least: int) -> None:
        """For about `total` numbers; wanted are those that stand at least `least` times (2 to 255)."""
        self._least = least
        self._bits = min(_COUNTER_BITS, max(_LEAST_BITS, int(total * 4 // least).bit_length()))
        self._counters = np.zeros(1 << self._bits, np.uint8)

    def count(self, column: I64) -> None:
        """Count a column's numbers."""
        _count(column, self._bits, self._counters)

    def candidates(self, column: I64) -> I64:
        """The numbers of a column that may be frequent."""
        out = np.empty(len(column), np.int64)
        return out[: _pick(column, self._bits, self._counters, self._least, out)].copy()

    def frequent(self, candidates: Iterable[I64]) -> tuple[I64, I64]:
        """The frequent numbers among all columns' candidates, ascending, and how often each stands there."""
        values, counts = np.unique(np.concatenate([np.zeros(0, np.int64), *candidates]), return_counts=True)
        often = counts >= self._least
        return values[often], counts[often]


@kernel
def _count(numbers: I64, bits: int, counters: Bytes) -> None:
    for number in numbers:
        if number > 0:
            h = mix(number) >> np.uint64(64 - bits)
            counters[h] += counters[h] < 255


@kernel
def _pick(numbers: I64, bits: int, counters: Bytes, least: int, out: I64) -> int:
    found = 0
    for number in numbers:
        if number > 0 and counters[mix(number) >> np.uint64(64 - bits)] >= least:
            out[found] = number
            found += 1
    return found


@kernel
def _set(values: I64, bits: int, bitmap: U64) -> None:
    for value in values:
        h = mix(value) >> np.uint64(64 - bits)
        bitmap[h >> np.uint64(6)] |= np.uint64(1) << (h & np.uint64(63))


@kernel
def _maybe(numbers: I64, bits: int, bitmap: U64, out: I64) -> np.int64:
    found = np.int64(0)
    for at in range(len(numbers)):
        out[found] = at
        found += passes(numbers[at], bits, bitmap)
    return found


@kernel
def passes(number: np.int64, bits: int, bitmap: U64) -> np.int64:
    """1 where a number may be in the set (`Members.sieve`), 0 where it surely is not."""
    h = mix(number) >> np.uint64(64 - bits)
    return np.int64(bitmap[h >> np.uint64(6)] >> (h & np.uint64(63)) & np.uint64(1))
