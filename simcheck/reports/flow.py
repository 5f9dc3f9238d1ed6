"""What came and went day by day: cases opened and closed, notices, corrections, questions; the
open cases' ages.

A job counts the days of the last two months in one statement, each kind by the condition that also lists
it. A case that is reopened is not closed any more, a notice is delivered late: so days are counted again.
How old the open cases are is counted for today, and stays of each day what its last count said.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.reports import history
from simcheck.reports.drill import Drill
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import BANDS, CARRIER, KINDS, NOBODY, Of, days, midnight, opened, today

FLOW = "flow"
COUNTED_DAYS = 62  # the longest two months

_BY_DAY = """SELECT ({time} AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, coalesce({carrier}, '') AS carrier,
    '{name}' AS kind, count(*) AS count
FROM "{of}" WHERE {time} >= :since AND {time} < :until AND {condition} GROUP BY 1, 2"""
_BAND = """SELECT CAST(:day AS date), carrier, '{name}', count(*) FROM "case" WHERE closed_at IS NULL
    AND (CAST(:{name}_since AS timestamptz) IS NULL OR opened_at >= :{name}_since)
    AND (CAST(:{name}_until AS timestamptz) IS NULL OR opened_at < :{name}_until) GROUP BY 2"""
_PARTS = [
    *(_BY_DAY.format(**vars(each), carrier=CARRIER[each.of]) for each in KINDS.values()),
    *(_BAND.format(name=name) for name in BANDS),
]
# The bands of days that are over stay.
COUNT = sa.text(f"""
WITH counted AS MATERIALIZED ({" UNION ALL ".join(_PARTS)}
), no_more AS (
    DELETE FROM flow_day AS old
    WHERE day >= :since_day AND (day = :day OR NOT kind = ANY (:bands)) AND NOT EXISTS (
        SELECT FROM counted AS new WHERE (new.day, new.carrier, new.kind) = (old.day, old.carrier, old.kind))
)
INSERT INTO flow_day SELECT day, carrier, kind, count FROM counted
ON CONFLICT (day, carrier, kind) DO UPDATE SET count = excluded.count
""").bindparams(  # noqa: S608  (our own conditions)
    sa.bindparam("day", type_=sa.Date()), sa.bindparam("since_day", type_=sa.Date()),
    *(sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("since", "until")),
    *(
        sa.bindparam(f"{name}_{end}", type_=sa.TIMESTAMP(timezone=True))
        for name in BANDS for end in ("since", "until")
    ),
    sa.bindparam("bands", type_=pg.ARRAY(sa.Text())),
)  # fmt: skip
SERIES = sa.text("""
SELECT kind, day, sum(count)::bigint FROM flow_day
WHERE day >= :since AND day < :until AND kind = ANY (:kinds)
    AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
GROUP BY 1, 2
""").bindparams(
    *(sa.bindparam(name, type_=sa.Date()) for name in ("since", "until")),
    sa.bindparam("kinds", type_=pg.ARRAY(sa.Text())),
)
CARRIERS = sa.text("""
SELECT carrier, kind, sum(count)::bigint FROM flow_day
WHERE day >= :since AND day < :until AND kind = ANY (:kinds) GROUP BY 1, 2 ORDER BY 1
""").bindparams(
    *(sa.bindparam(name, type_=sa.Date()) for name in ("since", "until")),
    sa.bindparam("kinds", type_=pg.ARRAY(sa.Text())),
)


async def count(session: AsyncSession) -> None:
    """Count the days of the last two months again, and how old the open cases are. Needs the
    ministry's scope."""
    await session.execute(history.ALONE, {"what": FLOW})
    at = clock.now()
    day = today(at)
    since = day - timedelta(days=COUNTED_DAYS)
    values = {
        "day": day, "since_day": since, "since": midnight(since), "until": midnight(day + timedelta(days=1)),
        "bands": list(BANDS),
    }  # fmt: skip
    for name, band in BANDS.items():
        values[f"{name}_since"], values[f"{name}_until"] = opened(band, day)
    await session.execute(history.ROOM)
    await session.execute(COUNT, values)
    await history.note(session, FLOW, at)


async def series(
    session: AsyncSession, kinds: Iterable[str], since: date, until: date, *, carrier: str | None = None
) -> dict[str, dict[date, Figure]]:
    """Of each kind every day's figure, from `since` to before `until`; 0 where there is none."""
    wanted = list(kinds)
    values = {"since": since, "until": until, "kinds": wanted, "carrier": carrier}
    found = {(row[0], row[1]): row[2] for row in await session.execute(SERIES, values)}
    return {
        kind: {
            day: Figure(found.get((kind, day), 0), of(kind, day, day + timedelta(days=1), carrier))
            for day in days(since, until)
        }
        for kind in wanted
    }


async def by_carrier(
    session: AsyncSession, kinds: Iterable[str], since: date, until: date
) -> dict[str, dict[str, Figure]]:
    """Of each carrier (`NOBODY`: of none) the figure of each kind over all days together."""
    wanted = list(kinds)
    told: dict[str, dict[str, Figure]] = {}
    for carrier, kind, count in await session.execute(
        CARRIERS, {"since": since, "until": until, "kinds": wanted}
    ):
        told.setdefault(carrier, {})[kind] = Figure(count, of(kind, since, until, carrier))
    for carrier, line in told.items():
        for kind in wanted:
            line.setdefault(kind, Figure(0, of(kind, since, until, carrier)))
    return told


async def ages(session: AsyncSession, *, carrier: str | None = None) -> dict[str, Figure]:
    """How many cases are open by age, the youngest first, as the last count saw them; {} before it."""
    before = await history.seen(session, FLOW)
    if before is None:
        return {}
    day = before.day
    counted = await series(session, BANDS, day, day + timedelta(days=1), carrier=carrier)
    return {name: counted[name][day] for name in BANDS}


def of(kind: str, since: date, until: date, carrier: str | None) -> Drill | None:
    """The list of a kind's rows of these days; None where it is not kept: of bands the day alone counts."""
    if kind in BANDS:
        return Drill(Of.CASE, kind, carrier, since=since)
    return Drill(KINDS[kind].of, kind, carrier, since=since, until=until)


__all__ = ["BANDS", "KINDS", "NOBODY", "ages", "by_carrier", "count", "of", "series"]
