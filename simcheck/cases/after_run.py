"""What a run does to cases: in the transaction that publishes it, a handful of statements for all of them.

The publishing job leaves what changed in the temporary table `changed_subscription`, a row a subscription;
here every changed row meets the case that it has, a plan says which move that makes, and the plan is
carried out. Nothing is looked at row by row in Python, and memory does not grow with the rows.

A row of which the register said nothing (REGISTER_UNANSWERED) moves no case: an outage is no mismatch.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases import codes, targets
from simcheck.cases.models import Acts
from simcheck.cases.states import ACTS, BY_HAND, DECIDED, OF_PERSONS, Closed, State, holders_reasons
from simcheck.db.engine import actor_of
from simcheck.matching import rules
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict
from simcheck.webhooks import notify

# Room for sorts and hashes of some hundred thousand rows, and no compiler, for these few statements.
SETTLE = sa.text("SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)")
# The planner knows nothing of a temporary table by itself.
MEASURE = sa.text("ANALYZE changed_subscription")
# Decisions that are being made wait from here on, and are refused as stale; those made before are seen by
# the plan, which is a later statement. People lock in the same order: subscription, then case.
LOCK = sa.text("""
SELECT count(*) FROM (
    SELECT FROM "case"
    JOIN changed_subscription USING (carrier, msisdn_token)
    WHERE closed_at IS NULL OR decided_facts IS NOT NULL
    FOR NO KEY UPDATE OF "case"
) AS locked
""")
# One row for each case that moves, and where to. `stands`: a person's decision holds for this row too.
PLAN = sa.text(f"""
CREATE TEMPORARY TABLE case_plan AS
WITH known AS (  -- the open case of the subscription, else its newest
    SELECT DISTINCT ON (carrier, msisdn_token)
        carrier, msisdn_token, id, state, verdict, reasons, id_token, contract_token, decision, decided_facts,
        close_reason, contradicted, closed_at IS NULL AS is_open
    FROM (
        SELECT "case".* FROM changed_subscription JOIN "case" USING (carrier, msisdn_token)
        WHERE closed_at IS NULL
        UNION ALL
        SELECT "case".* FROM changed_subscription JOIN "case" USING (carrier, msisdn_token)
        WHERE closed_at IS NOT NULL
    ) AS had
    ORDER BY carrier, msisdn_token, closed_at IS NULL DESC, opened_at DESC, changed_at DESC
), met AS (
    SELECT
        now.carrier, now.msisdn_token, now.id_token, now.contract_token, now.province,
        now.new_verdict AS verdict, now.new_reasons AS reasons,
        known.id, known.state, known.decision, known.contradicted, known.is_open,
        now.new_verdict IS NULL AS is_gone,
        now.new_verdict <> :verified AS is_wrong,
        known.decided_facts IS NOT NULL AS is_decided,
        coalesce(known.decision = ANY(:of_persons), false) AS is_of_person,
        known.id_token IS NOT DISTINCT FROM now.id_token AS is_same_person,
        known.close_reason = ANY(:by_hand) AS is_by_hand,
        known.decided_facts IS NOT NULL AND CASE WHEN known.decision = ANY(:of_persons)
            THEN known.id_token IS NOT DISTINCT FROM now.id_token
            ELSE known.decided_facts = now.facts
        END AS stands,
        (known.verdict, known.reasons, known.id_token, known.contract_token) IS DISTINCT FROM
            (now.new_verdict, now.new_reasons, now.id_token, now.contract_token) AS is_other,
        CASE
            WHEN now.new_verdict = :unverifiable THEN :with_staff
            WHEN now.new_verdict = :mismatch AND now.new_reasons & :holders <> 0 THEN :with_holder
            ELSE :with_carrier
        END AS route
    FROM changed_subscription AS now LEFT JOIN known USING (carrier, msisdn_token)
    WHERE told AND (now.new_verdict IS NULL OR now.new_reasons & :unanswered = 0)
), moved AS (
    SELECT met.*, CASE
        WHEN id IS NULL THEN CASE WHEN is_wrong THEN 'opened' END
        WHEN is_gone THEN CASE WHEN is_open THEN 'gone' END
        WHEN is_open AND stands THEN CASE
            WHEN is_of_person AND NOT is_wrong AND NOT contradicted THEN 'contradicted'
            WHEN is_other THEN 'noted'
        END
        WHEN is_open AND NOT is_wrong THEN 'healed'
        WHEN is_open AND state = :referred AND is_decided THEN 'contradicted'
        WHEN is_open THEN CASE WHEN is_other OR is_decided THEN 'changed' END
        WHEN stands AND is_by_hand THEN NULL
        WHEN stands AND (is_wrong OR CAST(:decided AS jsonb) ->> decision <> :closed) THEN 'reopened'
        WHEN NOT is_wrong THEN CASE WHEN is_decided THEN 'lapsed' END
        WHEN is_same_person THEN 'reopened'
        ELSE 'opened'
    END AS move
    FROM met
), placed AS (
    SELECT moved.*, CASE
        WHEN move IN ('healed', 'gone', 'lapsed') THEN :closed
        WHEN move = 'noted' OR (move = 'contradicted' AND stands) THEN state
        WHEN move = 'contradicted' THEN :with_staff
        WHEN move = 'reopened' AND stands THEN CAST(:decided AS jsonb) ->> decision
        WHEN move = 'reopened' AND is_by_hand THEN :with_staff
        ELSE route
    END AS to_state
    FROM moved WHERE move IS NOT NULL
)
SELECT
    CASE move WHEN 'opened' THEN gen_random_uuid() ELSE id END AS id,
    carrier, msisdn_token, id_token, contract_token, province, verdict, reasons, move,
    CASE WHEN move <> 'opened' THEN state END AS from_state,
    to_state, CAST(:acts AS jsonb) ->> to_state AS acts,
    CASE move WHEN 'healed' THEN :agrees WHEN 'gone' THEN :was_gone END AS close_reason,
    stands OR move = 'gone' AS keeps,
    is_of_person AND move <> 'opened' AS is_of_person,
    CASE
        WHEN move = 'contradicted' THEN true
        WHEN move = 'reopened' THEN CASE WHEN stands THEN NOT is_wrong ELSE is_by_hand END
        WHEN move IN ('changed', 'healed') THEN false
    END AS contradicted,
    CASE WHEN verdict IS NOT NULL THEN {targets.SEVERITY} END AS severity
