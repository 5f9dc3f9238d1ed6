"""Having the files of approved orders made: by a job, which the sweep wakes again where it was lost."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.enforcement.orders.models import OrderAct
from simcheck.queue import enqueue

URGENT = 10  # the priority of what undoes a suspension


async def wake(session: AsyncSession, order_id: uuid.UUID, act: OrderAct) -> None:
    """Have an approved order's file made, unless that waits already; what undoes goes first."""
    urgent = URGENT if act is OrderAct.RESTORE else 0
    await enqueue(
        session, "orders.send", queueing_lock=f"orders.send/{order_id}", priority=urgent, order=str(order_id)
    )
