"""Clocks go with their cases, with notices and with what carriers tell: a few statements for all of them.

So nothing that moves a case has to know of clocks, and nothing is lost when a job is. Done twice, nothing
changes. Every statement writes into the history what it did (`machine.fold` makes the same of it).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.db.engine import actor_of
from simcheck.enforcement import changes, columns, fragments, proofs, store, triggers
from simcheck.enforcement.stops.standing import STOPPED
from simcheck.enforcement.triggers import EVENT_AT, HELD, RULE, START, TRIGGER
from simcheck.notices.tracks import hashing

MOST = 50_000  # clocks of a statement
LOOK_BACK = timedelta(days=2)  # how long an event that came is looked for: an outage of the workers
_STAMP = sa.TIMESTAMP(timezone=True)
_AT = sa.bindparam("at", type_=_STAMP)
# Every open case of which something is wrong that its holder answers for, whose turn it is, and who was told.
BEGIN = sa.text(f"""
WITH {RULE}, triggered AS (
    SELECT id AS case_id, carrier, msisdn_token, province, state, decided_at, changed_at, {TRIGGER} AS trigger
    FROM "case" WHERE closed_at IS NULL AND NOT held
), placed AS (
    SELECT triggered.*, track, :version AS policy_version, {EVENT_AT} AS event_at, {START} AS started_at
    FROM triggered JOIN rule USING (trigger)
    LEFT JOIN (SELECT case_id, first_at FROM notice_track WHERE state <> 'ended') AS told USING (case_id)
    WHERE rule.runs_in ? triggered.state
), wanted AS (
    SELECT placed.* FROM placed LEFT JOIN clock USING (carrier, msisdn_token)
    WHERE placed.started_at <= :at AND (clock.carrier IS NULL OR {fragments.ANEW})
    LIMIT :most
) {fragments.BEGIN}
""").bindparams(_AT)  # noqa: S608  (no input of anybody)
END = sa.text(f"""
WITH over AS (
    SELECT clock.carrier, clock.msisdn_token, close_reason FROM clock JOIN "case" ON "case".id = case_id
    WHERE ended_at IS NULL AND closed_at IS NOT NULL LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    {fragments.OVER.format(reason="over.close_reason")}
    FROM over WHERE {fragments.SUBSCRIPTION.format("over")} RETURNING clock.*
) {fragments.END}
""").bindparams(_AT)  # noqa: S608
# A case that is open again while something holds that was ordered: its clock goes on from there, and begins
# anew as after a dispute. What is undone by then has another clock.
REOPEN = sa.text(f"""
WITH again AS (
    SELECT clock.carrier, clock.msisdn_token FROM clock JOIN "case" ON "case".id = case_id
    WHERE ended_at IS NOT NULL AND closed_at IS NULL AND step IN (1, 2) AND end_reason <> 'gone'
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    UPDATE clock SET ended_at = NULL, end_reason = NULL, started_at = :at, paused_at = NULL,
        shift = greatest(:at - step_at, '0'), notice_days = 0, told_at = NULL, warned_at = NULL,
        looked_at = NULL, reckoned = false, version = version + 1
    FROM again WHERE {fragments.SUBSCRIPTION.format("again")} RETURNING clock.*
)
{fragments.TOLD.format(kind="reset", detail="jsonb_build_object('reopened', true)")}
""").bindparams(_AT)  # noqa: S608
_STOPPED = STOPPED.format(now=":at")
# Something stands in the way of orders for which the track lets clocks stand still.
_STANDS = "coalesce(pauses_for ?| whys, false)"
# A handset that was changed is no case.
_MAY_RUN = """(case_id IS NULL OR NOT held AND runs_in ? "case".state) AND NOT """ + _STANDS
# Somebody else has to act, staff hold the case, or somebody objects. Where the track says so, the clock
# begins again after it: it counts from here, and stands still.
PAUSE = sa.text(f"""
WITH {HELD}, {_STOPPED}, halted AS (
    SELECT clock.carrier, clock.msisdn_token, coalesce(resets ? "case".state, false) AS resets FROM clock
    LEFT JOIN "case" ON "case".id = case_id JOIN own USING (policy_version, track)
    LEFT JOIN stopped ON {fragments.SUBSCRIPTION.format("stopped")}
    WHERE ended_at IS NULL AND paused_at IS NULL AND closed_at IS NULL AND NOT ({_MAY_RUN})
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    UPDATE clock SET paused_at = :at, reckoned = false, version = version + 1,
        started_at = CASE WHEN resets THEN :at ELSE started_at END,
        shift = CASE WHEN NOT resets THEN shift ELSE greatest(coalesce(:at - step_at, '0'), '0') END,
        notice_days = CASE WHEN resets THEN 0 ELSE notice_days END,
        told_at = CASE WHEN NOT resets THEN told_at END, warned_at = CASE WHEN NOT resets THEN warned_at END
    FROM halted WHERE {fragments.SUBSCRIPTION.format("halted")} RETURNING clock.*, resets
), reset AS (
    {fragments.TOLD.format(kind="reset", detail="'{}'")} WHERE resets
)
{fragments.TOLD.format(kind="paused", detail="'{}'")}
""").bindparams(_AT)  # noqa: S608
RESUME = sa.text(f"""
WITH {HELD}, {_STOPPED}, back AS (
    SELECT clock.carrier, clock.msisdn_token FROM clock
    LEFT JOIN "case" ON "case".id = case_id JOIN own USING (policy_version, track)
    LEFT JOIN stopped ON {fragments.SUBSCRIPTION.format("stopped")}
    WHERE ended_at IS NULL AND paused_at IS NOT NULL AND closed_at IS NULL AND {_MAY_RUN}
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    UPDATE clock SET paused_at = NULL, shift = shift + (:at - paused_at), reckoned = false,
        version = version + 1
    FROM back WHERE {fragments.SUBSCRIPTION.format("back")} RETURNING clock.*
)
{fragments.TOLD.format(kind="resumed", detail="'{}'")}
""").bindparams(_AT)  # noqa: S608
# A case that has become another's business goes on that track, from its start there: what was told before it
# did counts no more, what was ordered stays.
SWITCH = sa.text(f"""
WITH {RULE}, {HELD}, triggered AS (
    SELECT clock.carrier, clock.msisdn_token, clock.case_id, state, decided_at, changed_at,
        {TRIGGER} AS trigger
    FROM clock JOIN "case" ON "case".id = clock.case_id JOIN own USING (policy_version, track)
    WHERE ended_at IS NULL AND closed_at IS NULL AND NOT runs_in ? "case".state
), placed AS (
    SELECT triggered.*, rule.track, {EVENT_AT} AS event_at, {START} AS start
    FROM triggered JOIN rule USING (trigger)
    LEFT JOIN (SELECT case_id, first_at FROM notice_track WHERE state <> 'ended') AS told USING (case_id)
    WHERE rule.runs_in ? triggered.state
), other AS (
    SELECT placed.*, CASE WHEN placed.event_at IS NULL THEN greatest(start, changed_at) ELSE start END
        AS started_at
    FROM placed JOIN clock USING (carrier, msisdn_token)
    WHERE placed.track <> clock.track AND start <= :at
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    UPDATE clock SET trigger = other.trigger, track = other.track, policy_version = :version,
        started_at = other.started_at, event_at = coalesce(other.event_at, clock.event_at),
        shift = CASE step WHEN 0 THEN '0' ELSE shift END,
        paused_at = CASE WHEN step = 0 AND paused_at IS NOT NULL THEN :at ELSE paused_at END,
        notice_days = 0, told_at = NULL, warned_at = NULL, reckoned = false, version = version + 1
    FROM other WHERE {fragments.SUBSCRIPTION.format("other")} RETURNING clock.*
)
{fragments.TOLD.format(kind="switched", detail=fragments.STARTED)}
""").bindparams(_AT)  # noqa: S608
# A clock stands where its subscription does, as its case does. Nothing is reckoned from it.
MOVE = sa.text(f"""
WITH moved AS (
    SELECT clock.carrier, clock.msisdn_token, "case".province FROM clock
    JOIN "case" ON "case".id = case_id
    WHERE ended_at IS NULL AND closed_at IS NULL AND "case".province IS DISTINCT FROM clock.province
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
)
UPDATE clock SET province = moved.province FROM moved WHERE {fragments.SUBSCRIPTION.format("moved")}
""")  # noqa: S608
# A policy for clocks that run already takes them over as they are, where it knows their track.
ADOPT = sa.text(f"""
WITH older AS (
    SELECT carrier, msisdn_token FROM clock
    WHERE ended_at IS NULL AND (policy_version < :version OR policy_version > :version)
      AND track = ANY(:tracks)
    LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
    UPDATE clock SET policy_version = :version, reckoned = false, version = version + 1
    FROM older WHERE {fragments.SUBSCRIPTION.format("older")} RETURNING clock.*
)
{
    fragments.TOLD.format(
        kind="switched",
        detail="jsonb_build_object('version', policy_version, 'track', track, 'trigger', trigger)",
    )
}
""").bindparams(_AT)  # noqa: S608


# Which of the statements above would find anything: one join instead of four, where nothing has changed. What
# is switched may have to go on.
LOOK = sa.text(f"""
WITH {HELD}, {_STOPPED}, met AS (
    SELECT ended_at IS NULL AS runs, closed_at IS NOT NULL AS over, paused_at IS NOT NULL AS stands,
        closed_at IS NULL AND {_MAY_RUN} AS may_run,
        case_id IS NOT NULL AND closed_at IS NULL AND NOT runs_in ? state AND state = ANY(:running)
            AS elsewhere,
        case_id IS NOT NULL AND closed_at IS NULL AS is_open,
        case_id IS NOT NULL AND closed_at IS NULL AND "case".province IS DISTINCT FROM clock.province
            AS away
    FROM clock LEFT JOIN "case" ON "case".id = case_id JOIN own USING (policy_version, track)
    LEFT JOIN stopped ON {fragments.SUBSCRIPTION.format("stopped")}
    WHERE ended_at IS NULL OR step IN (1, 2)
)
SELECT coalesce(bool_or(over AND runs), false) AS end, coalesce(bool_or(elsewhere), false) AS switch,
       coalesce(bool_or(is_open AND NOT runs), false) AS reopen,
       coalesce(bool_or(runs AND NOT over AND NOT may_run AND NOT stands), false) AS pause,
       coalesce(bool_or(may_run AND stands OR elsewhere), false) AS resume,
       coalesce(bool_or(away), false) AS move
