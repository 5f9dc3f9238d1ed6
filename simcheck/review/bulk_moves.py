"""A decision about many cases, carried out a batch at a time: a handful of statements for some thousand.

A batch is one transaction: which cases it took, what became of each, history, audit and the webhooks' word
stand together or not at all, so that a worker may die anywhere and no case is decided twice. The moves are
those of `cases.states.MOVES`, and what they do to a case is what `cases.decide` does to one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock, faults
from simcheck.cases import targets
from simcheck.cases.models import Acts, Case
from simcheck.cases.states import ACTS, MOVES, OF_PERSONS, Move, State, Who
from simcheck.db.engine import actor_of
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Verdict
from simcheck.review import double, filters, words
from simcheck.review.models import BulkCase, BulkProposal, BulkState
from simcheck.service import Service
from simcheck.webhooks import notify


class Outcome(StrEnum):
    """What a bulk decision does with a case: all but `DECIDED` leave it alone, and say why."""

    DECIDED = "decided"
    CLOSED = "closed"
    CHANGED = "changed"
    PENDING = "pending"
    CLAIMED = "claimed"
    LEFT = "left"
    DISPUTED = "disputed"
    HELD = "held"
    NO_MOVE = "no_move"


class Went(NamedTuple):
    """What a batch did: cases by outcome; whether any are left; `busy`: those that are left are held by a run
    or by somebody at this moment.
    """

    outcomes: Mapping[Outcome, int]
    more: bool
    busy: bool


# No compiler for these few statements.
SETTLE = sa.text("SELECT set_config('jit', 'off', true)")
BEGIN = sa.text("""
CREATE TEMPORARY TABLE bulk_plan (
    id uuid PRIMARY KEY, carrier text, msisdn_token bytea, from_state text, outcome text
) ON COMMIT DROP
""")
TAKE = sa.text("""
INSERT INTO bulk_plan (id, carrier, msisdn_token)
SELECT "case".id, carrier, msisdn_token
FROM bulk_case JOIN "case" ON "case".id = case_id
WHERE proposal_id = :proposal AND outcome IS NULL
ORDER BY case_id LIMIT :most
""")
MEASURE = sa.text("ANALYZE bulk_plan")
# Subscriptions before cases, as people and runs lock them. What they hold now is left for a later batch, so
# that nobody waits for the other in a circle.
LOCK_SUBSCRIPTIONS = sa.text("""
WITH locked AS MATERIALIZED (
    SELECT id FROM bulk_plan JOIN subscription USING (carrier, msisdn_token)
    FOR NO KEY UPDATE OF subscription SKIP LOCKED
)
DELETE FROM bulk_plan
WHERE EXISTS (SELECT FROM subscription WHERE subscription.carrier = bulk_plan.carrier
              AND subscription.msisdn_token = bulk_plan.msisdn_token)
  AND id NOT IN (SELECT id FROM locked)
""")
LOCK_CASES = sa.text("""
WITH locked AS MATERIALIZED (
    SELECT "case".id FROM bulk_plan JOIN "case" ON "case".id = bulk_plan.id
    FOR NO KEY UPDATE OF "case" SKIP LOCKED
)
DELETE FROM bulk_plan WHERE id NOT IN (SELECT id FROM locked)
""")
# What `cases.decide` does to one case. :to is null where the case stays in its state.
MOVE = sa.text(f"""
WITH clocked AS (  -- what is left of the time, and whether it runs on
    SELECT "case".id, facts, coalesce(:to, state) AS to_state, {targets.SEVERITY} AS severity,
        coalesce(CAST(:acts AS text), "case".acts) AS acts,
        coalesce(clock_left, target_at - :at) + {targets.time_sql(f"({targets.SEVERITY})")}
            - {targets.time_sql('"case".severity')} AS rest
    FROM bulk_plan JOIN "case" ON "case".id = bulk_plan.id
    LEFT JOIN (SELECT carrier, msisdn_token, facts FROM subscription) AS declared
        ON declared.carrier = "case".carrier AND declared.msisdn_token = "case".msisdn_token
    WHERE outcome = 'decided'
)
UPDATE "case" SET
    state = to_state, acts = plan.acts, version = version + 1, changed_at = :at,
    due_at = CASE WHEN CAST(:to AS text) IS NULL THEN due_at WHEN :to = :referred THEN :due_at END,
    closed_at = CASE WHEN CAST(:closes AS text) IS NULL THEN closed_at ELSE :at END,
    close_reason = coalesce(:closes, close_reason),
    decision = CASE WHEN :binds THEN :move ELSE decision END,
    decided_by = CASE WHEN :binds THEN :actor ELSE decided_by END,
    decided_at = CASE WHEN :binds THEN :at ELSE decided_at END,
    decided_facts = CASE WHEN :binds THEN plan.facts ELSE decided_facts END,
    contradicted = contradicted AND NOT :binds,
    severity = plan.severity,
    target_at = CASE WHEN to_state <> :closed AND plan.acts = :staff THEN :at + rest END,
    clock_left = CASE WHEN to_state = :closed OR plan.acts <> :staff THEN rest END,
    held = CASE WHEN to_state = :closed THEN false ELSE coalesce(:holds, held) END,
    escalated = escalated AND to_state <> :closed,
    snoozed_until = CASE WHEN to_state <> :closed THEN snoozed_until END,
    claimed_by = NULL, claimed_until = NULL
