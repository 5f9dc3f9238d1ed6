"""The record agrees, an appeal was upheld, or the line is protected: what was ordered is undone, the same
minute.

A restoration needs nobody's approval, is held up by no brake, and goes before everything else. An order that
the carrier has not answered yet may have been carried out: it is overtaken, and undone like one that was.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.states import Closed
from simcheck.db.engine import actor_of
from simcheck.enforcement import calendar
from simcheck.enforcement.orders import brake, words
from simcheck.enforcement.orders.models import MAY_HOLD, OrderAct, OrderBatch, OrderState
from simcheck.enforcement.orders.waking import wake
from simcheck.enforcement.stops.models import AppealState, BarKind
from simcheck.enforcement.stops.standing import ORDERED_AFTER, STANDS

# A number that its carrier does not declare any more has nobody to be restored for.
UNDONE_BY = tuple(each.value for each in Closed if each is not Closed.GONE)
AGAIN = timedelta(hours=1)  # before a restoration that went wrong is ordered again
MOST = 50_000  # of a job
# What a clock that is over was, and why nothing holds of it any more. `upto`: what was ordered by then.
_OVER = f"""
    SELECT clock.carrier, clock.msisdn_token, clock.case_id, clock.step, clock.step_at,
           CAST('infinity' AS timestamptz) AS upto, '{words.RESTORED}' AS why,
           CASE WHEN clock.case_id IS NULL THEN 'clock_runs' ELSE 'case_open' END AS shut
"""
_CASE_IS_OVER = '"case".close_reason = ANY(:reasons) AND clock.step < 3'
_CLOCK_IS_OVER = "clock.case_id IS NULL AND clock.step < 3 AND clock.end_reason <> :gone"
# Of cases that were closed, and clocks of handsets that ended, since a moment.
_LATELY = f"""
    {_OVER} FROM "case" JOIN clock ON clock.case_id = "case".id
    WHERE "case".closed_at >= :since AND {_CASE_IS_OVER}
    UNION ALL
    {_OVER} FROM clock WHERE clock.ended_at >= :since AND {_CLOCK_IS_OVER}
"""
# Of all that is over, however long: few of them hold, or may, and indexes know which. A case that was closed
# is here once its clock has heard of it (`follow.end`).
_EVER = f"""
    {_OVER} FROM (
        SELECT carrier, msisdn_token FROM clock WHERE step IN (1, 2) AND ended_at IS NOT NULL
        UNION SELECT carrier, msisdn_token FROM order_line
        WHERE state IN ('sent', 'unknown') AND act <> 'restore'
        UNION SELECT carrier, msisdn_token FROM order_line WHERE {MAY_HOLD.format("order_line")}
    ) AS held JOIN clock USING (carrier, msisdn_token) LEFT JOIN "case" ON "case".id = clock.case_id
    WHERE "case".closed_at IS NOT NULL AND {_CASE_IS_OVER}
       OR clock.ended_at IS NOT NULL AND {_CLOCK_IS_OVER}
"""  # noqa: S608


def _find(over: str) -> sa.TextClause:
    """Subscriptions that are suspended, or may be (an order that was overtaken may have been carried out),
    and must not be any more: of what is over, of appeals that were upheld, and of protected lines. `why` is
    why, and `shut` the guard that a line which has not left would meet.
    """
    return sa.text(f"""
WITH over AS (
    {over}
    UNION ALL
    SELECT clock.carrier, clock.msisdn_token, clock.case_id,
           CASE WHEN {ORDERED_AFTER} THEN 0 ELSE clock.step END, clock.step_at,
           settled_at, '{words.UPHELD}', 'no_appeal'
    FROM appeal JOIN clock USING (carrier, msisdn_token)
    WHERE appeal.state = '{AppealState.UPHELD}' AND settled_at >= :since AND clock.step < 3
    UNION ALL
    SELECT clock.carrier, clock.msisdn_token, clock.case_id, clock.step, clock.step_at,
           'infinity', '{words.PROTECTED}', 'not_protected'
    FROM order_bar AS bar JOIN clock USING (msisdn_token)
    WHERE bar.kind <> '{BarKind.LEGAL_HOLD}' AND bar.confirmed_at >= :since AND clock.step < 3
      AND {STANDS.format(now=":at")}
), asked AS (
    SELECT over.*, live.order_id, live.line, live.state = 'overtaken' AS past,
           greatest(CASE WHEN over.step > 0 THEN over.step_at END, live.made_at) AS ordered_at
    FROM over
    LEFT JOIN order_line AS live ON live.carrier = over.carrier AND live.msisdn_token = over.msisdn_token
        AND (live.state IN ('proposed', 'sent', 'unknown') OR {MAY_HOLD.format("live")})
        AND live.act <> 'restore' AND live.made_at <= over.upto
    WHERE over.step > 0 OR live.state IN ('sent', 'unknown', 'overtaken')
)
SELECT DISTINCT ON (carrier, msisdn_token)
       carrier, msisdn_token, case_id, step, step_at, order_id, line, why, shut