FROM met
""").bindparams(_AT, sa.bindparam("running", type_=pg.ARRAY(sa.Text())))  # noqa: S608
# What begins with few rows, and finds the others by an index.
_NARROW = (changes.BEGIN, changes.RENEW, changes.END)


async def idle(session: AsyncSession) -> frozenset[str]:
    """The names of those of `STEPS` that would find nothing to do, as far as cases are concerned."""
    policies = (await store.policies(session)).values()
    states = {state for policy in policies for track in policy.tracks for state in track.runs_in}
    words = {**triggers.held(policies), "running": sorted(states), "at": clock.now()}
    async with hashing(session):
        [row] = (await session.execute(LOOK, words)).mappings()
    return frozenset(name for name, found in row.items() if not found)


async def end(session: AsyncSession) -> int:
    """Stop the clocks of closed cases, at most `MOST`; how many there were."""
    return await _moved(session, END, {})


async def end_device(session: AsyncSession) -> int:
    """Stop clocks that a changed handset began and a face check answers, at most `MOST`; how many."""
    return await _moved(session, changes.END, triggers.held((await store.policies(session)).values()))


async def renew_device(session: AsyncSession) -> int:
    """Let clocks of changed handsets know of newer changes that carriers told lately, at most `MOST`; how
    many.
    """
    return await _moved(session, changes.RENEW, {"since": clock.now() - LOOK_BACK})


async def reopen(session: AsyncSession) -> int:
    """Let clocks go on whose cases are open again before anything was undone, at most `MOST`; how many."""
    return await _moved(session, REOPEN, {})


async def switch(session: AsyncSession) -> int:
    """Put clocks on another track where their cases have become another's business, at most `MOST`."""
    return await _under_policy(session, SWITCH)


