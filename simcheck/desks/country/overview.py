"""The country's SIMs: how many are real now and over time, by carrier, province and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.desks.country.asked import Asked
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Told, figure, share, sheet
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Verdict
from simcheck.reports import charts, figures
from simcheck.reports.figures import By, Line, Table
from simcheck.reports.words import Words

# A rejected row is no subscription.
_TOLD = tuple(verdict for verdict in VERDICTS if verdict is not Verdict.REJECTED)


@dataclass(frozen=True)
class Overview:
    """The parts of the page, the line of all SIMs, and as of when they were counted."""

    parts: Sequence[Part]
    total: Line
    as_of: datetime | None


async def read(session: AsyncSession, asked: Asked, reader: Reader, words: Words) -> Overview | None:
    """The SIMs of what is asked for; None before the first count."""
    tables = await figures.tables(
        session, carrier=asked.carrier, province=asked.province, least=reader.least
    )  # fmt: skip
    if not tables:
        return None
    carriers, provinces = tables
    parts = [
        await _trend(session, asked, reader, words, carriers),
        await _reasons(session, asked, reader, words),
        _lines(words, reader, "carriers", carriers),
        _lines(words, reader, "provinces", provinces),
    ]
    return Overview(parts, carriers.total, carriers.as_of)


async def _trend(
    session: AsyncSession, asked: Asked, reader: Reader, words: Words, now: Table
) -> Part:  # fmt: skip
    """Day by day, the newest first in the table. The newest day alone has lists: rows are kept as they are
    now.
    """
    until = now.day + timedelta(days=1)
    points = await figures.trend(
        session, until - timedelta(days=asked.days), until, carrier=asked.carrier, province=asked.province,
        least=reader.least,
    )  # fmt: skip
    rows = []
    for point in points:
        # What the table of now hides of this day is hidden here as well.
        newest = point.day == now.day
        verified, everything = Told(point.verified), Told(point.all)
        part = point.share
        if newest:
            verified, everything = (
                figure(reader, now.total.verdicts[Verdict.VERIFIED]), figure(reader, now.total.all)
            )  # fmt: skip
            part = now.total.share
        rows.append((Told(point.day), verified, everything, share(part)))
    head = (words("head.day"), words("verdict.verified"), words("head.subscriptions"), words("head.share"))
    picture = charts.line(words, "trend", sheet("trend", "", head, rows).grid, [3])
    newest_first = sheet("trend", words("chart.trend"), head, rows[::-1])
    return Part("trend", words("section.now"), [newest_first], [picture])


def _lines(words: Words, reader: Reader, name: str, table: Table) -> Part:
    """Carriers or provinces by verdict, the largest first."""
    named = words.carrier if table.by is By.CARRIER else words.province
    head = [words(f"head.{table.by}"), *(words(f"verdict.{verdict}") for verdict in _TOLD)]
    head += [words("head.subscriptions"), words("head.share")]
    lines = sorted(table.lines, key=lambda line: (line.key == "", -(line.all.count or 0), line.key))
    rows = [
        (
            Told(named(line.key)), *(figure(reader, line.verdicts[verdict]) for verdict in _TOLD),
            figure(reader, line.all), share(line.share),
        )
        for line in (*lines, table.total)
    ]  # fmt: skip
    made = sheet(name, words(f"section.{name}"), head, rows, total=True)
    picture = (
        charts.stacked(words, name, made.grid, range(1, 1 + len(_TOLD)))
        if table.by is By.CARRIER
        else charts.bars(words, name, made.grid, len(head) - 1)
    )
    return Part(name, words(f"section.{name}"), [made], [picture])


async def _reasons(session: AsyncSession, asked: Asked, reader: Reader, words: Words) -> Part:
    lines = await figures.reasons(
        session, carrier=asked.carrier, province=asked.province, least=reader.least
    )  # fmt: skip
    rows = [(Told(words.reason(line.reason)), figure(reader, line.figure)) for line in lines]
    made = sheet(
        "reasons", words("section.reasons"), (words("head.reason"), words("head.subscriptions")), rows
    )  # fmt: skip
    return Part("reasons", words("section.reasons"), [made], [charts.bars(words, "reasons", made.grid, 1)])
