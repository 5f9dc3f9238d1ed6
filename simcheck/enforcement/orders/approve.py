"""A second person looks at a proposal, and approves or rejects it. Who may is asked by the statement itself.

At the approval every guard is asked again: what it shuts out is dropped, with its name. What holds all lines
up (a register that is too old, the brake) holds the approval up.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.db.engine import actor_of
from simcheck.enforcement.orders import brake, guards, words
from simcheck.enforcement.orders.brake import Caps
from simcheck.enforcement.orders.models import (
    EVERYWHERE,
    LineState,
    OrderAct,
    OrderBatch,
    OrderLine,
    OrderState,
)
from simcheck.enforcement.orders.waking import wake
from simcheck.errors import ConflictError, NotFoundError, SamePersonError
from simcheck.service import Service

SAMPLE = 20
REJECTED, EXPIRED, NOTHING_LEFT = "rejected", "expired", "nothing_left"
# Who acts is what the database was told at the edge. Neither whoever proposed it, nor whoever let the brake
# go for it today, approves it; and only what they saw.
APPROVE = sa.text("""
UPDATE order_batch SET state = 'approved', approved_by = current_setting('app.actor'), approved_at = :at
WHERE id = :id AND state = 'proposed' AND lines = :lines AND proposed_at > :since
  AND proposed_by <> current_setting('app.actor')
  AND NOT EXISTS (SELECT FROM brake WHERE released_by = current_setting('app.actor') AND released_day = :day
                  AND scope IN ('all', carrier))
RETURNING id
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)),
)
LET_GO = sa.text("""
SELECT EXISTS (SELECT FROM brake WHERE released_by = current_setting('app.actor') AND released_day = :day
               AND scope IN ('all', :carrier))
""")
# Lines that a guard shuts out, less those that only wait.
DROP = sa.text(f"""
WITH judged AS (SELECT order_line.line, {guards.SHUT} AS shut FROM {guards.LINES})
UPDATE order_line SET state = 'dropped', outcome = shut, outcome_at = :now
FROM judged
WHERE order_line.order_id = :order AND order_line.line = judged.line AND shut <> ALL(:waiting)
RETURNING shut
""").bindparams(*guards.PARAMETERS, sa.bindparam("waiting", type_=pg.ARRAY(sa.Text())))  # noqa: S608
# The lines of an order by what is in the way now.
JUDGE = sa.text(f"""
SELECT shut, count(*) AS lines FROM (SELECT {guards.SHUT} AS shut FROM {guards.LINES}) AS judged
GROUP BY shut ORDER BY lines DESC
""").bindparams(*guards.PARAMETERS)  # noqa: S608


class Held(NamedTuple):
    """So many lines, and the guard in the way; None: nothing is."""

    shut: str | None
    lines: int


async def one(session: AsyncSession, order_id: uuid.UUID, *, lock: bool = False) -> OrderBatch:
    """An order as it stands now. Raises `NotFoundError`, also for another carrier's."""
    found = await session.get(
        OrderBatch, order_id, populate_existing=True, with_for_update={"key_share": True} if lock else None
    )
    if found is None:
        raise NotFoundError("There is no such order.")
    return found


async def judged(session: AsyncSession, service: Service, order_id: uuid.UUID) -> Sequence[Held]:
    """The preview: what would happen to the lines of a proposal now."""
    given = await guards.given(session, service.settings, clock.now())
    return [Held(*row) for row in await session.execute(JUDGE, {**given, "order": order_id})]


async def sample(session: AsyncSession, order_id: uuid.UUID) -> Sequence[OrderLine]:
    """Some lines of an order: the same ones whoever looks, and whenever."""
    lot = sa.func.md5(sa.cast(OrderLine.order_id, sa.Text) + sa.cast(OrderLine.line, sa.Text))
    query = sa.select(OrderLine).where(OrderLine.order_id == order_id, OrderLine.state != LineState.DROPPED)
    return (await session.scalars(query.order_by(lot, OrderLine.line).limit(SAMPLE))).all()


