"""What a report is made of, whichever way it is written: sections of sentences, pictures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from simcheck.reports.drill import Drill
from simcheck.reports.figures import Figure


class Share(float):
    """A share, 0 to 1, written as per cent."""


class Counted(int):
    """A count with its list; `drill` None: of a day that is over, whose rows are not kept."""

    drill: Drill | None

    @classmethod
    def of(cls, figure: Figure) -> Counted | None:
        """A figure as a cell; None where it is hidden."""
        if figure.count is None:
            return None
        made = cls(figure.count)
        made.drill = figure.drill
        return made


# None: hidden from this reader.
Cell = str | int | Share | date | timedelta | None


@dataclass(frozen=True)
class Grid:
    """A table. The first column names the line; `total`: the last line is all others together."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    total: bool = False


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, and what it shows in words. Its numbers stand in the table beside it."""

    svg: str
    title: str
    description: str


@dataclass(frozen=True)
class Section:
    """A part of a report."""

    heading: str
    sentences: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    grids: Sequence[Grid] = ()


@dataclass(frozen=True)
class Document:
    """A report in one language (BCP 47)."""

    title: str
    language: str
    made: date
    sentences: Sequence[str]
    sections: Sequence[Section] = field(default_factory=tuple)
