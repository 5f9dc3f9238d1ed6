"""What must add up: a table of equalities over the service's own tables, each with the rows that break it.

An equality counts the same things twice, from two places: what came in and what became of it. Its `lines`
give a line for each thing with both counts, so that one statement tells both sums and how many lines are
off, and the same statement lists them. A statement sees one moment: work that goes on breaks nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.matching.rules import VERDICTS
from simcheck.messages.words import NOTICES
from simcheck.reasons import Reason, Verdict
from simcheck.reports import flow, order_equalities
from simcheck.reports.drill import ACTIVE
from simcheck.reports.history import COUNTRY, NEWEST_RUN
from simcheck.reports.kinds import CARRIER, KINDS
from simcheck.reports.models import InvariantCheck

KEPT = timedelta(days=400)  # of checks
MOST_LINES = 100_000  # of a list


class Key(StrEnum):
    """What a line of an equality is about."""

    BATCH = "batch"
    RUN = "run"
    CASE = "case"
    MESSAGE = "message"
    CORRECTION = "correction"
    DECISION = "decision"
    PROPOSAL = "proposal"
    REVIEW = "review"
    ORDER = "order"
    SUBSCRIPTION = "subscription"
    FIGURE = "figure"


@dataclass(frozen=True)
class Invariant:
    """An equality. `lines` gives `carrier` ("": none), `key`, `counted` and `accounted` of each thing."""

    name: str
    key: Key
    lines: str


class Checked(NamedTuple):
    """What a check found: both sums, and how many lines are `off`; since when lines were off without a
    check in between that found none.
    """

    name: str
    counted: int
    accounted: int
    off: int
    checked_at: datetime
    seconds: float
    off_since: datetime | None = None


class Line(NamedTuple):
    """A thing that does not add up."""

    carrier: str
    key: str
    counted: int
    accounted: int


# How many rows each verdict has, as a run's or batch's counts say it.
_VERDICTS = (
    "(SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(coalesce(counts -> 'verdicts', '{}')))"
)
# A batch's rows, each with one verdict; and a run's, also by the buckets in which they were checked.
_BATCH_ROWS = f"""
SELECT carrier, id::text AS key, coalesce(rows, 0) AS counted, {_VERDICTS} AS accounted
FROM batch WHERE state = 'done'
"""  # noqa: S608
_RUN_ROWS = f"""
SELECT carrier, id::text AS key, coalesce(rows, 0) AS counted, {_VERDICTS} AS accounted
FROM run WHERE state = 'published'
"""  # noqa: S608
_RUN_BUCKETS = """
SELECT run.carrier, run.id::text AS key, coalesce(run.rows, 0) AS counted,
       coalesce(sum(bucket.rows), 0)::bigint AS accounted
FROM run LEFT JOIN run_bucket AS bucket ON bucket.run_id = run.id
WHERE run.state = 'published' GROUP BY run.id
"""
# Every case is open or closed, by its state and by its times; its history begins once and ends where it is.
_CASES = """
SELECT carrier, id::text AS key, 1 AS counted,
       (state = 'closed' AND closed_at IS NOT NULL)::integer
           + (state <> 'closed' AND closed_at IS NULL)::integer AS accounted
FROM "case"
"""
_CASE_HISTORY = """
SELECT coalesce("case".carrier, '') AS carrier, coalesce("case".id, told.case_id)::text AS key,
       ("case".id IS NOT NULL)::integer AS counted, coalesce(told.begun, 0) AS accounted
FROM "case" FULL JOIN (
    SELECT case_id, count(*) FILTER (WHERE from_state IS NULL) AS begun FROM case_event GROUP BY case_id
) AS told ON told.case_id = "case".id
"""
_CASE_STATES = """
SELECT "case".carrier, "case".id::text AS key, 1 AS counted,
       coalesce(last.to_state = "case".state, false)::integer AS accounted
