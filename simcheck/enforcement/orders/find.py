"""Orders and their lines as lists; what stands in a list is what its count counts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.enforcement.orders.models import LineState, OrderBatch, OrderLine, OrderState
from simcheck.enforcement.orders.send import bound_to
from simcheck.errors import NotFoundError
from simcheck.privacy import Keyring

# What a carrier sees: not what is only meant.
LEFT = (OrderState.SENT, OrderState.ACKNOWLEDGED, OrderState.DONE)
OPEN = (OrderState.PROPOSED, OrderState.APPROVED, OrderState.SENT, OrderState.ACKNOWLEDGED)
PAGE = 50


class Told(NamedTuple):
    """A line as its carrier reads it: the number with its country code, and how far it is."""

    line: int
    msisdn: str
    act: str
    reason: str
    state: str
    outcome: str | None
    outcome_at: datetime | None
    acknowledged_at: datetime | None


async def page(
    session: AsyncSession, *, states: Sequence[OrderState] = (), carrier: str | None = None,
    escalated: bool = False, before: tuple[datetime, uuid.UUID] | None = None, limit: int = PAGE,
) -> Sequence[OrderBatch]:  # fmt: skip
    """Orders in these states (none: all), the newest first, after the place (proposed_at, id); `escalated`:
    those alone whose carrier does not answer.
    """
    query = sa.select(OrderBatch)
    if states:
        query = query.where(OrderBatch.state.in_([each.value for each in states]))
    if carrier is not None:
        query = query.where(OrderBatch.carrier == carrier)
    if escalated:
        query = query.where(OrderBatch.escalated_at.is_not(None))
    if before is not None:
        place = sa.tuple_(OrderBatch.proposed_at, OrderBatch.id)
        query = query.where(place < sa.tuple_(sa.literal(before[0]), sa.literal(before[1], sa.Uuid())))
    newest = query.order_by(OrderBatch.proposed_at.desc(), OrderBatch.id.desc()).limit(limit)
    return (await session.scalars(newest)).all()


async def one_sent(session: AsyncSession, order_id: uuid.UUID) -> OrderBatch:
    """An order that has left. Raises `NotFoundError`, another carrier's or one that is only meant too."""
    found = await session.get(OrderBatch, order_id, populate_existing=True)
    if found is None or found.sent_at is None:
        raise NotFoundError("There is no such order.")
    return found


async def counts(session: AsyncSession, order_id: uuid.UUID) -> Mapping[tuple[str, str | None], int]:
    """How many lines of an order are in which state, with which outcome."""
    query = (
        sa.select(OrderLine.state, OrderLine.outcome, sa.func.count())
        .where(OrderLine.order_id == order_id)
        .group_by(OrderLine.state, OrderLine.outcome)
        .order_by(sa.func.count().desc(), OrderLine.state)
    )
    return {(state, outcome): count for state, outcome, count in await session.execute(query)}


async def lines(
    session: AsyncSession, keyring: Keyring, order: OrderBatch, *, after: int = 0, limit: int = 1000,
    unsettled: bool = False,
) -> Sequence[Told]:  # fmt: skip
    """The lines of an order that has left, after a line, with their numbers; `unsettled`: those without an
    outcome. The look is audited. Raises `SealError`.
    """
    query = sa.select(OrderLine).where(
        OrderLine.order_id == order.id, OrderLine.line > after,
        OrderLine.state.not_in([LineState.PROPOSED, LineState.DROPPED]),
    )  # fmt: skip
    if unsettled:
        query = query.where(OrderLine.state.in_([LineState.SENT, LineState.UNKNOWN]))
    found = (await session.scalars(query.order_by(OrderLine.line).limit(limit))).all()
    said = {"lines": len(found), "after": after}
    audit.record(session, "order.lines_seen", f"order/{order.id}", said, stream=f"order/{order.carrier}")
    return [_told(keyring, each) for each in found]


async def answer_late(session: AsyncSession) -> int:
    """How many orders' carriers do not answer, though they were reminded."""
    query = sa.select(sa.func.count()).where(OrderBatch.escalated_at.is_not(None))
    return int(await session.scalar(query) or 0)


def _told(keyring: Keyring, line: OrderLine) -> Told:
    assert line.number is not None  # it has left
    national = keyring.open(line.number, bound_to(line.order_id, line.line)).decode()
    return Told(
        line.line, f"84{national}", line.act, line.reason, line.state, line.outcome, line.outcome_at,
        line.acknowledged_at,
    )  # fmt: skip
