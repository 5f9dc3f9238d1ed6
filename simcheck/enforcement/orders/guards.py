"""What has to be so for an order to be made about a subscription: one table, asked at every stage.

The job that proposes, the preview, the approval and the sending all ask these same predicates, in this order;
the first that does not hold is why. What is not known does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.config import Settings
from simcheck.enforcement import store
from simcheck.enforcement.stops import standing
from simcheck.gate.models import SimEventKind


class Guard(NamedTuple):
    """A name, and the predicate over `clock`, its `"case"` (null where it has none), and `wanted.step`."""

    name: str
    holds: str


GUARDS = (
    Guard("clock_runs", "clock.ended_at IS NULL AND clock.paused_at IS NULL"),
    Guard("due", "clock.next_step = wanted.step AND clock.next_at <= :now"),
    Guard("proven", "clock.proven AND clock.reckoned"),
    # A handset that was changed is no case.
    Guard("case_open", "CASE WHEN clock.case_id IS NULL THEN clock.trigger = 'device_change'"
                       ' ELSE "case".closed_at IS NULL AND "case".id IS NOT NULL END'),
    Guard("no_face", "clock.case_id IS NOT NULL OR NOT EXISTS (SELECT FROM sim_event AS face"
                     " WHERE face.msisdn_token = clock.msisdn_token AND face.carrier = clock.carrier"
                     f" AND face.kind = '{SimEventKind.FACE_VERIFIED}' AND face.at >= clock.event_at)"),
    # Its clock hears of a newer change some minutes later; the lock itself is due by the older one.
    Guard("no_change", "clock.case_id IS NOT NULL OR wanted.step = 1 OR NOT EXISTS (SELECT FROM sim_event"
                       " AS change WHERE change.msisdn_token = clock.msisdn_token"
                       " AND change.carrier = clock.carrier AND change.at <= :now"
                       f" AND change.kind = '{SimEventKind.DEVICE_CHANGED}' AND change.at > clock.event_at)"),
    Guard("not_held", 'clock.case_id IS NULL OR NOT "case".held'),
    Guard("nobody_decides", 'clock.case_id IS NULL OR NOT "case".pending'),
    # Staff look at it, its register's owner was asked, or two people claim it.
    Guard("not_with_staff", 'clock.case_id IS NULL OR "case".state NOT IN'
                            " ('with_staff', 'referred', 'disputed')"),
    # By the case itself: its clock hears of a move some minutes later, and what was told before may be about
    # something else.
    Guard("its_turn", "clock.case_id IS NULL OR jsonb_exists(CAST(:runs_in AS jsonb)"
                      " -> (clock.policy_version || '/' || clock.track), \"case\".state)"),
    Guard("no_correction", "NOT EXISTS (SELECT FROM correction WHERE correction.case_id = clock.case_id"
                           " AND correction.outcome = 'waiting')"),
    Guard("no_question", "NOT EXISTS (SELECT FROM question WHERE question.msisdn_token = clock.msisdn_token"
                         " AND question.state = 'open')"),
    Guard("no_appeal", standing.NO_APPEAL),
    Guard("no_legal_hold", standing.NO_LEGAL_HOLD.format(now=":now")),
    Guard("not_protected", standing.NOT_PROTECTED.format(now=":now")),
    Guard("declared", "EXISTS (SELECT FROM subscription WHERE subscription.carrier = clock.carrier"
                      " AND subscription.msisdn_token = clock.msisdn_token)"),
    Guard("register_fresh", "EXISTS (SELECT FROM register_snapshot AS now_current"
                            " WHERE now_current.state = 'current'"
                            " AND coalesce(now_current.as_of, now_current.imported_at) > :register_since)"),
    Guard("carrier_fresh", "EXISTS (SELECT FROM run JOIN batch ON batch.id = run.batch_id"
                           " WHERE run.carrier = clock.carrier AND run.state = 'published'"
                           " AND batch.received_at > :carrier_since)"),
    # What a carrier could not do is not asked again at once; what it never can, not again in this clock.
    Guard("not_answered", "NOT EXISTS (SELECT FROM order_line AS before"
                          " WHERE before.msisdn_token = clock.msisdn_token AND before.carrier = clock.carrier"
                          " AND before.act = wanted.act AND (before.state = 'failed'"
                          " AND (before.outcome = 'failed' AND before.outcome_at > :again_since"
                          " OR before.outcome IN ('not_ours', 'ended')"
                          " AND before.made_at >= coalesce(clock.step_at, clock.started_at))"
                          " OR before.outcome IN ('rejected', 'expired')"
                          " AND before.outcome_at > :again_since))"),
    Guard("brake_off", "NOT EXISTS (SELECT FROM brake WHERE brake.released_at IS NULL"
                       " AND brake.scope IN ('all', clock.carrier))"),
)  # fmt: skip
AGAIN = timedelta(days=1)  # before what went wrong, or was rejected, is proposed again
# Guards that are nobody's own: they hold up all lines, which then wait and are not dropped.
WAITING = ("register_fresh", "carrier_fresh", "brake_off")

_STAMP = sa.TIMESTAMP(timezone=True)
PARAMETERS: tuple[sa.BindParameter[Any], ...] = tuple(
    sa.bindparam(name, type_=_STAMP) for name in ("now", "register_since", "carrier_since", "again_since")
)
# The name of the first guard that is shut; null where all are open.
SHUT = (
    "CASE "
    + " ".join(f"WHEN NOT coalesce(({each.holds}), false) THEN '{each.name}'" for each in GUARDS)
    + " END"
)
# The step of an order's act, and the act of a clock's next step.
STEP = "CASE order_line.act WHEN 'one_way' THEN 1 WHEN 'two_way' THEN 2 WHEN 'terminate' THEN 3 END"
ACT = "CASE clock.next_step WHEN 1 THEN 'one_way' WHEN 2 THEN 'two_way' WHEN 3 THEN 'terminate' END"
# The clocks that are due, each with its case and what is wanted of it. Their index finds them.
DUE = f"""
clock LEFT JOIN "case" ON "case".id = clock.case_id
CROSS JOIN LATERAL (SELECT clock.next_step AS step, {ACT} AS act) AS wanted
WHERE clock.ended_at IS NULL AND clock.paused_at IS NULL AND clock.next_at IS NOT NULL
  AND clock.next_at <= :now AND clock.proven
  AND NOT EXISTS (SELECT FROM order_line AS live WHERE live.carrier = clock.carrier
                  AND live.msisdn_token = clock.msisdn_token
                  AND live.state IN ('proposed', 'sent', 'unknown'))
"""  # noqa: S608  (no input of anybody)
# The lines of an order that still stand in it.
LINES = f"""
order_line
LEFT JOIN clock ON clock.carrier = order_line.carrier AND clock.msisdn_token = order_line.msisdn_token
    AND clock.case_id IS NOT DISTINCT FROM order_line.case_id
LEFT JOIN "case" ON "case".id = clock.case_id
CROSS JOIN LATERAL (SELECT {STEP} AS step, order_line.act AS act) AS wanted
WHERE order_line.order_id = :order AND order_line.state = 'proposed'
"""


async def given(session: AsyncSession, settings: Settings, now: datetime) -> Mapping[str, object]:
    """What the predicates are asked with."""
    runs_in = {
        f"{version}/{track.id}": sorted(track.runs_in)
        for version, policy in (await store.policies(session)).items()
        for track in policy.tracks
    }
    return {
        "runs_in": json.dumps(runs_in),
        "now": now,
        "register_since": now - timedelta(hours=settings.orders_register_hours),
        "carrier_since": now - timedelta(days=settings.orders_carrier_days),
        "again_since": now - AGAIN,
    }
