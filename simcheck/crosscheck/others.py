"""The latest rows of all other carriers, as far as a run touches them: the same number, or the same person.

Whether a number is claimed twice, and whether a person has too many numbers, is told over everybody's latest
rows. A country's rows do not stand in memory for that. They are streamed, and kept are those that share a
number with the run's carrier (now or before), or a person with so many numbers that a limit is near; and
every row of the numbers met so, whoever has it. A few more than needed do no harm: what the whole tells of
the rows that are kept is the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simcheck.crosscheck.findings import I64, U64, Findings, Source
from simcheck.crosscheck.members import Members, Sieve, Tally
from simcheck.crosscheck.places import Lake
from simcheck.lake.buckets import read
from simcheck.matching.rules import Rules
from simcheck.reasons import Reason
from simcheck.records import ROW

FINAL = "final"
# What only several carriers' rows together tell. A carrier's own findings are kept without it.
ACROSS = np.uint64(Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER.mask | Reason.SIM_LIMIT_TOTAL.mask)
NEVER = 1 << 40  # so many names with marks that no dead encoding is ever settled anew
_READ_ROWS = 1 << 18


@dataclass(frozen=True)
class Published:
    """A carrier's newest published run."""

    carrier: str
    run: uuid.UUID
    buckets: int


class Own:
    """What others are asked by: which numbers the carrier has in service, now or before, and how many each
    person has, so far among everybody's `total` rows."""

    def __init__(self, rows: int, total: int, rules: Rules) -> None:
        self.numbers = Sieve(rows)
        self.persons = Tally(total, rules.sims_total)

    def add(self, counted: I64, holder: I64) -> None:
        """Add rows: their numbers in service, and the holders of these (0: none)."""
        self.numbers.add(counted)
        self.persons.count(holder)


@dataclass(frozen=True)
class Rows:
    """Rows of one carrier: their number in its file, the 9-digit number, person, mask of reasons, and whether
    they are out of service."""

    carrier: str
    row: I64
    national: I64
    person: I64
    mask: U64
    over: npt.NDArray[np.bool_]

    @property
    def counted(self) -> I64:
        """`national` of rows in service, else 0."""
        return np.where(self.over, 0, self.national)

    @property
    def holder(self) -> I64:
        """Who holds a number that is in service, else 0."""
        return np.where(self.counted > 0, self.person, 0)

    def findings(self, source: int) -> Findings:
        """The rows as findings, ready for what the whole tells."""
        nothing = np.full(len(self.row), np.nan, np.float32)
        return Findings(
            source, 1, self.national.copy(), self.person.copy(), self.mask & ~ACROSS, nothing,
            np.flatnonzero(self.over), None,
        )  # fmt: skip


def source_of(rows: Rows) -> Source:
    """What reading these rows' file told is settled already."""
    return Source(rows.carrier, Path(rows.carrier), rows=len(rows.row), marked_names=NEVER, tells_faces=True)


def own_of(lake: Lake, before: Published | None, others: list[Published], rows: int, rules: Rules) -> Own:
    """What others are asked by, with a carrier's published rows; `rows` more are to come."""
    known = [before, *others] if before else others
    had = [int(lake.findings(each.carrier, each.run).manifest["rows"]) for each in known]
    own = Own(rows + (had[0] if before else 0), rows + sum(had), rules)
    if before is not None:
        for part in _stream(lake, before):
            own.add(part.counted, part.holder)
    return own


def touched(lake: Lake, others: list[Published], own: Own) -> list[Rows]:
    """The other carriers' rows that the run's carrier's rows, now and before, may touch.

    Two or three passes over everybody's rows; in memory is what is touched.
    """
    for other in others:
        for rows in _stream(lake, other):
            own.persons.count(rows.holder)
    kept: list[Rows] = []
    for other in others:
        for rows in _stream(lake, other):
            at = own.numbers.holds(rows.national)
            at[own.persons.rows(rows.holder)] = True
            at &= rows.national > 0
            kept.append(_part(rows, at))
    numbers = Members(np.concatenate([np.zeros(0, np.int64), *(rows.national for rows in kept)]))
    if not own.numbers.holds(
        numbers.values
    ).all():  # numbers met through a person: all their rows, of whomever
        kept = []
        for other in others:
            for rows in _stream(lake, other):
                at = np.zeros(len(rows.row), np.bool_)
                at[numbers.rows(rows.national)] = True
                kept.append(_part(rows, at))
    return [rows for rows in _by_carrier(kept) if len(rows.row)]


def _stream(lake: Lake, published: Published) -> Iterator[Rows]:
    dataset = lake.findings(published.carrier, published.run)
    columns = (ROW, "national", "person", "mask", "over")
    for bucket in range(published.buckets):
        for batch in read(dataset, FINAL, bucket, columns, _READ_ROWS):
            row, national, person, mask = (batch[name].to_numpy() for name in columns[:4])
            yield Rows(
                published.carrier, row, national, person, mask, batch["over"].to_numpy(zero_copy_only=False)
            )


def _part(rows: Rows, keep: npt.NDArray[np.bool_]) -> Rows:
    return Rows(
        rows.carrier, rows.row[keep], rows.national[keep], rows.person[keep], rows.mask[keep], rows.over[keep]
    )


def _by_carrier(parts: list[Rows]) -> list[Rows]:
    """One `Rows` a carrier, in the order of its file."""
    out = []
    for carrier in dict.fromkeys(each.carrier for each in parts):
        mine = [each for each in parts if each.carrier == carrier]
        row = np.concatenate([each.row for each in mine])
        order = np.argsort(row)
        out.append(
            Rows(
                carrier,
                row[order],
                np.concatenate([each.national for each in mine])[order],
                np.concatenate([each.person for each in mine])[order],
                np.concatenate([each.mask for each in mine])[order],
                np.concatenate([each.over for each in mine])[order],
            )
        )
    return out