async def approve(
    session: AsyncSession, service: Service, caps: Caps, order_id: uuid.UUID, lines: int
) -> OrderBatch:
    """Approve a proposal of `lines` lines. Where that is more than today may have, the brake is pulled
    instead and the proposal stays as it is.

    Raises `NotFoundError`, `SamePersonError`, and `ConflictError` where it is no proposal of so many lines
    (any more), its time is over, or all of it is held up.
    """
    rooms = await brake.rooms(session, caps, approved=True)
    found = await one(session, order_id, lock=True)
    for scope in (found.carrier, EVERYWHERE):
        room = rooms.of(scope)
        if found.state == OrderState.PROPOSED and found.lines > room.left:
            await brake.pull(session, scope, brake.BY_CAP, room.counted + found.lines, room.cap)
            return found
    at = clock.now()
    since = at - timedelta(hours=service.settings.orders_hours)
    given = {"id": order_id, "at": at, "lines": lines, "since": since, "day": brake.today()}
    await _require_not_held_up(session, service, found)
    if not await session.scalar(APPROVE, given):
        raise await _refusal(session, found, lines)
    dropped = await drop(session, service, order_id)
    found = await one(session, order_id)
    if not found.lines:
        found.state, found.reason = OrderState.STOPPED, NOTHING_LEFT
        found.settled_at = at
    said = {"act": found.act, "lines": found.lines, "dropped": dropped}
    audit.record(session, "order.approved", f"order/{order_id}", said, stream=f"order/{found.carrier}")
    await session.flush()
    if found.lines:
        await wake(session, order_id, OrderAct(found.act))
    return found


async def drop(session: AsyncSession, service: Service, order_id: uuid.UUID) -> int:
    """Drop the lines of an order that a guard shuts out; how many."""
    given = await guards.given(session, service.settings, clock.now())
    gone = await session.execute(DROP, {**given, "order": order_id, "waiting": list(guards.WAITING)})
    count = len(gone.all())
    if count:
        order = sa.update(OrderBatch).where(OrderBatch.id == order_id)
        await session.execute(order.values(lines=OrderBatch.lines - count))
    return count


async def reject(session: AsyncSession, order_id: uuid.UUID, why: str) -> OrderBatch:
    """Reject a proposal, or stop what was approved and has not left, for one of the reasons in words
    `refusal`.

    Its subscriptions are not proposed again for a day. Raises `InvalidError`, `NotFoundError`, and
    `ConflictError` where it has left.
    """
    words.require("refusal", why)
    found = await one(session, order_id, lock=True)
    if found.state not in {OrderState.PROPOSED, OrderState.APPROVED}:
        raise ConflictError(f"The order is {found.state} already. It cannot be taken back.")
    await _end(session, found, why, REJECTED)
    return found


async def expire(session: AsyncSession, service: Service) -> int:
    """End proposals that nobody approved in time, and what was approved and held up as long; how many."""
    since = clock.now() - timedelta(hours=service.settings.orders_hours)
    query = sa.select(OrderBatch).where(
        sa.or_(
            sa.and_(OrderBatch.state == OrderState.PROPOSED, OrderBatch.proposed_at <= since),
            sa.and_(OrderBatch.state == OrderState.APPROVED, OrderBatch.approved_at <= since,
                    OrderBatch.approved_by.is_not(None)),
        )
    )  # fmt: skip
    found = (await session.scalars(query.with_for_update(key_share=True, skip_locked=True))).all()
    for each in found:
        await _end(session, each, EXPIRED, EXPIRED)
    return len(found)


async def _end(session: AsyncSession, found: OrderBatch, why: str, outcome: str) -> None:
    """Let a proposal, or an order that has not left, be over."""
    at, before = clock.now(), found.state
    found.state = OrderState.REJECTED if before == OrderState.PROPOSED else OrderState.STOPPED
    found.reason, found.settled_by, found.settled_at = why, actor_of(session), at
    await session.execute(
        sa.update(OrderLine)
        .where(OrderLine.order_id == found.id, OrderLine.state == LineState.PROPOSED)
        .values(state=LineState.DROPPED, outcome=outcome, outcome_at=at)
        .execution_options(synchronize_session=False)
    )
    said = {"act": found.act, "lines": found.lines, "why": why, "was": before}
    audit.record(session, "order.rejected", f"order/{found.id}", said, stream=f"order/{found.carrier}")
    await session.flush()


async def _require_not_held_up(session: AsyncSession, service: Service, found: OrderBatch) -> None:
    for each in await judged(session, service, found.id):
        if each.shut in guards.WAITING:
            raise ConflictError(f"Nothing can be ordered now: {each.shut}. Try again when that is settled.")


async def _refusal(session: AsyncSession, found: OrderBatch, lines: int) -> Exception:
    """Why the statement changed nothing."""
    if found.state != OrderState.PROPOSED:
        return ConflictError(f"The order is {found.state} already. Look at it again.")
    day = {"day": brake.today(), "carrier": found.carrier}
    if found.proposed_by == actor_of(session) or await session.scalar(LET_GO, day):
        return SamePersonError("You proposed this, or let the brake go. Somebody else has to approve it.")
    if found.lines != lines:
        return ConflictError(f"The proposal has {found.lines} lines by now. Look at it again.")
    return ConflictError("The proposal's time is over. What is due will be proposed anew.")
