"""What is worth an inspector's eye: people and points of sale that stand out by the thresholds of
patterns.toml.

A job finds them every night, in statements over columns; what is read are the few that were found. Each has a
drill to its rows, so that nobody has to believe a figure.
"""

from __future__ import annotations

import tomllib
import uuid
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Verdict
from simcheck.reports import history
from simcheck.reports.drill import ACTIVE, Drill
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import Of
from simcheck.reports.suppress import hide_alone, hide_part

PATTERNS = "patterns"
# People with many SIMs, or SIMs in many provinces; of the latter the window of days with the most
# provinces. It begins with an activation, so each is tried. An id stays a person's as long as the pattern
# is there.
PEOPLE = sa.text(f"""
WITH many AS MATERIALIZED (
    SELECT id_token, count(*) AS subscriptions, count(DISTINCT carrier) AS carriers,
           count(DISTINCT province) AS provinces
    FROM subscription WHERE id_token IS NOT NULL AND {ACTIVE}
    GROUP BY id_token
    HAVING count(*) >= least(:subscriptions, :provinces)
        AND (count(*) >= :subscriptions OR count(DISTINCT province) >= :provinces)
), activated AS MATERIALIZED (
    SELECT DISTINCT id_token, activated_on, province
    FROM subscription JOIN many USING (id_token)
    WHERE many.provinces >= :provinces AND activated_on IS NOT NULL AND province IS NOT NULL AND {ACTIVE}
), burst AS (
    SELECT DISTINCT ON (id_token)
        id_token, first.activated_on AS day, count(DISTINCT later.province) AS provinces
    FROM (SELECT DISTINCT id_token, activated_on FROM activated) AS first
    JOIN activated AS later USING (id_token)
    WHERE later.activated_on >= first.activated_on AND later.activated_on < first.activated_on + :days
    GROUP BY id_token, first.activated_on ORDER BY id_token, 3 DESC, 2
), found AS (
    SELECT many.id_token, many.subscriptions, many.carriers, many.provinces,
           coalesce(burst.provinces, 0) AS burst_provinces, burst.day
    FROM many LEFT JOIN burst USING (id_token)
    WHERE many.subscriptions >= :subscriptions OR burst.provinces >= :provinces
), no_more AS (
    DELETE FROM person_pattern AS old
    WHERE NOT EXISTS (SELECT FROM found WHERE found.id_token = old.id_token)
)
INSERT INTO person_pattern (id_token, subscriptions, carriers, provinces, burst_provinces, burst_on)
SELECT * FROM found
ON CONFLICT (id_token) DO UPDATE SET subscriptions = excluded.subscriptions, carriers = excluded.carriers,
    provinces = excluded.provinces, burst_provinces = excluded.burst_provinces, burst_on = excluded.burst_on
""").bindparams(sa.bindparam("days", type_=sa.Integer()))  # noqa: S608  (our own condition)
# Places of sale; `repeated` are the SIMs in names that have many of the place.
SALES = sa.text(f"""
WITH names AS (
    SELECT carrier, point_of_sale, id_token, count(*) AS subscriptions,
           count(*) FILTER (WHERE verdict = :mismatch) AS mismatches,
           count(*) FILTER (WHERE contested) AS contested
    FROM subscription WHERE point_of_sale IS NOT NULL AND {ACTIVE}
    GROUP BY 1, 2, 3
), places AS (
    SELECT carrier, point_of_sale, sum(subscriptions) AS subscriptions, sum(mismatches) AS mismatches,
           sum(contested) AS contested,
           coalesce(sum(subscriptions) FILTER (WHERE id_token IS NOT NULL AND subscriptions >= :repeated), 0)
               AS repeated
    FROM names GROUP BY 1, 2
), found AS (
    SELECT * FROM places WHERE subscriptions >= :subscriptions AND (
        100 * contested >= :contested_per_cent * subscriptions
        OR 100 * repeated >= :repeated_per_cent * subscriptions
        OR 100 * mismatches >= :mismatch_per_cent * subscriptions)
), no_more AS (
    DELETE FROM sale_pattern AS old WHERE NOT EXISTS (
        SELECT FROM found WHERE (found.carrier, found.point_of_sale) = (old.carrier, old.point_of_sale))
)
INSERT INTO sale_pattern (carrier, point_of_sale, subscriptions, mismatches, contested, repeated)
SELECT * FROM found
ON CONFLICT (carrier, point_of_sale) DO UPDATE SET subscriptions = excluded.subscriptions,
    mismatches = excluded.mismatches, contested = excluded.contested, repeated = excluded.repeated
""")  # noqa: S608  (our own condition)
_PERSON = "SELECT id, subscriptions, carriers, provinces, burst_provinces, burst_on FROM person_pattern"
MOST_SIMS = sa.text(f"{_PERSON} WHERE subscriptions >= :least ORDER BY subscriptions DESC, id LIMIT :most")
BURSTS = sa.text(f"{_PERSON} WHERE burst_provinces >= :least ORDER BY burst_provinces DESC, id LIMIT :most")
PEOPLE_COUNT = sa.text("""
SELECT count(*) FILTER (WHERE subscriptions >= :subscriptions),
       count(*) FILTER (WHERE burst_provinces >= :provinces) FROM person_pattern
""")
PLACES = sa.text("""
SELECT carrier, point_of_sale, subscriptions, mismatches, contested, repeated FROM sale_pattern
WHERE CAST(:carrier AS text) IS NULL OR carrier = :carrier
ORDER BY contested + repeated DESC, mismatches DESC, carrier, point_of_sale LIMIT :most
""")