FROM placed
""").bindparams(  # noqa: S608  (no input of anybody)
    sa.bindparam("of_persons", type_=pg.ARRAY(sa.Text())), sa.bindparam("by_hand", type_=pg.ARRAY(sa.Text()))
)
_TIMES = (
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("times", type_=pg.ARRAY(sa.Interval())),
)
# Codes are drawn at random: one that is taken already is left for the next round. In the order of their ids,
# cases fill two of their indexes at one place.
OPEN = sa.text(f"""
WITH drawn AS MATERIALIZED (
    SELECT plan.*, uuid_send(gen_random_uuid()) AS bytes
    FROM case_plan AS plan
    WHERE move = 'opened' AND NOT (:again AND EXISTS (SELECT FROM "case" WHERE "case".id = plan.id))
    ORDER BY id
)
INSERT INTO "case" (id, code, carrier, msisdn_token, id_token, contract_token, state, acts, verdict, reasons,
                    opened_at, changed_at, province, severity, target_at, clock_left)
SELECT id, {codes.sql("bytes")}, carrier, msisdn_token, id_token, contract_token, to_state, acts, verdict,
       reasons, :at, :at, province, severity,
       CASE WHEN acts = :staff THEN :at + {targets.time_sql("severity")} END,
       CASE WHEN acts <> :staff THEN {targets.time_sql("severity")} END
FROM drawn
ON CONFLICT (code) DO NOTHING
""").bindparams(*_TIMES)  # noqa: S608  (no input of anybody)
# Every other move. What was declared last stays in a case whose subscription is gone. What the holder said
# was of the record's person; the desk has no more to do with a closed case, and begins anew with one that is
# back.
MOVE = sa.text(f"""
WITH clocked AS (  -- what is left of the time, and whether it runs on
    SELECT plan.*, plan.to_state <> :closed AND plan.acts = :staff AS runs,
        {targets.time_sql('coalesce(plan.severity, "case".severity)')} + CASE
            WHEN plan.move <> 'reopened' THEN coalesce("case".clock_left, "case".target_at - :at)
                - {targets.time_sql('"case".severity')} ELSE interval '0' END AS rest
    FROM case_plan AS plan JOIN "case" ON "case".id = plan.id
    WHERE plan.move <> 'opened'
)
UPDATE "case" SET
    state = plan.to_state, acts = plan.acts, version = version + 1, changed_at = :at,
    verdict = coalesce(plan.verdict, "case".verdict),
    reasons = coalesce(plan.reasons, "case".reasons),
    id_token = CASE WHEN plan.move = 'gone' THEN "case".id_token ELSE plan.id_token END,
    contract_token = CASE WHEN plan.move = 'gone' THEN "case".contract_token ELSE plan.contract_token END,
    province = CASE WHEN plan.move = 'gone' THEN "case".province ELSE plan.province END,
    closed_at = CASE WHEN plan.to_state <> :closed THEN NULL ELSE coalesce("case".closed_at, :at) END,
    close_reason = CASE WHEN plan.to_state <> :closed THEN NULL
                        ELSE coalesce(plan.close_reason, "case".close_reason) END,
    due_at = CASE WHEN plan.to_state <> :referred THEN NULL
                  WHEN plan.from_state = :referred THEN due_at ELSE :due_at END,
    decided_facts = CASE WHEN plan.keeps THEN decided_facts END,
    contradicted = coalesce(plan.contradicted, "case".contradicted),
    severity = coalesce(plan.severity, "case".severity),
    target_at = CASE WHEN plan.runs THEN :at + plan.rest END,
    clock_left = CASE WHEN NOT plan.runs THEN plan.rest END,
    answer = CASE WHEN plan.move = 'gone' OR plan.keeps
                      OR plan.move <> 'reopened' AND plan.id_token IS NOT DISTINCT FROM "case".id_token
                  THEN answer END,
    held = held AND plan.to_state <> :closed,
    escalated = escalated AND plan.to_state <> :closed,
    snoozed_until = CASE WHEN plan.to_state <> :closed THEN snoozed_until END,
    claimed_by = CASE WHEN plan.to_state <> :closed THEN claimed_by END,
    claimed_until = CASE WHEN plan.to_state <> :closed THEN claimed_until END,
    assignee = CASE WHEN plan.move <> 'reopened' THEN assignee END
