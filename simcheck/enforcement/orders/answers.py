"""What a carrier says of an order: that it has it, whole or in part, and what became of each line.

The same answer twice is one. A line that was not ordered, of another number, or that says something else than
before is refused by its number, and the others are taken. Outcomes move the clocks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.db.engine import actor_of
from simcheck.enforcement import moves
from simcheck.enforcement.moves import Done
from simcheck.enforcement.orders import approve, send
from simcheck.enforcement.orders.models import MAY_HOLD, OrderAct, OrderBatch, OrderState
from simcheck.enforcement.words import Act
from simcheck.errors import ConflictError
from simcheck.records import OUTCOMES
from simcheck.service import Service

AHEAD = timedelta(minutes=5)  # that a carrier's clock may be before ours
NOT_ORDERED, OTHER_NUMBER, UNKNOWN_WORD, SETTLED, TWICE, FUTURE = (
    "not_ordered", "other_number", "unknown_word", "settled", "twice", "future",
)  # fmt: skip
# What a line is after an outcome.
STATES = {
    "done": "done", "already": "done", "failed": "failed", "not_ours": "failed", "ended": "failed",
    "unknown": "unknown",
}  # fmt: skip
# Lines of an order that have left, as they stand; locked in one order.
LEFT = sa.text("""
SELECT line, msisdn_token, state, outcome, acknowledged_at FROM order_line
WHERE order_id = :order AND line = ANY(CAST(:lines AS integer[])) AND state NOT IN ('proposed', 'dropped')
ORDER BY line FOR NO KEY UPDATE
""").bindparams(sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())))
NOTE = sa.text("""
UPDATE order_line SET acknowledged_at = :at
WHERE order_id = :order AND acknowledged_at IS NULL AND state NOT IN ('proposed', 'dropped')
  AND (CAST(:lines AS integer[]) IS NULL OR line = ANY(CAST(:lines AS integer[])))
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())),
)
# What was overtaken stays so: its restoration is what counts.
TAKE = sa.text("""
UPDATE order_line SET
    outcome = given.outcome, outcome_at = given.at, acknowledged_at = coalesce(acknowledged_at, :at),
    state = CASE order_line.state WHEN 'overtaken' THEN 'overtaken' ELSE given.state END
FROM unnest(CAST(:lines AS integer[]), CAST(:outcomes AS text[]), CAST(:states AS text[]),
            CAST(:moments AS timestamptz[])) AS given (line, outcome, state, at)
WHERE order_line.order_id = :order AND order_line.line = given.line
RETURNING order_line.msisdn_token, order_line.state, order_line.outcome_at
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())),
    sa.bindparam("outcomes", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("states", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("moments", type_=pg.ARRAY(sa.TIMESTAMP(timezone=True))),
)
# As everybody locks them: subscriptions first, in one order.
LOCK = sa.text("""
SELECT FROM subscription JOIN order_line USING (carrier, msisdn_token)
WHERE order_line.order_id = :order AND order_line.line = ANY(CAST(:lines AS integer[]))
ORDER BY msisdn_token, carrier FOR NO KEY UPDATE OF subscription
""").bindparams(sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())))
# How much of an order is still to be said.
OWED = sa.text("""
SELECT count(*) FILTER (WHERE acknowledged_at IS NULL) AS unacknowledged,
       count(*) FILTER (WHERE state IN ('sent', 'unknown')) AS undecided
FROM order_line WHERE order_id = :order AND state NOT IN ('proposed', 'dropped')
""")
# A subscription is under an order while a suspension holds, or may.
FREE = sa.text(f"""
UPDATE subscription SET under_order = false
WHERE carrier = :carrier AND msisdn_token = ANY(CAST(:tokens AS bytea[])) AND under_order
  AND NOT EXISTS (SELECT FROM clock WHERE clock.carrier = subscription.carrier
                  AND clock.msisdn_token = subscription.msisdn_token AND clock.step > 0)
  AND NOT EXISTS (SELECT FROM order_line AS live WHERE live.carrier = subscription.carrier
                  AND live.msisdn_token = subscription.msisdn_token AND live.act <> 'restore'
                  AND (live.state IN ('sent', 'unknown') OR {MAY_HOLD.format("live")}
                       AND NOT EXISTS (
                           SELECT FROM order_line AS back WHERE back.carrier = live.carrier
                             AND back.msisdn_token = live.msisdn_token AND back.act = 'restore'
                             AND back.state = 'done' AND back.made_at >= live.made_at)))
""").bindparams(sa.bindparam("tokens", type_=pg.ARRAY(sa.LargeBinary())))  # noqa: S608  (no input of anybody)


class Outcome(NamedTuple):
    """What a carrier says of a line. `at` is when it was done, `msisdn_token` of which number; both may be
    left out.
    """

    line: int
    outcome: str
    at: datetime | None = None
    msisdn_token: bytes | None = None


class Refused(NamedTuple):
    """A line that is not taken, and why: a word of `refused`."""

    line: int
    why: str


class Taken(NamedTuple):
    """How many lines were taken, those among them too that were said before; and which were not."""

    accepted: int
    refused: Sequence[Refused]


class _Line(NamedTuple):
    line: int
    msisdn_token: bytes
    state: str
    outcome: str | None
    acknowledged_at: datetime | None


async def acknowledge_all(session: AsyncSession, service: Service, order_id: uuid.UUID, rows: int) -> Taken:
    """Note that the carrier has the whole order, of so many rows.

    Raises `NotFoundError`; `ConflictError` where it has not left, or has another number of rows.
    """
    order = await _sent(session, order_id)
    if rows != order.lines:
        raise ConflictError(f"The order has {order.lines} lines. Fetch it again, and acknowledge all of it.")
    await session.execute(NOTE, {"order": order_id, "lines": None, "at": clock.now()})
    await _follow(session, service, order, {"acknowledged": rows})
    return Taken(rows, ())


async def acknowledge(
    session: AsyncSession, service: Service, order_id: uuid.UUID, lines: Iterable[int]
) -> Taken:
    """Note that the carrier has these lines of an order. Raises as `acknowledge_all`."""
    order = await _sent(session, order_id)
    wanted = sorted(set(lines))
    known = await _left(session, order_id, wanted)
    refused = [Refused(line, NOT_ORDERED) for line in wanted if line not in known]
    await session.execute(NOTE, {"order": order_id, "lines": list(known), "at": clock.now()})
    await _follow(session, service, order, {"acknowledged": len(known), "refused": len(refused)})
    return Taken(len(known), refused)


async def take(
    session: AsyncSession, service: Service, order_id: uuid.UUID, outcomes: Sequence[Outcome]
) -> Taken:
    """Take what became of lines of an order; whoever says that has it too. Raises as `acknowledge_all`."""
    order = await _sent(session, order_id)
    known = await _left(session, order_id, sorted({each.line for each in outcomes}))
    good, refused, before = _sorted_out(outcomes, known, clock.now())
    if good:
        await _write(session, order, good)
    said = {"outcomes": len(good), "known": before, "refused": len(refused)}
    await _follow(session, service, order, said)
    return Taken(len(good) + before, refused)


def _sorted_out(
    outcomes: Sequence[Outcome], known: Mapping[int, _Line], now: datetime
) -> tuple[dict[int, Outcome], list[Refused], int]:
    """What is new, what is refused, and how many were said before."""
    good: dict[int, Outcome] = {}
    refused: list[Refused] = []
    before = 0
    for each in outcomes:
        line = known.get(each.line)
        why = _fault(each, line, now)
        if why is None and each.line in good:
            why = None if good[each.line].outcome == each.outcome else TWICE
            before += why is None
        elif why is None and line is not None and line.outcome == each.outcome:
            before += 1
        elif why is None:
            good[each.line] = each
        if why is not None:
            refused.append(Refused(each.line, why))
    return good, refused, before


def _fault(said: Outcome, line: _Line | None, now: datetime) -> str | None:
    """Why an outcome cannot be taken."""
    if line is None:
        return NOT_ORDERED
    if said.msisdn_token is not None and said.msisdn_token != line.msisdn_token:
        return OTHER_NUMBER
    if said.outcome not in OUTCOMES:
        return UNKNOWN_WORD
    if said.at is not None and said.at > now + AHEAD:
        return FUTURE
    settled = line.outcome is not None and line.outcome != "unknown"
    return SETTLED if settled and line.outcome != said.outcome else None


async def _write(session: AsyncSession, order: OrderBatch, good: Mapping[int, Outcome]) -> None:
    """Keep the outcomes, and let the clocks and subscriptions follow."""
    now = clock.now()
    await session.execute(LOCK, {"order": order.id, "lines": list(good)})
    moments = [_moment(each.at, order, now) for each in good.values()]
    rows = await session.execute(
        TAKE,
        {"order": order.id, "at": now, "lines": list(good), "moments": moments,
         "outcomes": [each.outcome for each in good.values()],
         "states": [STATES[each.outcome] for each in good.values()]},
    )  # fmt: skip
    settled = rows.all()
    done = [Done(order.carrier, bytes(token), at) for token, state, at in settled if state == "done"]
    if done and order.act == OrderAct.RESTORE:
        await moves.restored(session, done)
    elif done:
        await moves.reached(session, Act(order.act).step, done)
    tokens = [bytes(token) for token, _, _ in settled]
    await session.execute(FREE, {"carrier": order.carrier, "tokens": tokens})


def _moment(at: datetime | None, order: OrderBatch, now: datetime) -> datetime:
    """When it was done: as the carrier says, between the order and now. The next step counts from there."""
    assert order.sent_at is not None
    return min(max(at or now, order.sent_at), now)


async def _sent(session: AsyncSession, order_id: uuid.UUID) -> OrderBatch:
    order = await approve.one(session, order_id, lock=True)
    if order.sent_at is None:
        raise ConflictError("The order was not sent (yet).")
    return order


async def _left(session: AsyncSession, order_id: uuid.UUID, lines: Sequence[int]) -> dict[int, _Line]:
    rows = await session.execute(LEFT, {"order": order_id, "lines": list(lines)})
    return {row.line: _Line(*row) for row in rows}


async def _follow(
    session: AsyncSession, service: Service, order: OrderBatch, said: Mapping[str, int]
) -> None:
    """How far the order is now: all of it acknowledged, all of it settled; and what is due next."""
    owed = (await session.execute(OWED, {"order": order.id})).one()
    at = clock.now()
    if not owed.unacknowledged and order.acknowledged_at is None:
        order.acknowledged_at, order.acknowledged_by = at, actor_of(session)
        order.state, order.tries, order.escalated_at = OrderState.ACKNOWLEDGED, 0, None
        order.due_at = at + send.answer_within(service, order)
    if not owed.unacknowledged and not owed.undecided and order.done_at is None:
        order.state, order.done_at, order.due_at, order.escalated_at = OrderState.DONE, at, None, None
    act = "order.answered" if "outcomes" in said else "order.acknowledged"
    audit.record(session, act, f"order/{order.id}", dict(said), stream=f"order/{order.carrier}")
    await session.flush()
