"""The way to every SIM being real: by carrier and by province, with the target, the change and the pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.config import Settings
from simcheck.desks.country.asked import Asked
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Room, Told, figure, share, sheet
from simcheck.reasons import Verdict
from simcheck.reports import charts, figures
from simcheck.reports.document import Share
from simcheck.reports.figures import By, Line, Table, pace
from simcheck.reports.words import Words

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
_A_DAY = timedelta(days=1)
_LATE = timedelta(days=3)  # a day that was not counted is stood in for by one so much earlier at most
_SMALLEST_POINT = 0.0005  # a change of less than half a tenth of a point is written as none


async def read(
    session: AsyncSession, asked: Asked, reader: Reader, words: Words, settings: Settings
) -> Room | None:
    """How far the SIMs of what is asked for are; None before the first count."""
    part = {"carrier": asked.carrier, "province": asked.province, "least": reader.least}
    now = await figures.tables(session, **part)  # type: ignore[arg-type]
    if not now:
        return None
    day = now[0].day
    before = [
        await figures.tables(session, day=day - ago, **part)  # type: ignore[arg-type]
        for ago in (WEEK, MONTH)
    ]
    maker = _Maker(reader, words, settings.target_share)
    parts = [await _trend(session, asked, reader, words, settings, now[0])]
    for at, table in enumerate(now):
        parts.append(maker.lines(table, *(tables[at] if tables else None for tables in before)))
    if reader.sees_all and not asked.is_part:
        parts += await _matrix(session, reader, words, day)
    month = before[1][0] if before[1] else before[0][0] if before[0] else None
    return Room(parts, now[0].as_of, _sentences(words, settings, now[0], month))


def _sentences(words: Words, settings: Settings, now: Table, before: Table | None) -> list[str]:
    """Where all SIMs of the page stand, and the pace that the day of the target asks for."""
    real = now.total.share
    if real is None:
        return []
    said = {"share": words.cell(Share(real)), "target": words.cell(Share(settings.target_share))}
    told = [words("goal.now", **said)]
    if settings.target_on is not None and real < settings.target_share:
        weeks = max((settings.target_on - now.day) / WEEK, 1 / 7)
        needed = Share((settings.target_share - real) / weeks)
        told.append(words("goal.needed", day=words.day(settings.target_on), points=words.cell(needed)))
    then = _share_of(now.total, before)
    if then is not None and before is not None and before.day < now.day:
        went = Share((real - then) / ((now.day - before.day) / WEEK))
        told.append(words("goal.went", day=words.day(before.day), points=words.cell(went)))
    return told


class _Maker:
    """The tables of carriers and provinces, which have the same columns."""

    def __init__(self, reader: Reader, words: Words, target: float) -> None:
        self.reader, self.words, self.target = reader, words, target

    def lines(self, now: Table, week: Table | None, month: Table | None) -> Part:
        """Each line with its share, how far that is from the target, how it moved, and when it is there."""
        words, name = self.words, "goal_carriers" if now.by is By.CARRIER else "goal_provinces"
        named = words.carrier if now.by is By.CARRIER else words.province
        columns = ("subscriptions", "verified", "amiss", "share", "gap", "week", "month", "there")
        head = [words(f"head.{now.by}"), *(words(f"goal.{each}") for each in columns)]
        lines = sorted(now.lines, key=lambda line: (line.key == "", _last(line.share), line.key))
        rows = [self._row(named(line.key), line, now, week, month) for line in (*lines, now.total)]
        made = sheet(name, words(f"section.{name}"), head, rows, total=True)
        return Part(name, words(f"section.{name}"), [made], [charts.bars(words, name, made.grid, 4)])

    def _row(
        self, named: str, line: Line, now: Table, week: Table | None, month: Table | None
    ) -> Sequence[Told]:  # fmt: skip
        gap = None if line.share is None else line.share - self.target
        return (
            Told(named), figure(self.reader, line.all),
            figure(self.reader, line.verdicts[Verdict.VERIFIED]), figure(self.reader, line.amiss),
            share(line.share), share(gap), _change(line, now, week, WEEK), _change(line, now, month, MONTH),
            self._there(line, now, month or week),
        )  # fmt: skip

    def _there(self, line: Line, now: Table, before: Table | None) -> Told:
        """The day on which the target is reached at the pace of the last month."""
        then = _share_of(line, before)
        if line.share is None or then is None or before is None:
            return Told("–")
        if line.share >= self.target:
            return Told(self.words("goal.reached"))
        on = pace(then, line.share, before.day, now.day, self.target)
        return Told(on or self.words("goal.never"))


def _change(line: Line, now: Table, before: Table | None, ago: timedelta) -> Told:
    """How much the share grew in so many days, in points."""
    then = _share_of(line, before)
    if line.share is None or then is None or before is None or now.day - before.day > ago + _LATE:
        return Told("–")
    moved = line.share - then
    return Told(Share(moved if abs(moved) >= _SMALLEST_POINT else 0.0))


def _share_of(line: Line, table: Table | None) -> float | None:
    """The share of the same line in another table."""
    lines = [] if table is None else [*table.lines, table.total]
    return next((each.share for each in lines if each.key == line.key), None)


def _last(share: float | None) -> float:
    """The least real come first, those that are hidden last."""
    return 2.0 if share is None else share


async def _trend(
    session: AsyncSession, asked: Asked, reader: Reader, words: Words, settings: Settings, now: Table
) -> Part:  # fmt: skip
    """The share day by day beside the target, the newest day first in the table."""
    until = now.day + _A_DAY
    points = await figures.trend(
        session, until - timedelta(days=asked.days), until, carrier=asked.carrier, province=asked.province,
        least=reader.least,
    )  # fmt: skip
    # What the table of now hides of this day is hidden here as well.
    rows = [
        (
            Told(point.day), share(now.total.share if point.day == now.day else point.share),
            share(settings.target_share),
        )
        for point in points
    ]  # fmt: skip
    head = (words("head.day"), words("head.share"), words("goal.target"))
    picture = charts.line(words, "goal", sheet("", "", head, rows).grid, [1, 2])
    table = sheet("goal", words("chart.goal"), head, rows[::-1])
    return Part("goal", words("chart.goal"), [table], [picture])


async def _matrix(session: AsyncSession, reader: Reader, words: Words, day: date) -> list[Part]:
    """Each carrier in each province: how many SIMs are not real yet, and the share that is."""
    cells = await figures.matrix(session, day)
    carriers = sorted({carrier for carrier, _ in cells})
    places = sorted({place for _, place in cells}, key=lambda code: (code == "", code))
    head = [words("head.province"), *map(words.carrier, carriers)]

    def table(cell: Mapping[tuple[str, str], Told], nothing: Told) -> Sequence[Sequence[Told]]:
        return [
            (Told(words.province(place)), *(cell.get((carrier, place), nothing) for carrier in carriers))
            for place in places
        ]

    amiss = {at: figure(reader, each.amiss) for at, each in cells.items()}
    shares = {at: share(figures.share(each.verified, each.all)) for at, each in cells.items()}
    cuts = {"matrix_amiss": table(amiss, Told(0)), "matrix_share": table(shares, Told("–"))}
    return [
        Part(name, words(f"section.{name}"), [sheet(name, words(f"section.{name}"), head, rows)])
        for name, rows in cuts.items()
    ]
