"""Tables as pages tell them: each cell with the way to its list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simcheck.desks.country.reader import Reader
from simcheck.reports import figures
from simcheck.reports.document import Cell, Grid, Picture, Share
from simcheck.reports.figures import Figure


@dataclass(frozen=True)
class Told:
    """A cell; `href`: its list."""

    cell: Cell
    href: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right of its column."""
        return self.cell is None or isinstance(self.cell, int | float | timedelta)


@dataclass(frozen=True)
class Sheet:
    """A table under a name that addresses know. `total`: its last line is all others together."""

    name: str
    grid: Grid
    rows: Sequence[Sequence[Told]]

    @property
    def numbers(self) -> list[bool]:
        """Of each column whether it holds numbers."""
        first = self.rows[0] if self.rows else ()
        return [each.is_number for each in first] or [False] * len(self.grid.head)


@dataclass(frozen=True)
class Part:
    """A part of a page: a heading, tables, and pictures of them."""

    name: str
    heading: str
    sheets: Sequence[Sheet]
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Room:
    """What a page tells: its parts, as of when they were counted, and what it comes to in sentences."""

    parts: Sequence[Part]
    as_of: datetime | None
    sentences: Sequence[str] = ()


def sheet(
    name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[Told]], *, total: bool = False
) -> Sheet:  # fmt: skip
    """A table of these cells."""
    return Sheet(name, Grid(caption, head, [[each.cell for each in row] for row in rows], total), rows)


def figure(reader: Reader, shown: Figure) -> Told:
    """A figure with its list, as this reader sees it."""
    return Told(reader.cell(shown), reader.href(shown))


def share(value: float | None) -> Told:
    """A share."""
    return Told(None if value is None else Share(value))


def share_of(part: Figure, whole: Figure) -> Told:
    """The share of one figure in another: hidden where one of them is, 0 where there is nothing."""
    if part.count is None or whole.count is None:
        return Told(None)
    return share(figures.share(part.count, whole.count) or 0.0)
