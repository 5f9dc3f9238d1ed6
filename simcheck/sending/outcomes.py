"""What came of parts is recorded, many at once, and their messages follow.

An outcome belongs to a claim. One that comes when the claim is over says something only if the part was
taken: that is true whenever it is heard.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.sending.ids import key_of

# Seconds before what was refused for now is tried again; the last holds for all that follow.
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
RELEASED = 1.0  # seconds before what nobody could take is claimed again

_STAMP = sa.TIMESTAMP(timezone=True)
# Everybody who changes parts holds their messages first, in one order: so that nobody rolls up an old state.
HOLD = sa.text("SELECT id FROM message WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE").bindparams(
    sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid()))
)
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "message_id": sa.Uuid(), "number": sa.SmallInteger(), "attempt": sa.Integer(), "what": sa.Text(),
    "link": sa.Text(), "smsc_id": sa.Text(), "smsc_key": sa.Text(), "failure": sa.Text(),
    "submitted_at": _STAMP, "answered_at": _STAMP,
}  # fmt: skip
RECORD = sa.text(f"""
UPDATE message_part AS part SET
    state = CASE
        WHEN told.what = 'taken' AND part.state IN ('due', 'unknown') THEN 'sent'
        WHEN told.what = 'taken' OR part.state <> 'due' OR NOT told.counts THEN part.state
        WHEN told.what = 'unknown' THEN 'unknown'
        WHEN told.what = 'failed' OR told.what = 'refused' AND part.refusals >= :refusals THEN 'failed'
        ELSE part.state END,
    attempts = part.attempts + (told.what <> 'released' AND told.submitted_at IS NOT NULL)::integer,
    refusals = part.refusals + (told.what = 'refused' AND told.counts)::integer,
    link = coalesce(told.link, part.link),
    smsc_id = CASE WHEN told.what = 'taken' THEN coalesce(told.smsc_id, part.smsc_id) ELSE part.smsc_id END,
    smsc_key = CASE WHEN told.what = 'taken' THEN coalesce(told.smsc_key, part.smsc_key)
        ELSE part.smsc_key END,
    submitted_at = coalesce(told.submitted_at, part.submitted_at),
    answered_at = coalesce(told.answered_at, part.answered_at),
    failure = CASE WHEN told.what = 'taken' THEN NULL WHEN told.counts THEN told.failure
        ELSE part.failure END,
    done_at = CASE WHEN told.what = 'failed' AND told.counts THEN :at ELSE part.done_at END
FROM (
    SELECT given.*, message.state = 'sending' AND message.attempts = given.attempt AS counts
    FROM unnest({", ".join(f":{name}" for name in _COLUMNS)}) AS given ({", ".join(_COLUMNS)})
    JOIN message ON message.id = given.message_id
) AS told
WHERE part.message_id = told.message_id AND part.number = told.number
""").bindparams(  # noqa: S608
    *(sa.bindparam(name, type_=pg.ARRAY(kind)) for name, kind in _COLUMNS.items()),
    sa.bindparam("at", type_=_STAMP), sa.bindparam("refusals", type_=sa.Integer()),
)  # fmt: skip
# A message's state out of its parts'. While it is in hand it stays so, unless this is the end of that claim.
# What is due again waits, longer with every refusal; what is unknown waits for its receipt.
ROLL_UP = sa.text("""
WITH given AS (
    SELECT * FROM unnest(:ids, :attempts) AS each (id, attempt)
), parts AS (
    SELECT message_id,
        CASE WHEN bool_or(state = 'due') THEN 'due' WHEN bool_or(state = 'unknown') THEN 'unknown'
            WHEN bool_or(state = 'failed') THEN 'failed' WHEN bool_or(state = 'expired') THEN 'expired'
            WHEN bool_or(state = 'sent') THEN 'sent' WHEN bool_and(state = 'cancelled') THEN 'cancelled'
            ELSE 'delivered' END AS state,
        max(refusals) FILTER (WHERE state = 'due') AS refusals, min(failure) AS failure, max(link) AS link
    FROM message_part WHERE message_id IN (SELECT id FROM given) GROUP BY message_id
)
UPDATE message SET
    state = parts.state, failure = parts.failure, link = coalesce(parts.link, message.link), changed_at = :at,
    due_at = CASE parts.state
        WHEN 'due' THEN CASE WHEN message.state = 'sending' THEN :at + make_interval(secs => CASE
            WHEN parts.refusals > 0 THEN (:pauses)[least(parts.refusals, array_length(:pauses, 1))]
            ELSE :released END) ELSE message.due_at END
        WHEN 'unknown' THEN CASE WHEN message.state = 'unknown' THEN message.due_at ELSE :unknown_until END
        ELSE message.due_at END,
    settled_at = CASE WHEN parts.state IN ('delivered', 'failed', 'expired', 'cancelled')
        THEN coalesce(message.settled_at, :at) ELSE message.settled_at END