@dataclass(frozen=True)
class Thresholds:
    """From where on a person or a place stands out, as patterns.toml says it."""

    person: dict[str, int]
    sale: dict[str, int]


@dataclass(frozen=True)
class Person:
    """A person with many SIMs. `id` stands for the person and tells nothing."""

    id: uuid.UUID
    subscriptions: Figure
    carriers: int
    provinces: int
    burst_provinces: int
    burst_on: date | None


@dataclass(frozen=True)
class Place:
    """A point of sale with its figures."""

    carrier: str
    point_of_sale: str
    subscriptions: Figure
    mismatches: Figure
    contested: Figure
    repeated: Figure


@cache
def thresholds() -> Thresholds:
    """The thresholds that are shipped."""
    return Thresholds(**tomllib.loads(files("simcheck.reports").joinpath("patterns.toml").read_text("utf-8")))


async def find(session: AsyncSession) -> None:
    """Find all patterns anew. Needs the ministry's scope."""
    await session.execute(history.ALONE, {"what": PATTERNS})
    await session.execute(history.ROOM)
    known, at = thresholds(), clock.now()
    await session.execute(PEOPLE, known.person)
    await session.execute(SALES, known.sale | {"mismatch": VERDICTS.index(Verdict.MISMATCH)})
    await history.note(session, PATTERNS, at)


async def people(session: AsyncSession) -> tuple[int, int]:
    """How many people have many SIMs, and how many had them in many provinces within a short time."""
    known = thresholds().person
    values = {name: known[name] for name in ("subscriptions", "provinces")}
    many, bursts = (await session.execute(PEOPLE_COUNT, values)).one()
    return many, bursts


async def most_sims(session: AsyncSession, most: int = 50) -> list[Person]:
    """The people with the most SIMs in their names."""
    return await _people(session, MOST_SIMS, thresholds().person["subscriptions"], most)


async def bursts(session: AsyncSession, most: int = 50) -> list[Person]:
    """The people with SIMs of the most provinces within the days of the thresholds."""
    return await _people(session, BURSTS, thresholds().person["provinces"], most)


async def _people(session: AsyncSession, statement: Any, least: int, most: int) -> list[Person]:
    rows = await session.execute(statement, {"least": least, "most": most})
    return [
        Person(row[0], Figure(row[1], Drill(Of.SUBSCRIPTION, person=row[0])), *row[2:]) for row in rows
    ]  # fmt: skip


async def places(
    session: AsyncSession, *, carrier: str | None = None, most: int = 50, least: int = 0
) -> list[Place]:
    """The points of sale that stand out, those with the most contested and repeated SIMs first. Of a place,
    what is of fewer than `least` is hidden, and so is what leaves fewer.
    """
    told = []
    for row in await session.execute(PLACES, {"carrier": carrier, "most": most}):
        at = {"carrier": row.carrier, "sold_at": row.point_of_sale}
        repeated = thresholds().sale["repeated"]
        whole = row.subscriptions
        mismatches, contested, repeated_here = (
            hide_part(each, whole, least) for each in (row.mismatches, row.contested, row.repeated)
        )
        place = Place(
            row.carrier, row.point_of_sale,
            Figure(hide_alone(whole, least), Drill(Of.SUBSCRIPTION, **at)),
            Figure(mismatches, Drill(Of.SUBSCRIPTION, **at, verdict=Verdict.MISMATCH)),
            Figure(contested, Drill(Of.SUBSCRIPTION, **at, contested=True)),
            Figure(repeated_here, Drill(Of.SUBSCRIPTION, **at, repeated=repeated)),
        )  # fmt: skip
        told.append(place)
    return told
