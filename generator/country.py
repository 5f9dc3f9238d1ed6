"""What one run makes: its size, its seed, its carriers and their habits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from generator import sims
from generator.chance import Ints
from generator.errors import Rates
from generator.people import BLOCK


@dataclass(frozen=True)
class Carrier:
    """A carrier as the generator sees it: what its file has, and what its format does to cells.

    `loses_zeros`: ID numbers are stored as numbers. `barred`: kinds of error that its format cannot carry.
    `narrow`: its encoding has the letters of Vietnamese and no others.
    """

    code: str
    file: str
    columns: frozenset[str]
    loses_zeros: bool
    barred: frozenset[str]
    narrow: bool


@dataclass(frozen=True)
class Country:
    """Everything that decides what is made: two equal countries give the same bytes."""

    citizens: int
    subscriptions: int
    seed: int
    as_of: date
    carriers: tuple[Carrier, ...]
    rates: Rates

    @property
    def blocks(self) -> int:
        """How many blocks of citizens there are."""
        return -(-self.citizens // BLOCK)

    def size(self, block: int) -> int:
        """How many citizens a block has."""
        return min(BLOCK, self.citizens - block * BLOCK)

    def subscriptions_of(self, block: int) -> Ints:
        """The numbers, counted from 0, of the subscriptions of a block."""
        first, count = sims.share_of_block(self.subscriptions, self.citizens, block)
        return np.arange(first, first + count)

    def having(self, column: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """For each carrier: does its file have the column."""
        return np.array([column in carrier.columns for carrier in self.carriers])