FROM given JOIN parts ON parts.message_id = given.id
WHERE message.id = given.id AND message.state <> 'cancelled'
  AND (message.state <> 'sending' OR message.attempts = given.attempt)
""").bindparams(
    sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), sa.bindparam("attempts", type_=pg.ARRAY(sa.Integer())),
    sa.bindparam("pauses", type_=pg.ARRAY(sa.Double())), sa.bindparam("released", type_=sa.Double()),
    sa.bindparam("at", type_=_STAMP), sa.bindparam("unknown_until", type_=_STAMP),
)  # fmt: skip


class What(StrEnum):
    """What came of a part: taken, refused for good or for now, perhaps gone, or given back unsent."""

    TAKEN = "taken"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a part at a claim. `submitted_at` is None where it never left."""

    message_id: uuid.UUID
    number: int
    attempt: int
    what: What
    link: str | None = None
    smsc_id: str | None = None
    failure: str | None = None
    submitted_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What is done with what was not taken: how often it is tried again, how long a silence is waited out."""

    refusals: int
    unknown: timedelta


async def record(
    session: AsyncSession,
    outcomes: Sequence[Outcome],
    ended: Sequence[tuple[uuid.UUID, int]],
    rules: Rules,
) -> None:
    """Record what came of parts, at most one outcome a part; `ended` are the claims (message, attempt) that
    are over with them. May be done again.
    """
    messages = {each.message_id for each in outcomes} | {message for message, _ in ended}
    await session.execute(HOLD, {"ids": list(messages)})
    if outcomes:
        rows = [_row(each) for each in outcomes]
        columns = {name: [row[at] for row in rows] for at, name in enumerate(_COLUMNS)}
        await session.execute(RECORD, {**columns, "at": clock.now(), "refusals": rules.refusals})
    over = dict(ended)
    await roll_up(session, {message: over.get(message) for message in messages}, rules)


async def roll_up(session: AsyncSession, messages: dict[uuid.UUID, int | None], rules: Rules) -> None:
    """Let messages follow their parts; with the number of a claim, also one that is in hand by it."""
    at = clock.now()
    await session.execute(
        ROLL_UP,
        {
            "ids": list(messages), "attempts": list(messages.values()), "pauses": list(PAUSES),
            "released": RELEASED, "at": at, "unknown_until": at + rules.unknown,
        },
    )  # fmt: skip


async def hold(session: AsyncSession, messages: Collection[uuid.UUID]) -> None:
    """Be alone with messages, before their parts are changed."""
    await session.execute(HOLD, {"ids": list(messages)})


def _row(outcome: Outcome) -> tuple[Any, ...]:
    smsc_id = outcome.smsc_id or None
    return (
        outcome.message_id, outcome.number, outcome.attempt, outcome.what.value, outcome.link, smsc_id,
        key_of(smsc_id) if smsc_id else None, outcome.failure, outcome.submitted_at, outcome.answered_at,
    )  # fmt: skip
