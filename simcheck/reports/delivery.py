"""What became of notices: each is in one state, so that the states of a kind add up to what was made.

A job counts the days of the last two months again in one statement: a receipt may come days later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.messages.words import NOTICES, Channel
from simcheck.reports import flow
from simcheck.reports.drill import Drill
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import KINDS, Of, days, midnight, today
from simcheck.sending.models import State

MADE = KINDS["notice_made"]
A_DAY = timedelta(days=1)
COUNT = sa.text(f"""
WITH counted AS MATERIALIZED (
    SELECT ({MADE.time} AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, coalesce(carrier, '') AS carrier, kind,
           channel, state, count(*) AS notices
    FROM message WHERE {MADE.time} >= :since AND {MADE.time} < :until AND {MADE.condition}
    GROUP BY 1, 2, 3, 4, 5
), no_more AS (
    DELETE FROM delivery_day AS old WHERE day >= :since_day AND NOT EXISTS (
        SELECT FROM counted AS new WHERE (new.day, new.carrier, new.kind, new.channel, new.state)
            = (old.day, old.carrier, old.kind, old.channel, old.state))
)
INSERT INTO delivery_day SELECT day, carrier, kind, channel, state, notices FROM counted
ON CONFLICT (day, carrier, kind, channel, state) DO UPDATE SET notices = excluded.notices
""").bindparams(  # noqa: S608  (our own condition)
    sa.bindparam("since_day", type_=sa.Date()),
    *(sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("since", "until")),
)
# By way, by carrier, by day, and of all together; `cut` says which of these a row is of.
GROUPS = sa.text("""
SELECT grouping(kind, carrier, day) AS cut, kind, channel, carrier, day, state,
       sum(notices)::bigint AS notices
FROM delivery_day
WHERE day >= :since AND day < :until AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
GROUP BY GROUPING SETS ((kind, channel, state), (carrier, state), (day, state), (state))
""").bindparams(*(sa.bindparam(name, type_=sa.Date()) for name in ("since", "until")))
_WAY, _CARRIER, _DAY = 0b011, 0b101, 0b110


class Way(NamedTuple):
    """A kind of notice by one channel."""

    notice: str
    channel: Channel


class Outcomes(NamedTuple):
    """How many notices were made, and how many of them are in each state."""

    made: Figure
    states: Mapping[State, Figure]


class Delivered(NamedTuple):
    """The outcomes of notices by way, by carrier, by day, and of all together."""

    ways: Mapping[Way, Outcomes]
    carriers: Mapping[str, Outcomes]
    days: Mapping[date, Outcomes]
    whole: Outcomes


async def count(session: AsyncSession) -> None:
    """Count the notices of the last two months again. Needs the ministry's scope; `flow.count` keeps when."""
    day = today(clock.now())
    since, until = day - timedelta(days=flow.COUNTED_DAYS), day + A_DAY
    values = {"since_day": since, "since": midnight(since), "until": midnight(until)}
    await session.execute(COUNT, values)


async def read(session: AsyncSession, since: date, until: date, *, carrier: str | None = None) -> Delivered:
    """What became of the notices of these days, from `since` to before `until`, of a carrier or of all."""
    groups: dict[object, dict[State, int]] = {}
    for row in await session.execute(GROUPS, {"since": since, "until": until, "carrier": carrier}):
        of = {_WAY: (row.kind, row.channel), _CARRIER: row.carrier, _DAY: row.day}.get(row.cut)
        groups.setdefault(of, {})[State(row.state)] = row.notices
    whole = Drill(Of.MESSAGE, MADE.name, carrier, since=since, until=until)

    def outcomes(of: object, asked: Drill) -> Outcomes:
        counts = {state: groups.get(of, {}).get(state, 0) for state in State}
        states = {state: Figure(n, replace(asked, outcome=state.value)) for state, n in counts.items()}
        return Outcomes(Figure(sum(counts.values()), asked), states)

    carriers = sorted(of for of in groups if isinstance(of, str))
    return Delivered(
        {way: outcomes(way, replace(whole, notice=way.notice, channel=way.channel)) for way in _ways()},
        {of: outcomes(of, replace(whole, carrier=of)) for of in carriers},
        {day: outcomes(day, replace(whole, since=day, until=day + A_DAY)) for day in days(since, until)},
        outcomes(None, whole),
    )


def _ways() -> Iterator[Way]:
    return (Way(notice.value, channel) for notice in NOTICES for channel in Channel)
