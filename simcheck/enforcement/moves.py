"""What orders do to clocks: a step is reached when it was carried out, and restored when it was undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.db.engine import actor_of
from simcheck.enforcement.words import Step

_STAMP = sa.TIMESTAMP(timezone=True)
_GIVEN = """given AS (
    SELECT * FROM unnest(:carriers, :tokens, :moments) AS each (carrier, msisdn_token, at)
)"""
_TOLD = """
INSERT INTO clock_event (carrier, msisdn_token, case_id, at, kind, step, actor)
SELECT carrier, msisdn_token, case_id, at, '{kind}', :step, :actor FROM moved
"""
_HERE = "clock.carrier = given.carrier AND clock.msisdn_token = given.msisdn_token"
_TYPES = (
    sa.bindparam("carriers", type_=pg.ARRAY(sa.Text())), sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())),
    sa.bindparam("moments", type_=pg.ARRAY(_STAMP)), sa.bindparam("step", type_=sa.SmallInteger()),
)  # fmt: skip
# A handset was changed again after that was done which a carrier tells of now: the change counts (`changes`).
_PASSED = "case_id IS NULL AND event_at > given.at"
# What was done is true of clocks that stand still or are over, too: it has to be undone then.
REACH = sa.text(f"""
WITH {_GIVEN}, moved AS (
    UPDATE clock SET step = :step, step_at = given.at, proven = false, next_step = NULL,
        next_at = NULL, looked_at = NULL, reckoned = ended_at IS NOT NULL, version = version + 1,
        shift = CASE WHEN {_PASSED} THEN event_at - given.at ELSE '0' END,
        started_at = CASE WHEN {_PASSED} THEN greatest(started_at, event_at) ELSE started_at END,
        notice_days = CASE WHEN {_PASSED} THEN 0 ELSE notice_days END,
        told_at = CASE WHEN NOT ({_PASSED}) THEN told_at END,
        warned_at = CASE WHEN NOT ({_PASSED}) THEN warned_at END,
        paused_at = CASE WHEN paused_at IS NOT NULL THEN greatest(paused_at, given.at) END
    FROM given WHERE {_HERE} AND step < :step
    RETURNING clock.carrier, clock.msisdn_token, case_id, given.at
)
{_TOLD.format(kind="reached")}
""").bindparams(*_TYPES)  # noqa: S608  (no input of anybody)
# An open case begins anew: nobody is cut off again by what counted before.
RESTORE = sa.text(f"""
WITH {_GIVEN}, moved AS (
    UPDATE clock SET step = 0, step_at = NULL, reckoned = ended_at IS NOT NULL, version = version + 1,
        shift = CASE WHEN ended_at IS NULL THEN '0' ELSE shift END,
        started_at = CASE WHEN ended_at IS NULL THEN greatest(started_at, given.at) ELSE started_at END,
        paused_at = CASE WHEN paused_at IS NOT NULL THEN greatest(paused_at, started_at, given.at) END,
        notice_days = CASE WHEN ended_at IS NULL THEN 0 ELSE notice_days END,
        told_at = CASE WHEN ended_at IS NOT NULL THEN told_at END,
        warned_at = CASE WHEN ended_at IS NOT NULL THEN warned_at END,
        proven = false, next_step = NULL, next_at = NULL, looked_at = NULL
    FROM given WHERE {_HERE} AND step > 0
    RETURNING clock.carrier, clock.msisdn_token, case_id, given.at
)
{_TOLD.format(kind="restored")}
""").bindparams(*_TYPES)  # noqa: S608


# An appeal was upheld before anything was done: the clock begins anew, and what was proved counts no more.
# What a change of handset began is over. What was done is undone by its restoration.
RESET = sa.text("""
WITH moved AS (
    UPDATE clock SET started_at = :at, shift = '0', notice_days = 0, told_at = NULL, warned_at = NULL,
        proven = false, next_step = NULL, next_at = NULL, looked_at = NULL, reckoned = false,
        paused_at = CASE WHEN paused_at IS NOT NULL THEN :at END, version = version + 1
    WHERE carrier = :carrier AND msisdn_token = :token AND ended_at IS NULL AND step = 0
      AND case_id IS NOT NULL
    RETURNING carrier, msisdn_token, case_id
)
INSERT INTO clock_event (carrier, msisdn_token, case_id, at, kind, actor)
SELECT carrier, msisdn_token, case_id, :at, 'reset', :actor FROM moved
""").bindparams(sa.bindparam("at", type_=_STAMP))
END = sa.text("""
WITH moved AS (
    UPDATE clock SET ended_at = :at, end_reason = 'upheld', paused_at = NULL, proven = false,
        next_step = NULL, next_at = NULL, reckoned = true, version = version + 1
    WHERE carrier = :carrier AND msisdn_token = :token AND ended_at IS NULL AND case_id IS NULL
    RETURNING carrier, msisdn_token, end_reason
)
INSERT INTO clock_event (carrier, msisdn_token, at, kind, detail, actor)
SELECT carrier, msisdn_token, :at, 'ended', jsonb_build_object('reason', end_reason), :actor FROM moved
""").bindparams(sa.bindparam("at", type_=_STAMP))


class Done(NamedTuple):
    """What a carrier did to a subscription, and when."""

    carrier: str
    msisdn_token: bytes
    at: datetime


async def reached(session: AsyncSession, step: Step, done: Sequence[Done]) -> int:
    """Note that an act was carried out; how many clocks had not come so far. What follows is reckoned by the
    next sweep (`follow.reckon`): until then nothing is due.
    """
    return await _move(session, REACH, step, done)


async def restored(session: AsyncSession, done: Sequence[Done]) -> int:
    """Note that everything was undone; of how many clocks something had been reached."""
    return await _move(session, RESTORE, None, done)


async def upheld(session: AsyncSession, done: Done) -> None:
    """Let a clock begin anew, or be over, because an appeal was upheld."""
    given = {
        "carrier": done.carrier, "token": done.msisdn_token, "at": done.at, "actor": actor_of(session),
    }  # fmt: skip
    await session.execute(RESET, given)
    await session.execute(END, given)


async def _move(
    session: AsyncSession, statement: sa.TextClause, step: Step | None, done: Sequence[Done]
) -> int:
    words = {
        "carriers": [each.carrier for each in done], "tokens": [each.msisdn_token for each in done],
        "moments": [each.at for each in done], "step": None if step is None else int(step),
        "actor": actor_of(session),
    }  # fmt: skip
    moved = await session.execute(statement, words)
    return int(moved.rowcount)  # type: ignore[attr-defined]
