"""The record agrees, or staff found nothing wrong: what was ordered is undone, the same minute.

A restoration needs nobody's approval, is held up by no brake, and goes before everything else. An order that
the carrier has not answered yet may have been carried out: it is overtaken, and undone like one that was.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.states import Closed
from simcheck.db.engine import actor_of
from simcheck.enforcement.orders import brake, send, words
from simcheck.enforcement.orders.models import OrderAct, OrderBatch, OrderState

# A number that its carrier does not declare any more has nobody to be restored for.
UNDONE_BY = tuple(each.value for each in Closed if each is not Closed.GONE)
AGAIN = timedelta(hours=1)  # before a restoration that went wrong is ordered again
MOST = 50_000  # of a job
# Subscriptions that are suspended, or may be, and need not be any more: of cases that were closed since a
# moment, and of handsets, whose clocks are over.
FIND = sa.text("""
WITH over AS (
    SELECT clock.carrier, clock.msisdn_token, clock.case_id, clock.step, clock.step_at
    FROM "case" JOIN clock ON clock.case_id = "case".id
    WHERE "case".closed_at >= :since AND "case".close_reason = ANY(:reasons) AND clock.step < 3
    UNION ALL
    SELECT carrier, msisdn_token, case_id, step, step_at FROM clock
    WHERE case_id IS NULL AND step < 3 AND ended_at >= :since AND end_reason <> :gone
), asked AS (
    SELECT over.*, live.order_id, live.line,
           greatest(CASE WHEN over.step > 0 THEN over.step_at END, live.made_at) AS ordered_at
    FROM over
    LEFT JOIN order_line AS live ON live.carrier = over.carrier AND live.msisdn_token = over.msisdn_token
        AND live.state IN ('proposed', 'sent', 'unknown') AND live.act <> 'restore'
    WHERE over.step > 0 OR live.state IN ('sent', 'unknown')
)
SELECT carrier, msisdn_token, case_id, step, step_at, order_id, line FROM asked
WHERE NOT EXISTS (
    SELECT FROM order_line AS before
    WHERE before.carrier = asked.carrier AND before.msisdn_token = asked.msisdn_token
      AND before.act = 'restore' AND before.made_at >= ordered_at
      AND (before.state IN ('proposed', 'sent', 'unknown', 'done') OR before.outcome IN ('not_ours', 'ended')
           OR before.outcome IN ('failed', 'no_number') AND before.outcome_at > :again_since)
)
ORDER BY carrier, msisdn_token LIMIT :most
""").bindparams(
    sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("again_since", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("reasons", type_=pg.ARRAY(sa.Text())),
)
# Orders before their lines, as everybody locks them.
LOCK = sa.text("""
SELECT FROM order_batch WHERE id = ANY(:orders) ORDER BY id FOR NO KEY UPDATE
""").bindparams(sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())))
# What was proposed is dropped, what was sent is overtaken: a restoration takes its place.
OVERTAKE = sa.text("""
UPDATE order_line SET state = CASE state WHEN 'proposed' THEN 'dropped' ELSE 'overtaken' END,
                      outcome = CASE state WHEN 'proposed' THEN 'case_open' ELSE outcome END,
                      outcome_at = CASE state WHEN 'proposed' THEN :at ELSE outcome_at END
FROM unnest(CAST(:orders AS uuid[]), CAST(:lines AS integer[])) AS given (order_id, line)
WHERE order_line.order_id = given.order_id AND order_line.line = given.line
  AND state IN ('proposed', 'sent', 'unknown')
RETURNING order_line.order_id, state = 'dropped' AS dropped
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())),
)
FEWER = sa.text("UPDATE order_batch SET lines = lines - :count WHERE id = :order")
ADD = sa.text("""
INSERT INTO order_line (order_id, line, carrier, msisdn_token, case_id, act, reason, evidence, made_at, state)
SELECT :order, row_number() OVER (ORDER BY msisdn_token), :carrier, msisdn_token, case_id, 'restore', :reason,
       jsonb_build_object('step', step, 'step_at', step_at), :at, 'proposed'
FROM unnest(CAST(:tokens AS bytea[]), CAST(:cases AS uuid[]), CAST(:steps AS smallint[]),
            CAST(:reached AS timestamptz[])) AS given (msisdn_token, case_id, step, step_at)
ON CONFLICT DO NOTHING
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("tokens", type_=pg.ARRAY(sa.LargeBinary())),
    sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("steps", type_=pg.ARRAY(sa.SmallInteger())),
    sa.bindparam("reached", type_=pg.ARRAY(sa.TIMESTAMP(timezone=True))),
)


async def restore(session: AsyncSession, since: datetime) -> Mapping[str, int]:
    """Order what is to be undone of cases that were closed, and clocks that ended, since a moment: one order
    a carrier; how many lines each has. The session needs the ministry's scope.
    """
    await session.execute(brake.ONE_AT_A_TIME)
    at = clock.now()
    given = {"since": since, "again_since": at - AGAIN, "reasons": list(UNDONE_BY), "gone": Closed.GONE.value,
             "most": MOST}  # fmt: skip
    found = (await session.execute(FIND, given)).all()
    live = [each for each in found if each.order_id is not None]
    if live:
        await _overtake(session, [each.order_id for each in live], [each.line for each in live], at)
    made: dict[str, int] = {}
    for carrier in sorted({each.carrier for each in found}):
        mine = [each for each in found if each.carrier == carrier]
        made[carrier] = await _order(session, carrier, mine, at)
    return made


async def _overtake(session: AsyncSession, orders: list[uuid.UUID], lines: list[int], at: datetime) -> None:
    await session.execute(LOCK, {"orders": sorted(set(orders))})
    fewer: dict[uuid.UUID, int] = {}
    rows = await session.execute(OVERTAKE, {"orders": orders, "lines": lines, "at": at})
    for order, dropped in rows:
        if dropped:
            fewer[order] = fewer.get(order, 0) + 1
    for order, count in sorted(fewer.items()):
        await session.execute(FEWER, {"order": order, "count": count})


async def _order(
    session: AsyncSession, carrier: str, found: list[sa.Row[tuple[object, ...]]], at: datetime
) -> int:
    order = OrderBatch(
        id=uuid.uuid4(), carrier=carrier, act=OrderAct.RESTORE, day=brake.today(), state=OrderState.APPROVED,
        lines=len(found), proposed_by=actor_of(session), proposed_at=at, approved_at=at,
    )  # fmt: skip
    session.add(order)
    await session.flush()
    given = {
        "order": order.id, "carrier": carrier, "reason": words.RESTORED, "at": at,
        "tokens": [each.msisdn_token for each in found], "cases": [each.case_id for each in found],
        "steps": [each.step for each in found], "reached": [each.step_at for each in found],
    }  # fmt: skip
    added = await session.execute(ADD, given)
    order.lines = int(added.rowcount)  # type: ignore[attr-defined]
    await session.flush()
    said = {"act": order.act, "lines": order.lines}
    audit.record(session, "order.proposed", f"order/{order.id}", said, stream=f"order/{carrier}")
    await send.wake(session, order.id, OrderAct.RESTORE)
    return order.lines
