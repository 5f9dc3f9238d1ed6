"""Notices and what became of them: by kind and channel, by carrier, day by day. Each line adds up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.desks.country.asked import Asked
from simcheck.desks.country.flows import DAYS
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Room, Told, figure, share_of, sheet
from simcheck.reports import charts, flow, history, work
from simcheck.reports.delivery import Outcomes
from simcheck.reports.words import Words
from simcheck.sending.models import State

# From what is best to what is worst.
STATES = (
    State.DELIVERED, State.SENT, State.SENDING, State.DUE, State.UNKNOWN, State.EXPIRED, State.FAILED,
    State.CANCELLED,
)  # fmt: skip


async def read(session: AsyncSession, asked: Asked, reader: Reader, words: Words) -> Room | None:
    """The notices of the days that are counted again and again; None before they were counted."""
    counted = await history.seen(session, flow.FLOW)
    if counted is None:
        return None
    until = counted.day + timedelta(days=1)
    since = until - timedelta(days=DAYS)
    read = await work.read(session, since, until, carrier=asked.carrier, least=reader.least)
    found = read.delivered
    head = [*(words.code(state) for state in STATES), words("share_of.notice_delivered")]

    def row(named: Told, line: Outcomes) -> Sequence[Told]:
        cells = (figure(reader, line.states[state]) for state in STATES)
        return (named, figure(reader, line.made), *cells, share_of(line.states[State.DELIVERED], line.made))

    def part(name: str, first: str, rows: Sequence[Sequence[Told]]) -> Part:
        whole = [*rows, row(Told(words("all")), found.whole)]
        columns = [words(first), words("kind.notice_made"), *head]
        made = sheet(name, words(f"section.{name}"), columns, whole, total=True)
        picture = charts.stacked(words, name, made.grid, (2, 3, 6, 7, 8))
        return Part(name, words(f"section.{name}"), [made], [picture])

    ways = [
        row(Told(f"{words.code(way.notice)} · {words.code(way.channel)}"), line)
        for way, line in found.ways.items()
    ]
    carriers = [row(Told(words.carrier(of)), line) for of, line in found.carriers.items()]
    parts = [
        part("delivery_ways", "head.notice", ways), part("delivery_carriers", "head.carrier", carriers),
    ]  # fmt: skip
    if not read.whole:
        return Room(parts, counted.counted_at)
    days = [row(Told(day), line) for day, line in found.days.items()]
    columns = [words("head.day"), words("kind.notice_made"), *head]
    picture = charts.line(words, "delivery", sheet("", "", columns, days).grid, [1, 2])
    by_day = sheet("delivery_days", words("chart.delivery"), columns, days[::-1])
    parts.append(Part("delivery_days", words("chart.delivery"), [by_day], [picture]))
    return Room(parts, counted.counted_at)
