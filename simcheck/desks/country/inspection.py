"""What is worth an inspector's eye, with the thresholds beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Told, figure, sheet
from simcheck.reports import history, patterns
from simcheck.reports.patterns import Person
from simcheck.reports.words import Words

MOST = 50  # of each table: the most striking ones


@dataclass(frozen=True)
class Patterns:
    """The parts of the page; as of when."""

    parts: Sequence[Part]
    as_of: datetime


async def read(session: AsyncSession, reader: Reader, words: Words) -> Patterns | None:
    """People and points of sale that stand out; None before anybody looked for them."""
    found = await history.seen(session, patterns.PATTERNS)
    if found is None:
        return None
    bursts, many = await patterns.bursts(session, MOST), await patterns.most_sims(session, MOST)
    parts = [
        _people(reader, words, "bursts", bursts),
        _places(reader, words, await patterns.places(session, most=MOST, least=reader.least)),
        _people(reader, words, "many", many),
    ]
    return Patterns(parts, found.counted_at)


def _people(reader: Reader, words: Words, name: str, people: Sequence[Person]) -> Part:
    """People, named by nothing but a mark that tells their lines apart."""
    columns = ("person", "subscriptions", "carriers", "provinces", "burst_provinces", "burst_on")
    rows = [
        (
            Told(each.id.hex[:8].upper()), figure(reader, each.subscriptions), Told(each.carriers),
            Told(each.provinces), Told(each.burst_provinces), Told(each.burst_on or "–"),
        )
        for each in people
    ]  # fmt: skip
    heading = words(f"section.{name}")
    return Part(name, heading, [sheet(name, heading, [words(f"head.{each}") for each in columns], rows)])


def _places(reader: Reader, words: Words, places: Sequence[patterns.Place]) -> Part:
    columns = ("point_of_sale", "carrier", "subscriptions", "mismatches", "contested", "repeated")
    rows = [
        (
            Told(each.point_of_sale), Told(each.carrier),
            *(
                figure(reader, one)
                for one in (each.subscriptions, each.mismatches, each.contested, each.repeated)
            ),
        )
        for each in places
    ]  # fmt: skip
    heading = words("section.places")
    return Part(
        "places", heading, [sheet("places", heading, [words(f"head.{each}") for each in columns], rows)]
    )
