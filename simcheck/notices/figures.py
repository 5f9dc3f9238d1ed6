"""Notices in figures: how many cases are where, and what became of the messages."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.messages.words import NOTICES, Kind
from simcheck.notices import schedule
from simcheck.notices.models import Campaign
from simcheck.notices.policy import Policy

TRACKS = sa.text("SELECT carrier, state, count(*) FROM notice_track GROUP BY carrier, state ORDER BY 1, 2")
MESSAGES = sa.text("""
SELECT carrier, kind, channel, state, count(*) AS messages, sum(parts) AS parts FROM message
WHERE kind = ANY(:kinds) GROUP BY carrier, kind, channel, state ORDER BY 1, 2, 3, 4
""").bindparams(sa.bindparam("kinds", type_=pg.ARRAY(sa.Text())))
OURS = (*NOTICES, Kind.RESTORED, Kind.CORRECTED, Kind.THANKS, Kind.HANDSET)


class Tracks(NamedTuple):
    """How many cases' notices are how far."""

    carrier: str
    state: str
    cases: int


class Messages(NamedTuple):
    """How many messages of a kind are how far."""

    carrier: str | None
    kind: str
    channel: str
    state: str
    messages: int
    parts: int


async def tracks(session: AsyncSession) -> list[Tracks]:
    """Cases by carrier and state of their notices."""
    return [Tracks(*row) for row in await session.execute(TRACKS)]


async def messages(session: AsyncSession) -> list[Messages]:
    """Notices and last messages by carrier, kind, channel and state."""
    rows = await session.execute(MESSAGES, {"kinds": [each.value for each in OURS]})
    return [Messages(*row) for row in rows]


async def campaigns(session: AsyncSession, most: int = 20) -> list[Campaign]:
    """The newest campaigns."""
    return list(await session.scalars(sa.select(Campaign).order_by(Campaign.made_at.desc()).limit(most)))


def calendar_ends(policy: Policy) -> bool:
    """Whether the holidays of the months to come are not known yet."""
    return schedule.local_day(policy, clock.now() + 90 * schedule.DAY).year not in policy.years
