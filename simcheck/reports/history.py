"""The country counted: one row a day, carrier, province and verdict (and reason), in one statement.

A subscription's verdict and place change only when a run is published, so a day is counted again after
each and its last count stays. What is read is a few thousand rows, whatever the country's size.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.reports.drill import ACTIVE
from simcheck.reports.kinds import today

COUNTRY = "country"
# One counts at a time.
ALONE = sa.text("SELECT pg_advisory_xact_lock(hashtext('report.' || :what))")
# Sums of some hundred thousand groups stay in memory.
ROOM = sa.text("SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true)")
NEWEST_RUN = sa.text("SELECT max(published_at) FROM run WHERE state = 'published'")
HOW_MANY = sa.text("""
SELECT coalesce(sum(subscriptions), 0)::bigint FROM country_day WHERE day = (SELECT max(day) FROM country_day)
""")
# The first day of each month of which something was counted: one look into the key a month.
MONTHS = sa.text("""
SELECT CAST(month AS date) FROM (SELECT min(day) AS first, max(day) AS last FROM country_day) AS days,
    generate_series(date_trunc('month', CAST(first AS timestamp)), last, interval '1 month') AS month
WHERE EXISTS (SELECT FROM country_day WHERE day >= month AND day < month + interval '1 month')
ORDER BY month DESC
""")
SEEN = sa.text("SELECT day, counted_at, run_at FROM report_counted WHERE what = :what")
# Subscriptions are summed once, by the mask of their reasons; the masks are few, and are taken apart after.
COUNT = sa.text(f"""
WITH summed AS MATERIALIZED (
    SELECT carrier, coalesce(province, '') AS province, verdict, reasons, count(*) AS subscriptions
    FROM subscription WHERE {ACTIVE} GROUP BY 1, 2, 3, 4
), verdicts AS (
    SELECT carrier, province, verdict, sum(subscriptions) AS subscriptions FROM summed GROUP BY 1, 2, 3
), reasons AS (
    SELECT carrier, province, reason, sum(subscriptions) AS subscriptions
    FROM summed, generate_series(0, 62) AS reason
    WHERE reasons & (1::bigint << reason) <> 0 GROUP BY 1, 2, 3
), no_more AS (
    DELETE FROM country_day AS old WHERE day = :day AND NOT EXISTS (
        SELECT FROM verdicts AS new
        WHERE (new.carrier, new.province, new.verdict) = (old.carrier, old.province, old.verdict))
), no_reason AS (
    DELETE FROM country_reason_day AS old WHERE day = :day AND NOT EXISTS (
        SELECT FROM reasons AS new
        WHERE (new.carrier, new.province, new.reason) = (old.carrier, old.province, old.reason))
), with_reason AS (
    INSERT INTO country_reason_day SELECT :day, carrier, province, reason, subscriptions FROM reasons
    ON CONFLICT (day, carrier, province, reason) DO UPDATE SET subscriptions = excluded.subscriptions
)
INSERT INTO country_day SELECT :day, carrier, province, verdict, subscriptions FROM verdicts
ON CONFLICT (day, carrier, province, verdict) DO UPDATE SET subscriptions = excluded.subscriptions
""").bindparams(sa.bindparam("day", type_=sa.Date()))  # noqa: S608  (our own condition)
NOTE = sa.text("""
INSERT INTO report_counted (what, day, counted_at, run_at) VALUES (:what, :day, :at, :run_at)
ON CONFLICT (what) DO UPDATE SET
    day = excluded.day, counted_at = excluded.counted_at, run_at = excluded.run_at
""").bindparams(
    sa.bindparam("day", type_=sa.Date()),
    *(sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("at", "run_at")),
)


class Counted(NamedTuple):
    """A count's last time: of which day it was, when it was made, the newest run that it has seen."""

    day: date
    counted_at: datetime
    run_at: datetime | None


async def seen(session: AsyncSession, what: str = COUNTRY) -> Counted | None:
    """The last time of a count; None before the first."""
    row = (await session.execute(SEEN, {"what": what})).one_or_none()
    return None if row is None else Counted(*row)


async def subscriptions(session: AsyncSession) -> int:
    """How many subscriptions the last count found; 0 before the first."""
    return int(await session.scalar(HOW_MANY) or 0)


async def months(session: AsyncSession) -> list[date]:
    """The first day of each month with figures, the newest first."""
    return list(await session.scalars(MONTHS))


async def count(session: AsyncSession) -> bool:
    """Count the country for today, if a run was published since or the day is new; whether it was counted.

    Needs the ministry's scope.
    """
    await session.execute(ALONE, {"what": COUNTRY})
    at, run_at = clock.now(), await session.scalar(NEWEST_RUN)
    before = await seen(session)
    if before is not None and (before.day, before.run_at) == (today(at), run_at):
        return False
    await session.execute(ROOM)
    await session.execute(COUNT, {"day": today(at)})
    await note(session, COUNTRY, at, run_at)
    return True


async def note(session: AsyncSession, what: str, at: datetime, run_at: datetime | None = None) -> None:
    """Keep that a count was made."""
    await session.execute(NOTE, {"what": what, "day": today(at), "at": at, "run_at": run_at})
