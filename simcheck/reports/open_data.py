"""What the public is given: how many SIMs are real, by carrier and by province, once a day.

Nobody signs in for it and everybody keeps it, so it has to stand against whoever lays tables side by side:

- groups of fewer than `least` are hidden, and as many other cells as keep them from being computed, in both
  tables together (`suppress.hide_cuts`);
- what is shown is rounded to multiples of `least`, so that two days differ by nothing or by a whole step:
  that one person's SIM came or went cannot be read off their difference;
- what a day was given stays (a row of `open_data`, which nobody may change): asking again tells nothing.

Rounded numbers do not add up exactly; the page says so. Shares are those of rounded numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Verdict
from simcheck.reports import figures, history
from simcheck.reports.figures import share
from simcheck.reports.kinds import today
from simcheck.reports.models import OpenData

LEAST = 10  # whatever is set: the public never sees a smaller group
TOLD = tuple(verdict for verdict in VERDICTS if verdict is not Verdict.REJECTED)
COUNTRY = "country"  # beside `figures.By`: all SIMs together
# The line of the whole country of every day.
TREND = sa.text("SELECT day, content -> 'rows' -> 0 AS line FROM open_data ORDER BY day DESC LIMIT :most")


class Line(NamedTuple):
    """The country, a carrier or a province ("": of none that is known). None: hidden."""

    by: str
    key: str
    all: int | None
    verdicts: dict[str, int | None]

    @property
    def share(self) -> float | None:
        """The share of real SIMs, 0 to 1."""
        return share(self.verdicts[Verdict.VERIFIED], self.all)


class Given(NamedTuple):
    """What was given on a day: the country first, then carriers and provinces."""

    day: date
    counted_on: date
    made_at: datetime
    least: int
    lines: Sequence[Line]

    def of(self, by: str) -> list[Line]:
        """The lines of one cut, the largest first, those of nobody last."""
        lines = [line for line in self.lines if line.by == by]
        return sorted(lines, key=lambda line: (line.key == "", -(line.all or 0), line.key))


class Point(NamedTuple):
    """The whole country on a day."""

    day: date
    line: Line


async def give(session: AsyncSession, least: int) -> bool:
    """Write today's figures down, if that was not done yet; whether it was done now.

    Needs the ministry's scope. Nothing is given before the country was counted.
    """
    await session.execute(history.ALONE, {"what": "open_data"})
    at = clock.now()
    if await session.get(OpenData, today(at)) is not None:
        return False
    least = max(least, LEAST)
    tables = await figures.tables(session, least=least)
    if not tables:
        return False
    total = tables[0].total
    lines = [_line(COUNTRY, "", total, least)]
    lines += [_line(table.by, each.key or "", each, least) for table in tables for each in table.lines]
    session.add(
        OpenData(
            day=today(at), counted_on=tables[0].day, made_at=at, least=least,
            content={"rows": [line._asdict() for line in lines]},
        )
    )  # fmt: skip
    audit.record(session, "open_data.given", f"open_data/{today(at)}", {"lines": len(lines)})
    await session.flush()
    return True


async def given(session: AsyncSession) -> Given | None:
    """The newest that was given; None before the first."""
    found = await session.scalar(sa.select(OpenData).order_by(OpenData.day.desc()).limit(1))
    if found is None:
        return None
    lines = [Line(**each) for each in found.content["rows"]]
    return Given(found.day, found.counted_on, found.made_at, found.least, lines)


async def trend(session: AsyncSession, most: int = 400) -> list[Point]:
    """The whole country day by day, the newest first."""
    return [Point(row.day, Line(**row.line)) for row in await session.execute(TREND, {"most": most})]


def rounded(count: int | None, step: int) -> int | None:
    """A count to the nearest multiple of `step`. One that is shown is 0 or no less than `step`."""
    return None if count is None else (count + step // 2) // step * step


def as_rows(lines: Iterable[Line]) -> list[list[Any]]:
    """Lines as rows of `COLUMNS`: by, key, SIMs, each verdict, share."""
    return [
        [line.by, line.key, line.all, *(line.verdicts[verdict] for verdict in TOLD),
         None if line.share is None else round(line.share, 4)]
        for line in lines
    ]  # fmt: skip


COLUMNS = ("by", "code", "sims", *(verdict.value for verdict in TOLD), "share_real")


def _line(by: str, key: str, line: figures.Line, least: int) -> Line:
    counts = {verdict.value: rounded(line.verdicts[verdict].count, least) for verdict in TOLD}
    return Line(str(by), key, rounded(line.all.count, least), counts)