async def pause(session: AsyncSession) -> int:
    """Halt the clocks of cases that are not their holders' to move now, at most `MOST`; how many."""
    return await _moved(session, PAUSE, triggers.held((await store.policies(session)).values()))


async def resume(session: AsyncSession) -> int:
    """Let clocks go on whose cases are back, at most `MOST`; how many there were."""
    return await _moved(session, RESUME, triggers.held((await store.policies(session)).values()))


async def move(session: AsyncSession) -> int:
    """Let clocks be in the provinces of their subscriptions, at most `MOST`; how many had moved."""
    return await _moved(session, MOVE, {})


async def begin(session: AsyncSession) -> int:
    """Start the clocks of cases whose holders have been told, at most `MOST`; none without a policy."""
    return await _under_policy(session, BEGIN)


async def begin_device(session: AsyncSession) -> int:
    """Start clocks by changes of handsets that carriers told lately, at most `MOST`."""
    return await _under_policy(session, changes.BEGIN, {"since": clock.now() - LOOK_BACK})


async def adopt(session: AsyncSession) -> int:
    """Bring clocks under the policy in force, where that is for those that run already; at most `MOST`."""
    policy = await store.in_force(session)
    if policy is None or policy.applies != "open":
        return 0
    words = {"version": policy.version, "tracks": [track.id for track in policy.tracks]}
    return await _moved(session, ADOPT, words)