FROM "case" LEFT JOIN (
    SELECT DISTINCT ON (case_id) case_id, to_state FROM case_event ORDER BY case_id, id DESC
) AS last ON last.case_id = "case".id
"""
# A SIM that does not agree has a case; where the register did not answer, nothing is known of it yet. Of a
# number that is over, the case went when its time was over.
_WRONG = f"""
SELECT sim.carrier, encode(sim.msisdn_token, 'hex') AS key, 1 AS counted,
       EXISTS (SELECT FROM "case" WHERE "case".carrier = sim.carrier
               AND "case".msisdn_token = sim.msisdn_token)::integer AS accounted
FROM subscription AS sim
WHERE verdict <> {VERDICTS.index(Verdict.VERIFIED)} AND reasons & {Reason.REGISTER_UNANSWERED.mask} = 0
  AND NOT EXISTS (SELECT FROM subscription_end AS past WHERE past.carrier = sim.carrier
                  AND past.msisdn_token = sim.msisdn_token AND past.forgotten_at IS NOT NULL)
"""  # noqa: S608
# A message's parts are there; once nothing more is to be heard of it, each of them has come to an end.
_PARTS = """
SELECT coalesce(message.carrier, '') AS carrier, message.id::text AS key, message.parts AS counted,
       coalesce(told.parts, 0) AS accounted
FROM message LEFT JOIN (
    SELECT message_id, count(*) AS parts FROM message_part GROUP BY message_id
) AS told ON told.message_id = message.id
"""
_OUTCOMES = """
SELECT coalesce(message.carrier, '') AS carrier, message.id::text AS key, message.parts AS counted,
       coalesce(told.ended, 0) AS accounted
FROM message LEFT JOIN (
    SELECT message_id, count(*) FILTER (WHERE state <> 'due') AS ended FROM message_part GROUP BY message_id
) AS told ON told.message_id = message.id
WHERE message.settled_at IS NOT NULL
"""
# The notices that an open case had in this round, and the messages that were made of them: one that failed
# goes another way under the same number, and those who share a contract are told under keys of their own.
_NOTICES = f"""
SELECT track.carrier, track.case_id::text AS key, track.count AS counted,
       coalesce(told.notices, 0) AS accounted
FROM notice_track AS track LEFT JOIN (
    SELECT case_id, split_part(key, '/', 3) AS round, count(DISTINCT split_part(key, '/', 4)) AS notices
    FROM message
    WHERE kind IN ({", ".join(repr(each.value) for each in NOTICES)})
      AND key LIKE 'notice/' || case_id::text || '/%'
    GROUP BY 1, 2
) AS told ON told.case_id = track.case_id AND told.round = track.round::text
WHERE track.state <> 'ended'
"""  # noqa: S608
# What holders corrected: settled or waiting, each in a case of the same carrier.
_CORRECTIONS = """
SELECT correction.carrier, correction.id::text AS key, 1 AS counted,
       ("case".id IS NOT NULL)::integer * (
           (outcome = 'waiting' AND settled_at IS NULL)::integer
           + (outcome IN ('agrees', 'differs') AND settled_at IS NOT NULL)::integer
       ) AS accounted
FROM correction LEFT JOIN "case"
    ON "case".id = correction.case_id AND "case".carrier = correction.carrier
"""
# A decision at the desk stands once in its case's history; a case says that one is pending when one is.
_DECISIONS = """
SELECT made.carrier, made.id::text AS key, 1 AS counted, count(event.id) AS accounted
FROM desk_decision AS made LEFT JOIN case_event AS event
    ON event.case_id = made.case_id AND event.move = 'decided' AND event.detail ->> 'desk' = made.id::text
GROUP BY made.id
"""
_PENDING = """
SELECT coalesce("case".carrier, made.carrier) AS carrier, coalesce("case".id, made.case_id)::text AS key,
       ("case".id IS NOT NULL)::integer AS counted, (made.case_id IS NOT NULL)::integer AS accounted
FROM (SELECT id, carrier FROM "case" WHERE pending) AS "case"
FULL JOIN (SELECT case_id, carrier FROM desk_decision WHERE state = 'pending') AS made
    ON made.case_id = "case".id