FROM asked
WHERE NOT EXISTS (
    SELECT FROM order_line AS before
    WHERE before.carrier = asked.carrier AND before.msisdn_token = asked.msisdn_token
      AND before.act = 'restore' AND before.made_at >= ordered_at
      AND (before.state IN ('proposed', 'sent', 'unknown', 'done') OR before.outcome IN ('not_ours', 'ended')
           OR before.outcome IN ('failed', 'no_number') AND before.outcome_at > :again_since)
)
ORDER BY carrier, msisdn_token, past, order_id LIMIT :most
""").bindparams(  # noqa: S608
        sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
        sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)),
        sa.bindparam("again_since", type_=sa.TIMESTAMP(timezone=True)),
        sa.bindparam("reasons", type_=pg.ARRAY(sa.Text())),
    )


LATELY, EVER = _find(_LATELY), _find(_EVER)
# Orders before their lines, as everybody locks them.
LOCK = sa.text("""
SELECT FROM order_batch WHERE id = ANY(:orders) ORDER BY id FOR NO KEY UPDATE
""").bindparams(sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())))
# What was proposed is dropped, what was sent is overtaken: a restoration takes its place.
OVERTAKE = sa.text("""
UPDATE order_line SET state = CASE state WHEN 'proposed' THEN 'dropped' ELSE 'overtaken' END,
                      outcome = CASE state WHEN 'proposed' THEN given.shut ELSE outcome END,
                      outcome_at = CASE state WHEN 'proposed' THEN :at ELSE outcome_at END
FROM unnest(CAST(:orders AS uuid[]), CAST(:lines AS integer[]), CAST(:shut AS text[]))
    AS given (order_id, line, shut)
WHERE order_line.order_id = given.order_id AND order_line.line = given.line
  AND state IN ('proposed', 'sent', 'unknown')
RETURNING order_line.order_id, state = 'dropped' AS dropped
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())),
    sa.bindparam("shut", type_=pg.ARRAY(sa.Text())),
)
FEWER = sa.text("UPDATE order_batch SET lines = lines - :count WHERE id = :order")
ADD = sa.text("""
INSERT INTO order_line (order_id, line, carrier, msisdn_token, case_id, act, reason, evidence, made_at, state)
SELECT :order, row_number() OVER (ORDER BY msisdn_token), :carrier, msisdn_token, case_id, 'restore', why,
       jsonb_build_object('step', step, 'step_at', step_at), :at, 'proposed'
FROM unnest(CAST(:tokens AS bytea[]), CAST(:cases AS uuid[]), CAST(:steps AS smallint[]),
            CAST(:reached AS timestamptz[]), CAST(:why AS text[]))
    AS given (msisdn_token, case_id, step, step_at, why)
ON CONFLICT DO NOTHING
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("tokens", type_=pg.ARRAY(sa.LargeBinary())),
    sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("steps", type_=pg.ARRAY(sa.SmallInteger())),
    sa.bindparam("why", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("reached", type_=pg.ARRAY(sa.TIMESTAMP(timezone=True))),
)


def asking(at: datetime, since: datetime | None) -> Mapping[str, object]:
    """The parameters of `LATELY` and `EVER`."""
    return {
        "at": at, "since": since or calendar.EPOCH, "again_since": at - AGAIN, "reasons": list(UNDONE_BY),
        "gone": Closed.GONE.value, "most": MOST,
    }  # fmt: skip


async def restore(session: AsyncSession, since: datetime | None) -> Mapping[str, int]:
    """Order what is to be undone of cases that were closed, clocks that ended, appeals that were upheld and
    lines that were protected since a moment (None: ever): one order a carrier; how many lines each has. The
    session needs the ministry's scope.
    """
    await session.execute(brake.ONE_AT_A_TIME)
    at = clock.now()
    found = (await session.execute(LATELY if since else EVER, asking(at, since))).all()
    live = [each for each in found if each.order_id is not None]
    if live:
        await _overtake(session, live, at)
    made: dict[str, int] = {}
    for carrier in sorted({each.carrier for each in found}):
        mine = [each for each in found if each.carrier == carrier]
        made[carrier] = await _order(session, carrier, mine, at)
    return made


async def _overtake(session: AsyncSession, live: list[sa.Row[tuple[Any, ...]]], at: datetime) -> None:
    orders = [each.order_id for each in live]
    await session.execute(LOCK, {"orders": sorted(set(orders))})
    fewer: dict[uuid.UUID, int] = {}
    given = {
        "orders": orders, "lines": [each.line for each in live], "shut": [each.shut for each in live],
        "at": at,
    }  # fmt: skip
    rows = await session.execute(OVERTAKE, given)
    for order, dropped in rows:
        if dropped:
            fewer[order] = fewer.get(order, 0) + 1
    for order, count in sorted(fewer.items()):
        await session.execute(FEWER, {"order": order, "count": count})


async def _order(
    session: AsyncSession, carrier: str, found: list[sa.Row[tuple[Any, ...]]], at: datetime
) -> int:
    order = OrderBatch(
        id=uuid.uuid4(), carrier=carrier, act=OrderAct.RESTORE, state=OrderState.APPROVED,
        lines=len(found), proposed_by=actor_of(session), proposed_at=at, approved_at=at,
    )  # fmt: skip
    session.add(order)
    await session.flush()
    given = {
        "order": order.id, "carrier": carrier, "why": [each.why for each in found], "at": at,
        "tokens": [each.msisdn_token for each in found], "cases": [each.case_id for each in found],
        "steps": [each.step for each in found], "reached": [each.step_at for each in found],
    }  # fmt: skip
    added = await session.execute(ADD, given)
    order.lines = int(added.rowcount)  # type: ignore[attr-defined]
    await session.flush()
    said = {"act": order.act, "lines": order.lines}
    audit.record(session, "order.proposed", f"order/{order.id}", said, stream=f"order/{carrier}")
    await wake(session, order.id, OrderAct.RESTORE)
    return order.lines
