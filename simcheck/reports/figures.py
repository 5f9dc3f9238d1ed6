"""The country now: how many SIMs are real, by carrier, province and reason; and day by day.

Read from `country_day`. Every figure of the newest day goes with the `Drill` that lists its rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict
from simcheck.reports import history
from simcheck.reports.drill import Drill
from simcheck.reports.kinds import Of
from simcheck.reports.suppress import Grid, hide_alone, hide_cuts, hide_part

_A_CENTURY = 36_500  # days
# Of a day, or of the newest one that is not after it.
DAY = sa.text("SELECT max(day) FROM country_day WHERE day <= :day").bindparams(
    sa.bindparam("day", type_=sa.Date())
)
_ASKED = """
WHERE day = :day AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
    AND (CAST(:province AS text) IS NULL OR province = :province)
"""
BY = {
    by: sa.text(
        f"SELECT {by}, verdict, sum(subscriptions)::bigint FROM country_day {_ASKED}"  # noqa: S608
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for by in ("carrier", "province")
}
MATRIX = sa.text("""
SELECT carrier, province, coalesce(sum(subscriptions) FILTER (WHERE verdict = :verified), 0)::bigint,
       sum(subscriptions)::bigint
FROM country_day WHERE day = :day GROUP BY 1, 2
""").bindparams(sa.bindparam("day", type_=sa.Date()))
REASONS = sa.text(
    f"SELECT reason, sum(subscriptions)::bigint FROM country_reason_day {_ASKED}"  # noqa: S608
    " GROUP BY 1 ORDER BY 2 DESC, 1"
)
TREND = sa.text("""
SELECT day, sum(subscriptions) FILTER (WHERE verdict = :verified)::bigint, sum(subscriptions)::bigint
FROM country_day
WHERE day >= :since AND day < :until AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
    AND (CAST(:province AS text) IS NULL OR province = :province)
GROUP BY day ORDER BY day
""").bindparams(*(sa.bindparam(name, type_=sa.Date()) for name in ("since", "until")))


class By(StrEnum):
    """What a table's lines are."""

    CARRIER = "carrier"
    PROVINCE = "province"


@dataclass(frozen=True)
class Figure:
    """A count and its list. `count` None: hidden from this reader. `drill` None: of a day that is over, whose
    rows are not kept.
    """

    count: int | None
    drill: Drill | None


@dataclass(frozen=True)
class Line:
    """A carrier or a province ("": of none that is known; None: all), how many SIMs it has, and of
    which verdict."""

    key: str | None
    all: Figure
    verdicts: Mapping[Verdict, Figure]

    @property
    def amiss(self) -> Figure:
        """How many are not verified. What is hidden of them is never few (`suppress`)."""
        verified = self.verdicts[Verdict.VERIFIED].count
        if verified is None or self.all.count is None:
            return Figure(None, None)
        drill = self.all.drill and replace(self.all.drill, amiss=True)
        return Figure(self.all.count - verified, drill)

    @property
    def share(self) -> float | None:
        """The share of real SIMs, 0 to 1; None where there is no SIM, or it would tell what is hidden."""
        return share(self.verdicts[Verdict.VERIFIED].count, self.all.count)


@dataclass(frozen=True)
class Table:
    """Lines in the order of their keys, and all of them together; as counted on `day` at `as_of`."""

    by: By
    day: date
    as_of: datetime | None
    lines: Sequence[Line]
    total: Line


@dataclass(frozen=True)
class Cell:
    """A carrier's real and all SIMs in a province, and those that are not real."""

    verified: int
    all: int
    amiss: Figure


@dataclass(frozen=True)
class ReasonLine:
    """How many SIMs have a reason. One may have several: there is no total."""

    reason: Reason
    figure: Figure


@dataclass(frozen=True)
class Point:
    """A day's real and all SIMs; None: hidden."""

    day: date
    verified: int | None
    all: int | None

    @property
    def share(self) -> float | None:
        """As `Line.share`."""
        return share(self.verified, self.all)


def share(part: int | None, whole: int | None) -> float | None:
    """A share, 0 to 1; None where one of them is hidden or nothing is there."""
    return None if part is None or not whole else part / whole


def pace(then: float, now: float, since: date, day: date, target: float) -> date | None:
    """The day on which a share reaches a target if it goes on as it went from `since` to `day`; None: never,
    or in more than a century.
    """
    days = (day - since).days
    if days <= 0 or now <= then:
        return None
    # what is a whole day but for the last bits of a float is that day
    left = math.ceil(round((target - now) * days / (now - then), 6))
    return day + timedelta(days=left) if left <= _A_CENTURY else None


async def table(
    session: AsyncSession, by: By, *, carrier: str | None = None, province: str | None = None,
    day: date | None = None, least: int = 0,
) -> Table | None:  # fmt: skip
    """SIMs by carrier or province and verdict, on a day (None: the newest); None before the first count.

    Groups of fewer than `least` are hidden, and as much more as keeps them from being computed.
    """
    made = await tables(session, [by], carrier=carrier, province=province, day=day, least=least)
    return made[0] if made else None