FROM clocked AS plan
WHERE "case".id = plan.id
""").bindparams(  # noqa: S608  (no input of anybody)
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("due_at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("times", type_=pg.ARRAY(sa.Interval())), sa.bindparam("holds", type_=sa.Boolean()),
    sa.bindparam("binds", type_=sa.Boolean()), sa.bindparam("to", type_=sa.Text()),
    sa.bindparam("closes", type_=sa.Text()), sa.bindparam("move", type_=sa.Text()),
    sa.bindparam("actor", type_=sa.Text()),
)  # fmt: skip
TELL = sa.text("""
INSERT INTO case_event (case_id, carrier, at, actor, move, from_state, to_state, reason, detail)
SELECT "case".id, "case".carrier, :at, :actor, :move, from_state, state, :reason,
       jsonb_build_object('verdict', verdict, 'reasons', reasons, 'who', 'staff',
                          'bulk', CAST(:proposal AS text))
FROM bulk_plan JOIN "case" ON "case".id = bulk_plan.id
WHERE outcome = 'decided'
ORDER BY "case".id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Whoever asks before a one-time code looks at the subscription alone.
CONTEST = sa.text("""
UPDATE subscription SET contested = :contested
FROM bulk_plan
WHERE outcome = 'decided' AND subscription.carrier = bulk_plan.carrier
  AND subscription.msisdn_token = bulk_plan.msisdn_token AND contested <> :contested
""")
SETTLE_CASES = sa.text("""
UPDATE bulk_case SET outcome = bulk_plan.outcome, batch = :batch
FROM bulk_plan WHERE proposal_id = :proposal AND case_id = bulk_plan.id
""")
COUNT = sa.text("SELECT carrier, outcome, count(*) FROM bulk_plan GROUP BY carrier, outcome ORDER BY carrier")
LEFT = sa.text("""
SELECT EXISTS (SELECT FROM bulk_case WHERE proposal_id = :proposal AND outcome IS NULL)
""")
_PLAN = sa.Table(
    "bulk_plan", sa.MetaData(),
    sa.Column("id", sa.Uuid(), primary_key=True), sa.Column("from_state", sa.Text()),
    sa.Column("outcome", sa.Text()),
)  # fmt: skip


def move_of(decision: str) -> Move:
    """The line of the table that a decision of the desk goes by. Raises KeyError for one that is none."""
    name = words.decisions()[decision].move
    return next(each for each in MOVES if each.name == name and Who.STAFF in each.who)


def outcome(proposal: BulkProposal, at: datetime) -> sa.ColumnElement[str]:
    """What becomes of a case (`Case` beside its `BulkCase`) at a moment: the one place that says so, for the
    dry run and for the batches.
    """
    who = proposal.proposed_by.removeprefix("person:")
    move = move_of(proposal.decision)
    fits = filters.read(proposal.query).predicate(who, at)
    rules: list[tuple[sa.ColumnElement[bool], Outcome]] = [
        (Case.closed_at.is_not(None), Outcome.CLOSED),
        (Case.version != BulkCase.version, Outcome.CHANGED),
        (Case.pending.is_(True), Outcome.PENDING),
        (sa.and_(Case.claimed_until.is_not(None), Case.claimed_until > at, Case.claimed_by != who),
         Outcome.CLAIMED),
        (~fits, Outcome.LEFT),
        (Case.state.not_in([state.value for state in move.start if state]), Outcome.NO_MOVE),
    ]  # fmt: skip
    if move.binds:  # what both sides say is a matter of one case
        rules.append((Case.state == State.DISPUTED.value, Outcome.DISPUTED))
    if move.holds is not None:
        rules.append((Case.held == sa.literal(move.holds), Outcome.NO_MOVE))
    if move.name == "suspend":
        rules.append((Case.held.is_(True), Outcome.HELD))
    return sa.case(*((when, then.value) for when, then in rules), else_=Outcome.DECIDED.value)


