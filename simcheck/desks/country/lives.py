"""Every case: the open ones by state and age, the closed ones by outcome and time, all of them by carrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.desks.country.asked import Asked
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Room, Told, figure, sheet
from simcheck.reports import charts, lives
from simcheck.reports.kinds import BANDS, TOOK
from simcheck.reports.lives import Lives
from simcheck.reports.words import Words

_BY_CARRIER = ("case_any", "case_open", "case_over", *BANDS)


async def read(session: AsyncSession, asked: Asked, reader: Reader, words: Words) -> Room | None:
    """The cases of what is asked for; None before they were counted."""
    found = await lives.read(
        session, carrier=asked.carrier, province=asked.province, least=reader.least
    )  # fmt: skip
    if found is None:
        return None
    parts = [
        _table(found, reader, words, "cases_open", lives.STATES, ("case_open", *BANDS)),
        _table(found, reader, words, "cases_over", lives.OUTCOMES, ("case_over", *TOOK)),
        _carriers(found, reader, words),
    ]
    return Room(parts, found.as_of)


def _table(
    found: Lives, reader: Reader, words: Words, name: str, outcomes: Sequence[str], kinds: Sequence[str]
) -> Part:
    """Outcomes by kind; the kinds but the first add up to it."""
    head = [words("head.outcome"), *map(_named(words), kinds)]
    rows: list[Sequence[Told]] = [
        (Told(words.code(each)), *(figure(reader, found.groups[each, kind]) for kind in kinds))
        for each in outcomes
    ]
    rows.append((Told(words("all")), *(figure(reader, found.whole[kind]) for kind in kinds)))
    made = sheet(name, words(f"section.{name}"), head, rows, total=True)
    picture = charts.stacked(words, name, made.grid, range(2, 2 + len(kinds) - 1))
    return Part(name, words(f"section.{name}"), [made], [picture])


def _carriers(found: Lives, reader: Reader, words: Words) -> Part:
    head = [words("head.carrier"), *map(_named(words), _BY_CARRIER)]
    lines = [*((words.carrier(of), line) for of, line in found.carriers.items()), (words("all"), found.whole)]
    rows = [(Told(named), *(figure(reader, line[kind]) for kind in _BY_CARRIER)) for named, line in lines]
    name = "cases_carriers"
    return Part(
        name, words(f"section.{name}"), [sheet(name, words(f"section.{name}"), head, rows, total=True)]
    )


def _named(words: Words) -> Callable[[str], str]:
    return lambda kind: words(f"band.{kind}" if kind in BANDS else f"life.{kind}")