FROM clocked AS plan
WHERE "case".id = plan.id
""").bindparams(*_TIMES, sa.bindparam("due_at", type_=sa.TIMESTAMP(timezone=True)))  # noqa: S608
# An open case stands where its subscription does. That moves it nowhere, and no decision rests on it.
PLACE = sa.text("""
UPDATE "case" SET province = now.province
FROM changed_subscription AS now
WHERE now.moved AND "case".carrier = now.carrier AND "case".msisdn_token = now.msisdn_token
  AND "case".closed_at IS NULL AND "case".province IS DISTINCT FROM now.province
""")
TELL = sa.text("""
INSERT INTO case_event (case_id, carrier, at, actor, move, from_state, to_state, detail)
SELECT id, carrier, :at, :actor, move, from_state, to_state,
       jsonb_build_object('run', CAST(:run AS text), 'verdict', verdict, 'reasons', reasons)
FROM case_plan
ORDER BY id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Whoever asks before a one-time code looks at the subscription alone.
CONTEST = sa.text("""
UPDATE subscription SET contested = plan.to_state <> :closed AND plan.keeps
FROM case_plan AS plan
WHERE plan.is_of_person
  AND subscription.carrier = plan.carrier AND subscription.msisdn_token = plan.msisdn_token
  AND contested IS DISTINCT FROM (plan.to_state <> :closed AND plan.keeps)
""")
COUNT = sa.text("SELECT carrier, move, count(*) FROM case_plan GROUP BY carrier, move ORDER BY carrier, move")
FORGET = sa.text("DROP TABLE case_plan")


async def after_run(
    session: AsyncSession, run_id: uuid.UUID, *, referral: timedelta
) -> Mapping[str, Mapping[str, int]]:
    """Open, change, close and reopen the cases of `changed_subscription`: {carrier: {move: how many}}.

    Called once in the transaction that publishes the run, with the ministry's scope (a run changes other
    carriers' claims too), after `subscription` holds what the run found. `referral` is how long the
    register's owner has for a case that comes back to it.
    """
    at = clock.now()
    await session.execute(SETTLE)
    await session.execute(MEASURE)
    await session.execute(LOCK)
    await session.execute(PLAN, _plan_words())
    counts = await _counted(session)
    clock_words: dict[str, object] = {
        "at": at,
        "staff": Acts.STAFF.value,
        "times": list(targets.load().times),
    }
    opening = sum(each.get("opened", 0) for each in counts.values())
    again = False
    while opening > 0:
        opened = await session.execute(OPEN, {**clock_words, "again": again})
        opening, again = opening - opened.rowcount, True  # type: ignore[attr-defined]
    closed, referred = State.CLOSED.value, State.REFERRED.value
    ends = {"due_at": at + referral, "closed": closed, "referred": referred}
    await session.execute(MOVE, {**clock_words, **ends})
    await session.execute(PLACE)
    await session.execute(TELL, {"at": at, "actor": actor_of(session), "run": str(run_id)})
    await session.execute(CONTEST, {"closed": closed})
    await session.execute(FORGET)
    for carrier, moves in counts.items():
        audit.record(session, "case.followed", f"run/{run_id}", dict(moves), stream=f"case/{carrier}")
        await notify(session, carrier, "case.changed", f"run/{run_id}", {"run": str(run_id), **moves})
    return counts


async def _counted(session: AsyncSession) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for carrier, move, count in await session.execute(COUNT):
        counts.setdefault(carrier, {})[move] = count
    return counts


def _plan_words() -> dict[str, object]:
    """What the plan has to know of states, verdicts and reasons."""
    return {
        "verified": VERDICTS.index(Verdict.VERIFIED),
        "mismatch": VERDICTS.index(Verdict.MISMATCH),
        "grave": targets.load().grave,
        "unverifiable": VERDICTS.index(Verdict.UNVERIFIABLE),
        "unanswered": Reason.REGISTER_UNANSWERED.mask,
        "holders": holders_reasons(rules.load()),
        "with_carrier": State.WITH_CARRIER.value,
        "with_holder": State.WITH_HOLDER.value,
        "with_staff": State.WITH_STAFF.value,
        "referred": State.REFERRED.value,
        "closed": State.CLOSED.value,
        "agrees": Closed.AGREES.value,
        "was_gone": Closed.GONE.value,
        "of_persons": OF_PERSONS,
        "by_hand": [each.value for each in BY_HAND],
        "decided": json.dumps(DECIDED),
        "acts": json.dumps(ACTS),
    }