"""
# Cases of decisions about many: those that a batch came to.
_BULK = """
SELECT '' AS carrier, proposal.id::text AS key, proposal.decided + proposal.skipped AS counted,
       count(told.outcome) AS accounted
FROM bulk_proposal AS proposal LEFT JOIN bulk_case AS told ON told.proposal_id = proposal.id
WHERE proposal.begun_at IS NOT NULL GROUP BY proposal.id
"""
# Second reviews, each of a case that is there: that it was judged and settled, by whom and how, as the audit
# chain has it, which nobody can rewrite.
_REVIEWS = """
SELECT review.carrier, review.id::text AS key,
       1 + (second_by IS NOT NULL)::integer + (settled_by IS NOT NULL)::integer AS counted,
       ("case".id IS NOT NULL)::integer + count(told.seq) AS accounted
FROM double_review AS review
LEFT JOIN "case" ON "case".id = review.case_id AND "case".carrier = review.carrier
LEFT JOIN (
    SELECT seq, act, subject, actor, detail FROM audit WHERE act IN ('double.judged', 'double.settled')
) AS told ON told.subject = 'double/' || review.id AND CASE told.act
    WHEN 'double.judged' THEN told.actor = second_by AND told.detail ->> 'decision' = second_decision
        AND told.detail ->> 'reason' = second_reason AND (told.detail ->> 'agrees')::boolean = agrees
    ELSE told.actor = settled_by AND told.detail ->> 'right' = right_one END
GROUP BY review.id, "case".id
"""
# The country's newest figures, and the rows that they lead to; nothing is compared while a run that was
# published since is not counted yet.
_COUNTRY = f"""
SELECT coalesce(said.carrier, there.carrier) AS carrier,
       coalesce(said.key, there.key) AS key, coalesce(said.count, 0) AS counted,
       coalesce(there.count, 0) AS accounted