async def batch(session: AsyncSession, service: Service, proposal_id: uuid.UUID) -> Went | None:
    """Decide the next cases of an approved proposal; None where it is none (any more).

    The transaction is the proposer's: it is their decision. Whoever stops the proposal waits for the batch.
    """
    proposal = await session.get(
        BulkProposal, proposal_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if proposal is None or proposal.state != BulkState.APPROVED:
        return None
    at, key = clock.now(), {"proposal": proposal_id}
    await session.execute(SETTLE)
    await session.execute(BEGIN)
    await session.execute(TAKE, {**key, "most": service.settings.bulk_batch})
    await session.execute(MEASURE)
    await session.execute(LOCK_SUBSCRIPTIONS)
    await session.execute(LOCK_CASES)
    await session.execute(
        sa.update(_PLAN)
        .values(from_state=Case.state, outcome=outcome(proposal, at))
        .where(Case.id == _PLAN.c.id, BulkCase.case_id == _PLAN.c.id, BulkCase.proposal_id == proposal_id)
    )
    number = proposal.batches + 1
    counts = await _counted(session)
    if counts:
        await double.draw_many(session, service, proposal, at)
        await _decide(session, service, proposal, at)
        await session.execute(SETTLE_CASES, {**key, "batch": number})
        await _tell(session, proposal, number, counts)
    faults.point("bulk batch")
    total = {each: sum(c.get(each, 0) for c in counts.values()) for each in Outcome}
    proposal.batches = number if counts else proposal.batches
    proposal.decided += total[Outcome.DECIDED]
    proposal.skipped += sum(total.values()) - total[Outcome.DECIDED]
    more = bool(await session.scalar(LEFT, key))
    if not more:
        proposal.state, proposal.settled_at = BulkState.DONE, at
        said = {"decided": proposal.decided, "skipped": proposal.skipped}
        audit.record(session, "bulk.done", f"bulk/{proposal_id}", said)
    await session.flush()
    return Went({each: count for each, count in total.items() if count}, more, more and not counts)


async def _decide(session: AsyncSession, service: Service, proposal: BulkProposal, at: datetime) -> None:
    """Move the cases of the plan that may be, and write it into their history."""
    move, known, actor = move_of(proposal.decision), targets.load(), actor_of(session)
    to = next(iter(move.to), None)
    made = {"at": at, "actor": actor, "move": move.name}
    await session.execute(
        MOVE,
        made | {
            "to": to and to.value, "acts": to and ACTS[to].value, "closes": move.closes and
            move.closes.value, "binds": move.binds is not None, "holds": move.holds,
            "due_at": at + timedelta(days=service.settings.referral_days), "times": list(known.times),
            "grave": known.grave, "mismatch": VERDICTS.index(Verdict.MISMATCH),
            "referred": State.REFERRED.value, "closed": State.CLOSED.value, "staff": Acts.STAFF.value,
        },
    )  # fmt: skip
    if move.binds:
        await session.execute(CONTEST, {"contested": move.name in OF_PERSONS})
    await session.execute(TELL, made | {"reason": proposal.reason, "proposal": str(proposal.id)})


async def _counted(session: AsyncSession) -> dict[str, dict[Outcome, int]]:
    counts: dict[str, dict[Outcome, int]] = {}
    for carrier, found, count in await session.execute(COUNT):
        counts.setdefault(carrier, {})[Outcome(found)] = count
    return counts


async def _tell(
    session: AsyncSession, proposal: BulkProposal, number: int, counts: Mapping[str, Mapping[Outcome, int]]
) -> None:
    """One row of the audit chain (`bulk_case.batch` says which cases), and a word to each carrier."""
    by_carrier = {
        carrier: {each.value: count for each, count in found.items()} for carrier, found in counts.items()
    }
    said = {"batch": number, "decision": proposal.decision, "reason": proposal.reason,
            "approved_by": proposal.approved_by, "cases": by_carrier}  # fmt: skip
    audit.record(session, "bulk.batch", f"bulk/{proposal.id}", said)
    for carrier, found in counts.items():
        if decided := found.get(Outcome.DECIDED):
            told: dict[str, str | int] = {"bulk": str(proposal.id), "decision": proposal.decision}
            subject = f"bulk/{proposal.id}/{number}"
            await notify(session, carrier, "case.changed", subject, told | {"cases": decided})
