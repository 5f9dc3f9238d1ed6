"""The few rows of a run about which only the whole can tell: those that share their number with another row,
and those of people who have about as many as one may have at all carriers. They stand in memory; all other
rows are told by themselves, and by how many numbers their holder has.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from simcheck.crosscheck.findings import I64, U64, Findings
from simcheck.crosscheck.others import Rows
from simcheck.normalise.kernels import Bytes


@dataclass(frozen=True)
class Near:
    """The rows of a run about which only the whole can tell, in the order of the file: where each stands
    (bucket, place there), its number in the file, and what of it matters."""

    bucket: npt.NDArray[np.int32]
    place: I64
    row: I64
    national: I64
    person: I64
    over: npt.NDArray[np.bool_]
    reasons: U64

    @classmethod
    def of(cls, found: list[Near]) -> Near:
        """All of them."""
        if not found:
            none = np.zeros(0, np.int64)
            return cls(none.astype(np.int32), none, none, none, none, none.astype(np.bool_),
                       none.astype(np.uint64))  # fmt: skip
        names = [each.name for each in fields(cls)]
        columns = [np.concatenate([getattr(each, name) for each in found]) for name in names]
        order = np.argsort(columns[names.index("row")])
        return cls(*(column[order] for column in columns))

    def kept(self, at: npt.NDArray[np.bool_]) -> Near:
        """Those of the rows."""
        return Near(*(getattr(self, each.name)[at] for each in fields(self)))

    @property
    def counted(self) -> I64:
        """`national` of rows in service, else 0."""
        return np.where(self.over, 0, self.national)

    @property
    def holder(self) -> I64:
        """Who holds a number that is in service, else 0."""
        return np.where(self.counted > 0, self.person, 0)

    def findings(self) -> Findings:
        """The rows, ready for what the whole tells."""
        nothing = np.full(len(self.row), np.nan, np.float32)
        return Findings(
            0, 1, self.national, self.person, self.reasons.copy(), nothing, np.flatnonzero(self.over), None
        )

    def aside(self, verdict: Bytes) -> I64:
        """The rows, by number in the file and ascending, in whose place another of the same number stands."""
        stands = np.zeros(len(self.row), np.bool_)
        stands[one_of_each(self.national, verdict, self.over)] = True
        return self.row[~stands & (self.national > 0)]


def one_of_each(national: I64, verdict: Bytes, over: npt.NDArray[np.bool_]) -> I64:
    """The row that stands for each number above 0: one in service, of those the gravest, then the first."""
    rows = np.flatnonzero(national > 0)
    weight = over[rows].astype(np.int64) * 256 + (255 - verdict[rows].astype(np.int64))
    order = rows[np.lexsort((weight, national[rows]))]
    first = np.ones(len(order), np.bool_)
    first[1:] = national[order][1:] != national[order][:-1]
    return order[first]


def claims(rest: list[Rows], own: I64) -> tuple[I64, I64]:
    """Numbers in service at other carriers, ascending, and at how many carriers in all."""
    theirs = [np.unique(rows.counted[rows.counted > 0]) for rows in rest]
    numbers, counts = np.unique(np.concatenate([np.zeros(0, np.int64), *theirs]), return_counts=True)
    return numbers, counts + np.isin(numbers, own)