async def tables(
    session: AsyncSession, cuts: Sequence[By] = tuple(By), *, carrier: str | None = None,
    province: str | None = None, day: date | None = None, least: int = 0,
) -> list[Table]:  # fmt: skip
    """`table` by each of these, of the same SIMs: what is hidden in one cannot be read off another's sums.

    [] before the first count.
    """
    newest, found = await _days(session, day)
    if found is None:
        return []
    counted: list[dict[str, list[int]]] = []
    for by in cuts:
        counts: dict[str, list[int]] = {}
        values = {"day": found, "carrier": carrier, "province": province}
        for key, verdict, count in await session.execute(BY[by], values):
            counts.setdefault(key, [0] * len(VERDICTS))[verdict] = count
        counted.append(counts)
    grids = _hidden(counted, least)
    drill = Drill(Of.SUBSCRIPTION, carrier=carrier, province=province) if found == newest else None
    before = await history.seen(session)
    as_of = before.counted_at if before is not None and before.day == found else None
    return [
        _table(by, found, as_of, list(counts), grid, drill)
        for by, counts, grid in zip(cuts, counted, grids, strict=True)
    ]


def _hidden(counted: Sequence[Mapping[str, Sequence[int]]], least: int) -> list[Grid]:
    """The tables with their sums, small groups hidden. Everybody knows that a rejected row is no SIM: its
    column is no place to hide in, and stands beside what is hidden.
    """
    at = VERDICTS.index(Verdict.REJECTED)
    if any(row[at] for counts in counted for row in counts.values()):
        return hide_cuts([list(counts.values()) for counts in counted], least)
    grids = hide_cuts([[[*row[:at], *row[at + 1 :]] for row in counts.values()] for counts in counted], least)
    return [[[*row[:at], 0, *row[at:]] for row in grid] for grid in grids]


def _table(
    by: By, day: date, as_of: datetime | None, keys: list[str], grid: Grid, drill: Drill | None
) -> Table:
    shown: Grid = grid or [[0] * (len(VERDICTS) + 1)]
    lines = [_line(by, key, row, drill) for key, row in zip([*keys, None], shown, strict=True)]
    return Table(by, day, as_of, lines[:-1], lines[-1])


async def matrix(session: AsyncSession, day: date) -> dict[tuple[str, str], Cell]:
    """Each carrier's SIMs in each province on a day that was counted, for those who may see small groups.

    Lists are of now: the day has to be the newest.
    """
    values = {"day": day, "verified": VERDICTS.index(Verdict.VERIFIED)}
    return {
        (carrier, province): Cell(
            verified,
            count,
            Figure(count - verified, Drill(Of.SUBSCRIPTION, None, carrier, province, amiss=True)),
        )
        for carrier, province, verified, count in await session.execute(MATRIX, values)
    }


async def reasons(
    session: AsyncSession, *, carrier: str | None = None, province: str | None = None,
    day: date | None = None, least: int = 0,
) -> list[ReasonLine]:  # fmt: skip
    """How many SIMs have which reason, the most frequent first.

    Groups of fewer than `least` are hidden, and so is a reason that all but fewer of those that are not
    verified have.
    """
    newest, found = await _days(session, day)
    values = {"day": found, "carrier": carrier, "province": province}
    rows = (await session.execute(REASONS, values)).all()
    whole = 0
    if least > 1 and rows:
        by_verdict = await session.execute(BY["carrier"], values)
        whole = sum(row[2] for row in by_verdict if VERDICTS[row[1]] is not Verdict.VERIFIED)
    told = []
    for code, count in rows:
        drill = Drill(Of.SUBSCRIPTION, carrier=carrier, province=province, reason=Reason(code))
        figure = Figure(hide_part(count, max(whole, count), least), drill if found == newest else None)
        told.append(ReasonLine(Reason(code), figure))
    return told


async def trend(
    session: AsyncSession, since: date, until: date, *, carrier: str | None = None,
    province: str | None = None, least: int = 0,
) -> list[Point]:  # fmt: skip
    """Real and all SIMs of each day that was counted, from `since` to before `until`."""
    values = {
        "since": since, "until": until, "carrier": carrier, "province": province,
        "verified": VERDICTS.index(Verdict.VERIFIED),
    }  # fmt: skip
    points = []
    for day, verified, everything in await session.execute(TREND, values):
        real = verified or 0
        shown = all(hide_alone(each, least) is not None for each in (real, everything - real))
        points.append(Point(day, real if shown else None, everything if shown else None))
    return points


async def _days(session: AsyncSession, day: date | None) -> tuple[date | None, date | None]:
    """The newest day that was counted, and the one to show."""
    newest: date | None = await session.scalar(DAY, {"day": date.max})
    return newest, newest if day is None else await session.scalar(DAY, {"day": day})


def _line(by: By, key: str | None, shown: Sequence[int | None], drill: Drill | None) -> Line:
    """A line of counts: by verdict, then their sum."""

    def figure(count: int | None, verdict: Verdict | None) -> Figure:
        if drill is None or count is None:
            return Figure(count, None)
        carrier = key if by is By.CARRIER and key is not None else drill.carrier
        province = key if by is By.PROVINCE and key is not None else drill.province
        return Figure(count, Drill(Of.SUBSCRIPTION, carrier=carrier, province=province, verdict=verdict))

    each = {verdict: figure(shown[at], verdict) for at, verdict in enumerate(VERDICTS)}
    return Line(key, figure(shown[len(VERDICTS)], None), each)
