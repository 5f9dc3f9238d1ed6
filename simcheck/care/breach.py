"""A breach drill: what a leak would touch, whose data, and what has to be said to whom until when.

It reads and counts, in a transaction that can change nothing. The same answers a real breach, in its first
minutes: nobody has to remember where what stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.care import clocks, processing
from simcheck.care.processing import Activity, Table
from simcheck.care.words import WORDS
from simcheck.db.base import whole_metadata
from simcheck.enforcement import store
from simcheck.errors import InvalidError
from simcheck.lake.purge import datasets
from simcheck.messages.words import Language
from simcheck.service import Service

# From here on this transaction changes nothing, whatever is called in it.
READ_ONLY = sa.text("SET TRANSACTION READ ONLY")


class Leak(StrEnum):
    """What got out: a table, a folder of the lake, everything in the database, everything in the lake, or
    the keys (without what they open).
    """

    TABLE = "table"
    LAKE = "lake"
    DATABASE = "database"
    WHOLE_LAKE = "whole-lake"
    KEYS = "keys"


@dataclass(frozen=True)
class Touched:
    """A table or folder: rows (files, of a folder), people or numbers by carrier ("" for none), the columns
    that are sealed, and what it says of people without the keys: `none`, `tokens` (codes by which the same
    are seen to be the same), `sealed`, or `clear`.
    """

    name: str
    activity: Activity
    rows: int
    people: dict[str, int]
    sealed: tuple[str, ...]
    readable: str


@dataclass(frozen=True)
class Drill:
    """The whole picture. `with_keys`: whoever has the data has the keys too."""

    leak: Leak
    of: str
    with_keys: bool
    carrier: str | None
    found_at: datetime
    notify_by: datetime
    touched: Sequence[Touched] = field(default_factory=tuple)

    @property
    def people(self) -> dict[str, int]:
        """At least how many people or numbers are concerned, by carrier: the largest of the tables."""
        codes = {code for each in self.touched for code in each.people}
        return {code: max(each.people.get(code, 0) for each in self.touched) for code in sorted(codes)}

    @property
    def grave(self) -> bool:
        """Whether somebody can read what got out."""
        read = self.with_keys or self.leak is Leak.KEYS
        return read or any(each.readable == "clear" for each in self.touched)


async def drill(
    session: AsyncSession, service: Service, leak: Leak, of: str = "", carrier: str | None = None, *,
    with_keys: bool = False,
) -> Drill:  # fmt: skip
    """Rehearse a leak. The session needs the ministry's scope. Raises `InvalidError` for a table or folder
    that there is none of.
    """
    await session.execute(READ_ONLY)
    register, now = processing.load(), clock.now()
    tables, folders = register.tables, register.lake
    if leak is Leak.TABLE and of not in tables:
        raise InvalidError(f"{of}: there is no such table. There are {', '.join(sorted(tables))}")
    if leak is Leak.LAKE and of not in folders:
        raise InvalidError(f"{of}: the lake has no such folder. It has {', '.join(sorted(folders))}")
    names = {Leak.TABLE: [of], Leak.DATABASE: sorted(tables), Leak.KEYS: sorted(tables)}.get(leak, [])
    places = {Leak.LAKE: [of], Leak.WHOLE_LAKE: sorted(folders), Leak.KEYS: sorted(folders)}.get(leak, [])
    touched = [await _table(session, *tables[name], carrier) for name in names]
    touched += [await _folder(session, service, each, folders[each], carrier) for each in places]
    until = clocks.load()["breach"].over(now, await store.calendar(session))
    return Drill(
        leak, of, with_keys, carrier, now, until, [each for each in touched if each.rows]
    )  # fmt: skip


def notice(found: Drill, language: Language) -> str:
    """The notice to the authority, as far as it can be written without the cause: to be completed."""
    say = WORDS[language]
    people = "; ".join(
        f"{code.upper() or say('breach.no_carrier')}: {say.number(count)}"
        for code, count in found.people.items()
    )
    data = "; ".join(dict.fromkeys(each.activity.data[language.value] for each in found.touched))
    lines = [
        say("breach.to"), say("breach.found", at=say.moment(found.found_at)),
        say("breach.until", at=say.moment(found.notify_by)),
        say("breach.what", what=say(f"breach.leak.{found.leak.value.replace('-', '_')}", of=found.of)),
        say("breach.people", people=people or say("breach.nobody")), say("breach.data", data=data or "–"),
        say("breach.readable" if found.grave else "breach.sealed"), say("breach.open"),
    ]  # fmt: skip
    return "\n".join(lines)


def letter(found: Drill, language: Language) -> str:
    """What the people concerned are told."""
    say = WORDS[language]
    return say(
        "breach.letter_grave" if found.grave else "breach.letter_sealed", at=say.moment(found.found_at)
    )


async def _table(session: AsyncSession, activity: Activity, table: Table, carrier: str | None) -> Touched:
    """A table's rows and people. Names of tables and columns are the schema's own."""
    made = whole_metadata().tables[table.name]
    own = "carrier" in made.c and carrier is not None
    where = "WHERE carrier = :carrier" if own else ""
    given = {"carrier": carrier} if own else {}
    rows = await session.scalar(sa.text(f'SELECT count(*) FROM "{table.name}" {where}'), given)  # noqa: S608
    people: dict[str, int] = {}
    if table.token:
        by = "coalesce(carrier, '')" if "carrier" in made.c else "''"
        count = f'SELECT {by} AS code, count(DISTINCT {table.token}) AS people FROM "{table.name}" {where}'  # noqa: S608
        found = await session.execute(sa.text(f"{count} GROUP BY 1"), given)
        people = {row.code: int(row.people) for row in found if row.people}
    readable = "sealed" if table.sealed else "tokens" if table.tokens else "clear" if table.token else "none"
    return Touched(table.name, activity, int(rows or 0), people, table.sealed, readable)


async def _folder(
    session: AsyncSession, service: Service, folder: str, activity: Activity, carrier: str | None
) -> Touched:  # fmt: skip
    """A folder of the lake: its datasets, and whose rows they may hold. All of it is encrypted."""

    def look() -> list[str]:
        return [each for each in datasets(service.store, folder) if carrier is None or f"/{carrier}/" in each]

    found = await asyncio.to_thread(look)
    people: dict[str, int] = {}
    if folder == "register":
        rows = sa.text(
            "SELECT max(rows) FROM register_snapshot WHERE state IN ('current', 'retired', 'sealed')"
        )
        people = {"": int(await session.scalar(rows) or 0)}
    elif found:
        own = "WHERE carrier = :carrier" if carrier else ""
        count = sa.text(f"SELECT carrier, count(*) AS people FROM subscription {own} GROUP BY 1")  # noqa: S608
        given = {"carrier": carrier} if carrier else {}
        people = {row.carrier: int(row.people) for row in await session.execute(count, given)}
    return Touched(folder, activity, len(found), people, ("*",), "sealed")