FROM (
    SELECT carrier, province || '/' || verdict AS key, subscriptions AS count FROM country_day
    WHERE day = (SELECT day FROM report_counted WHERE what = '{COUNTRY}')
) AS said FULL JOIN (
    SELECT carrier, coalesce(province, '') || '/' || verdict AS key, count(*) AS count
    FROM subscription WHERE {ACTIVE} GROUP BY 1, 2
) AS there ON there.carrier = said.carrier AND there.key = said.key
WHERE ({NEWEST_RUN.text}) IS NOT DISTINCT FROM (SELECT run_at FROM report_counted WHERE what = '{COUNTRY}')
"""  # noqa: S608
# Figures of days that were over when they were counted last, of what never changes its day.
_STEADY = ("case_opened", "notice_made", "correction_made", "question_asked")
_THERE = """SELECT coalesce({carrier}, '') AS carrier, '{name}' AS kind,
    ({time} AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, count(*) AS count
FROM "{of}", seen WHERE {time} >= seen.since AND {time} < seen.until AND {condition} GROUP BY 1, 3"""
_FLOW = f"""
WITH seen AS (
    SELECT day, (day - {flow.COUNTED_DAYS})::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' AS since,
           day::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' AS until
    FROM report_counted WHERE what = '{flow.FLOW}'
), there AS (
    {
    " UNION ALL ".join(
        _THERE.format(**vars(KINDS[name]), carrier=CARRIER[KINDS[name].of]) for name in _STEADY
    )
}
), said AS (
    SELECT carrier, kind, flow_day.day, count FROM flow_day, seen
    WHERE flow_day.day >= seen.day - {flow.COUNTED_DAYS} AND flow_day.day < seen.day
      AND kind IN ({", ".join(repr(name) for name in _STEADY)})
)
SELECT coalesce(said.carrier, there.carrier) AS carrier,
       coalesce(said.kind, there.kind) || '/' || coalesce(said.day, there.day) AS key,
       coalesce(said.count, 0) AS counted, coalesce(there.count, 0) AS accounted
FROM said FULL JOIN there
    ON there.carrier = said.carrier AND there.kind = said.kind AND there.day = said.day
"""  # noqa: S608

INVARIANTS = {
    each.name: each
    for each in (
        Invariant("batch_rows", Key.BATCH, _BATCH_ROWS),
        Invariant("run_rows", Key.RUN, _RUN_ROWS),
        Invariant("run_buckets", Key.RUN, _RUN_BUCKETS),
        Invariant("country", Key.FIGURE, _COUNTRY),
        Invariant("wrong", Key.SUBSCRIPTION, _WRONG),
        Invariant("cases", Key.CASE, _CASES),
        Invariant("case_history", Key.CASE, _CASE_HISTORY),
        Invariant("case_states", Key.CASE, _CASE_STATES),
        Invariant("notices", Key.CASE, _NOTICES),
        Invariant("parts", Key.MESSAGE, _PARTS),
        Invariant("outcomes", Key.MESSAGE, _OUTCOMES),
        Invariant("corrections", Key.CORRECTION, _CORRECTIONS),
        Invariant("decisions", Key.DECISION, _DECISIONS),
        Invariant("pending", Key.CASE, _PENDING),
        Invariant("bulk", Key.PROPOSAL, _BULK),
        Invariant("reviews", Key.REVIEW, _REVIEWS),
        Invariant("order_lines", Key.ORDER, order_equalities.LINES),
        Invariant("orders_done", Key.ORDER, order_equalities.DONE),
        Invariant("clock_steps", Key.SUBSCRIPTION, order_equalities.STEPS),
        Invariant("carried_out", Key.SUBSCRIPTION, order_equalities.CARRIED_OUT),
        Invariant("flow", Key.FIGURE, _FLOW),
    )
}

_SUMS = """
SELECT coalesce(sum(counted), 0)::bigint, coalesce(sum(accounted), 0)::bigint,
       count(*) FILTER (WHERE counted <> accounted)
FROM ({lines}) AS line
"""
_OFF = """
SELECT carrier, key, counted, accounted FROM ({lines}) AS line
WHERE counted <> accounted ORDER BY key, carrier LIMIT :most OFFSET :past
"""
# Each equality's newest check, and since when its lines have been off.
NEWEST = sa.text("""
SELECT name, counted, accounted, off, checked_at, seconds, CASE WHEN off > 0 THEN (
    SELECT min(checked_at) FROM invariant_check AS earlier
    WHERE earlier.name = newest.name AND earlier.checked_at > coalesce((
        SELECT max(checked_at) FROM invariant_check AS good WHERE good.name = newest.name AND good.off = 0
    ), '-infinity')) END AS off_since
FROM (SELECT DISTINCT ON (name) * FROM invariant_check ORDER BY name, checked_at DESC) AS newest
""")
FORGET = sa.text("DELETE FROM invariant_check WHERE checked_at < :before").bindparams(
    sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True))
)


async def check(session: AsyncSession, invariant: Invariant) -> Checked:
    """Count both sides, and keep what was found. Needs the ministry's scope."""
    at, begun = clock.now(), time.perf_counter()
    found = (await session.execute(sa.text(_SUMS.format(lines=invariant.lines)))).one()
    made = Checked(invariant.name, found[0], found[1], found[2], at, time.perf_counter() - begun)
    session.add(
        InvariantCheck(
            name=made.name, checked_at=at, counted=made.counted, accounted=made.accounted, off=made.off,
            seconds=made.seconds,
        )
    )  # fmt: skip
    await session.flush()
    return made


async def off(session: AsyncSession, invariant: Invariant, past: int = 0, most: int = 50) -> list[Line]:
    """The lines that do not add up now, in the order of their keys, from the one after `past` others."""
    statement = sa.text(_OFF.format(lines=invariant.lines))
    rows = await session.execute(statement, {"past": past, "most": min(most, MOST_LINES)})
    return [Line(*row) for row in rows]


async def newest(session: AsyncSession) -> Sequence[Checked]:
    """Each equality's newest check, in the table's order; those that were never checked are not there."""
    found = {row.name: Checked(*row) for row in await session.execute(NEWEST)}
    return [found[name] for name in INVARIANTS if name in found]


async def forget(session: AsyncSession) -> None:
    """Let go of old checks."""
    await session.execute(FORGET, {"before": clock.now() - KEPT})