async def reckon(session: AsyncSession) -> int:
    """Reckon what happened to clocks, at most `columns.MOST`; how many there were."""
    return await columns.reckon(session, await store.policies(session))


async def prove(session: AsyncSession) -> int:
    """Look at what holders were told, of clocks that are due by their time; at most `proofs.MOST`."""
    return await proofs.look(session)


# In this order: what is over ends before anything begins, and is reckoned last.
STEPS: tuple[tuple[Callable[[AsyncSession], Awaitable[int]], int], ...] = (
    (end, MOST), (end_device, MOST), (reopen, MOST), (renew_device, MOST), (switch, MOST), (pause, MOST),
    (resume, MOST), (move, MOST), (adopt, MOST),
    (begin, MOST), (begin_device, MOST), (reckon, columns.MOST), (prove, proofs.MOST), (reckon, columns.MOST),
)  # fmt: skip


async def _under_policy(
    session: AsyncSession, statement: sa.TextClause, more: Mapping[str, Any] | None = None
) -> int:
    """Go by the policy in force; without one, nothing happens."""
    policy = await store.in_force(session)
    if policy is None:
        return 0
    known = triggers.held((await store.policies(session)).values())
    return await _moved(
        session, statement, {**triggers.words(policy, store.today()), **known, **(more or {})}
    )


async def _moved(session: AsyncSession, statement: sa.TextClause, words: Mapping[str, Any]) -> int:
    given = {"at": clock.now(), "actor": actor_of(session), "most": MOST, **words}
    if statement in _NARROW:
        moved = await session.execute(statement, given)
    else:
        async with hashing(session):
            moved = await session.execute(statement, given)
    return int(moved.rowcount)  # type: ignore[attr-defined]
