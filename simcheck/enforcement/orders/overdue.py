"""Carriers that do not answer: reminded, and when that does not help, people are told."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.enforcement.orders import send
from simcheck.enforcement.orders.models import OrderBatch
from simcheck.service import Service

MOST = 1000


class Overdue(NamedTuple):
    """How many orders' carriers were reminded, and of how many people were told."""

    reminded: int
    escalated: int


async def chase(session: AsyncSession, service: Service) -> Overdue:
    """Remind the carriers whose answers are late, as often as is set; then escalate. An order that was
    escalated is not chased again until the carrier answers.
    """
    now, reminded, escalated = clock.now(), 0, 0
    query = sa.select(OrderBatch).where(OrderBatch.due_at <= now).order_by(OrderBatch.due_at).limit(MOST)
    for order in await session.scalars(query.with_for_update(key_share=True, skip_locked=True)):
        late = "outcome" if order.acknowledged_at else "acknowledgement"
        if order.tries < service.settings.orders_reminders:
            order.tries += 1
            order.due_at = now + send.answer_within(service, order)
            await send.tell(session, order, f"{late}_late")
            act, reminded = "order.reminded", reminded + 1
        else:
            order.escalated_at, order.due_at = now, None
            act, escalated = "order.escalated", escalated + 1
        said = {"late": late, "tries": order.tries}
        audit.record(session, act, f"order/{order.id}", said, stream=f"order/{order.carrier}")
    await session.flush()
    return Overdue(reminded, escalated)
