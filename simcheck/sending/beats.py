"""How the links are, as sender processes write it down every few seconds, and as pages read it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.sending.links import Lane
from simcheck.sending.models import LinkBeat

FRESH = timedelta(seconds=20)  # a process that said nothing for so long is gone, or hangs
_KEPT = timedelta(days=1)
_STAMP = sa.TIMESTAMP(timezone=True)
# What a link took since the process's last sign, by the time since then.
WRITE = sa.text("""
INSERT INTO link_beat AS beat (process, link, channel, up, resting, rate, set_rate, failures, latency,
                               in_hand, taken, failed, throttled, per_second, at)
VALUES (:process, :link, :channel, :up, :resting, :rate, :set_rate, :failures, :latency,
        :in_hand, :taken, :failed, :throttled, 0, :at)
ON CONFLICT (process, link) DO UPDATE SET
    up = excluded.up, resting = excluded.resting, rate = excluded.rate, set_rate = excluded.set_rate,
    failures = excluded.failures, latency = excluded.latency, in_hand = excluded.in_hand,
    taken = excluded.taken, failed = excluded.failed, throttled = excluded.throttled, at = excluded.at,
    per_second = (excluded.taken - beat.taken)
        / greatest(0.001, extract(epoch FROM excluded.at - beat.at)::float8)
""").bindparams(sa.bindparam("at", type_=_STAMP))
# How the links are altogether: over the processes that gave a sign of life, or else the newest that did.
READ = sa.text("""
SELECT link, channel, count(*) FILTER (WHERE fresh) AS processes, count(*) FILTER (WHERE fresh AND up) AS up,
       count(*) FILTER (WHERE fresh AND resting) AS resting,
       coalesce(sum(rate) FILTER (WHERE fresh AND up), 0) AS rate,
       coalesce(sum(per_second) FILTER (WHERE fresh), 0) AS per_second,
       coalesce(max(failures) FILTER (WHERE fresh), 0) AS failures,
       coalesce(max(latency) FILTER (WHERE fresh), 0) AS latency,
       coalesce(sum(in_hand) FILTER (WHERE fresh), 0) AS in_hand,
       coalesce(sum(throttled) FILTER (WHERE fresh), 0) AS throttled, max(at) AS at
FROM (SELECT link_beat.*, at > :since AS fresh FROM link_beat) AS beat
GROUP BY link, channel ORDER BY channel DESC, link
""").bindparams(sa.bindparam("since", type_=_STAMP))
# What became of the parts of messages that were made since: by link ("" for those that went to none).
RECENT = sa.text("""
SELECT coalesce(part.link, '') AS link, part.state, count(*) AS parts
FROM message JOIN message_part AS part ON part.message_id = message.id
WHERE made_at >= :since GROUP BY 1, 2 ORDER BY 1, 2
""").bindparams(sa.bindparam("since", type_=_STAMP))
# What waits, and for how long: due by now, and on its way without an answer. Each has an index of its own.
WAITING = sa.text("""
SELECT channel,
       (SELECT count(*) FROM message WHERE state = 'due' AND channel = each.channel AND due_at <= :at) AS due,
       (SELECT min(due_at) FROM message WHERE state = 'due' AND channel = each.channel AND due_at <= :at)
           AS oldest,
       (SELECT count(*) FROM message
        WHERE state = 'unknown' AND settled_at IS NULL AND channel = each.channel) AS unknown
FROM unnest(ARRAY['sms', 'email']) AS each (channel)
""").bindparams(sa.bindparam("at", type_=_STAMP))
# Why parts came to a bad end, of messages that were made since.
FAILURES = sa.text("""
SELECT coalesce(part.link, '') AS link, coalesce(part.failure, part.status, '') AS failure, count(*) AS parts
FROM message JOIN message_part AS part ON part.message_id = message.id
WHERE made_at >= :since AND part.state = 'failed'
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20
""").bindparams(sa.bindparam("since", type_=_STAMP))


@dataclass(frozen=True)
class Beat:
    """How a link is: how many processes hold it, in how many it is up and resting; rates in parts a second,
    `failures` a share, `latency` in seconds; `at` is its newest sign of life.
    """

    link: str
    channel: str
    processes: int
    up: int
    resting: int
    rate: float
    per_second: float
    failures: float
    latency: float
    in_hand: int
    throttled: int
    at: datetime


@dataclass(frozen=True)
class Waiting:
    """Messages of a channel: how many are due, since when the oldest is, how many nobody has answered."""

    channel: str
    due: int
    oldest: datetime | None
    unknown: int


async def write(
    session: AsyncSession, process: uuid.UUID, lanes: Mapping[Channel, Sequence[Lane[Any]]]
) -> None:
    """Write down how each link of this process is, and forget processes of days ago."""
    now = clock.now()
    rows = [
        {
            "process": process, "link": lane.name, "channel": channel.value, "up": lane.sender.up,
            "resting": lane.health.broken, "rate": lane.pace.rate, "set_rate": lane.pace.set_rate,
            "failures": lane.health.failures, "latency": lane.health.latency, "in_hand": lane.held,
            "taken": lane.health.taken, "failed": lane.health.failed, "throttled": lane.pace.throttled,
            "at": now,
        }
        for channel, its in lanes.items()
        for lane in its
    ]  # fmt: skip
    if rows:
        await session.execute(WRITE, rows)
    await session.execute(sa.delete(LinkBeat).where(LinkBeat.at < now - _KEPT))


async def read(session: AsyncSession) -> list[Beat]:
    """How the links of all processes are."""
    rows = await session.execute(READ, {"since": clock.now() - FRESH})
    return [Beat(**row) for row in rows.mappings()]


async def recent(session: AsyncSession, since: datetime) -> dict[str, dict[str, int]]:
    """Parts of messages made since then, by link ("" for none) and state."""
    found: dict[str, dict[str, int]] = {}
    for link, state, parts in await session.execute(RECENT, {"since": since}):
        found.setdefault(link, {})[state] = parts
    return found


async def failures(session: AsyncSession, since: datetime) -> list[tuple[str, str, int]]:
    """The commonest reasons for parts that failed, of messages made since: link, reason, parts."""
    return [(row[0], row[1], row[2]) for row in await session.execute(FAILURES, {"since": since})]


async def waiting(session: AsyncSession) -> list[Waiting]:
    """What waits, by channel."""
    return [Waiting(**row) for row in (await session.execute(WAITING, {"at": clock.now()})).mappings()]
