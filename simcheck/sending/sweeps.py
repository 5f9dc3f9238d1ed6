"""What does not move is found here, each kind by itself. All of them may run at any time, in any process."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.config import Settings
from simcheck.sending.outcomes import Rules, roll_up

BATCH = 1000
GRACE = timedelta(hours=1)  # after a message's end, before no receipt is waited for

_STAMP = sa.TIMESTAMP(timezone=True)
_NOW = sa.bindparam("now", type_=_STAMP)
# Messages of a sender that was killed, or that cannot reach us: what it had in hand may have gone.
LEASE_OUT = sa.text("""
SELECT id, attempts FROM message WHERE state = 'sending' AND settled_at IS NULL AND due_at < :now
ORDER BY id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
""").bindparams(_NOW)
MAY_HAVE_GONE = sa.text("""
UPDATE message_part SET state = 'unknown', attempts = attempts + 1, failure = 'lease_out',
    submitted_at = coalesce(submitted_at, :now)
WHERE message_id = ANY(:ids) AND state = 'due'
""").bindparams(sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), _NOW)
# Parts that nobody answered for, and of which no receipt came in time.
UNANSWERED = sa.text("""
SELECT id, attempts FROM message WHERE state = 'unknown' AND settled_at IS NULL AND due_at < :now
ORDER BY id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
""").bindparams(_NOW)
AGAIN = sa.text("""
UPDATE message_part AS part SET state = 'due', resends = resends + 1, failure = 'resent'
FROM message
WHERE message.id = part.message_id AND message.id = ANY(:ids) AND part.state = 'unknown'
  AND part.resends < :resends AND message.expires_at > :now
""").bindparams(sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), _NOW)
LEFT_UNKNOWN = sa.text("""
UPDATE message SET settled_at = :now, changed_at = :now
WHERE id = ANY(:ids) AND state = 'unknown' AND settled_at IS NULL
""").bindparams(sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), _NOW)
# Messages that did not leave in time.
TOO_LATE = sa.text("""
SELECT id, attempts FROM message
WHERE settled_at IS NULL AND state = 'due' AND expires_at <= :now
ORDER BY id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
""").bindparams(_NOW)
EXPIRED = sa.text("""
UPDATE message_part SET state = 'expired', failure = 'not_in_time', done_at = :now
WHERE message_id = ANY(:ids) AND state = 'due'
""").bindparams(sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), _NOW)
# Messages that were taken, and of which nothing more will be heard.
NOT_HEARD_OF = sa.text("""
UPDATE message SET settled_at = :now WHERE id IN (
    SELECT id FROM message
    WHERE settled_at IS NULL AND state = 'sent' AND expires_at < :over AND changed_at < :before
    ORDER BY id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
)
""").bindparams(
    _NOW, sa.bindparam("before", type_=_STAMP), sa.bindparam("over", type_=_STAMP),
)  # fmt: skip
# What a settled message said and to whom, when its time is over and no order says that it is preserved.
FORGET = sa.text("""
UPDATE message SET address = NULL, subject = NULL, text = NULL, html = NULL
WHERE id IN (
    SELECT id FROM message WHERE settled_at < :before AND text IS NOT NULL AND made_at < :before
      AND preserved(msisdn_token) IS NOT TRUE
    LIMIT 10000 FOR NO KEY UPDATE SKIP LOCKED
)
""").bindparams(sa.bindparam("before", type_=_STAMP))
FORGET_RECEIPTS = sa.text("DELETE FROM receipt WHERE at < :before").bindparams(
    sa.bindparam("before", type_=_STAMP)
)


def rules_of(settings: Settings) -> Rules:
    """What the settings say of what was not taken."""
    return Rules(settings.sending_refusals, timedelta(seconds=settings.sms_unknown_seconds))


async def leases_out(session: AsyncSession, rules: Rules) -> int:
    """Messages whose lease ran out: their parts without an outcome are unknown; how many messages."""
    now = clock.now()
    held = await _held(session, LEASE_OUT, now)
    if held:
        await session.execute(MAY_HAVE_GONE, {"ids": list(held), "now": now})
        await roll_up(session, dict(held), rules)
    return len(held)


async def unanswered(session: AsyncSession, rules: Rules, resends: int) -> int:
    """Messages whose unknown parts were waited for long enough: sent again, at most `resends` times and not
    after their time; or left unknown, which settles them. How many messages.
    """
    now = clock.now()
    held = await _held(session, UNANSWERED, now)
    if held:
        await session.execute(AGAIN, {"ids": list(held), "now": now, "resends": resends})
        await roll_up(session, dict(held), rules)
        await session.execute(LEFT_UNKNOWN, {"ids": list(held), "now": now})
    return len(held)


async def expired(session: AsyncSession, rules: Rules) -> int:
    """Messages that did not leave before their time was over; how many."""
    now = clock.now()
    held = await _held(session, TOO_LATE, now)
    if held:
        await session.execute(EXPIRED, {"ids": list(held), "now": now})
        await roll_up(session, dict(held), rules)
    return len(held)


async def not_heard_of(session: AsyncSession, patience: timedelta) -> int:
    """Messages that were taken, and of which no receipt came in `patience` and by an hour after their time:
    they are settled as sent; how many.
    """
    now = clock.now()
    given = {"now": now, "before": now - patience, "over": now - GRACE, "most": BATCH}
    done = await session.execute(NOT_HEARD_OF, given)
    return int(done.rowcount)  # type: ignore[attr-defined]


async def forget(session: AsyncSession, kept: timedelta) -> int:
    """Remove what messages said when they have been settled for so long, some thousand at a time, and
    receipts of that age; of how many messages.
    """
    before = clock.now() - kept
    gone = await session.execute(FORGET, {"before": before})
    await session.execute(FORGET_RECEIPTS, {"before": before})
    return int(gone.rowcount)  # type: ignore[attr-defined]


async def _held(session: AsyncSession, query: sa.TextClause, now: datetime) -> dict[uuid.UUID, int]:
    rows = await session.execute(query, {"now": now, "most": BATCH})
    return {row.id: row.attempts for row in rows}
