"""An event becomes one delivery for each address that wants it, in the transaction of what happened."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.queue import enqueue_many
from simcheck.webhooks.models import DeliveryState, Webhook, WebhookDelivery

EVENTS = {
    "batch.done": "a batch was checked and its results are published",
    "batch.refused": "a batch cannot be used",
    "feedback.ready": "a feedback file can be fetched",
    "case.changed": "cases were opened, changed or closed",
    "order.made": "an order can be fetched, or an answer to one is late",
}
TEST = "webhook.test"  # what an address is told when its carrier tries it
# An address is told of a subject once, however often the event is noticed.
STORE = sa.text("""
INSERT INTO webhook_delivery (id, carrier, webhook_id, event, subject, payload, state, made_at, due_at)
SELECT gen_random_uuid(), carrier, id, :event, :subject, CAST(:payload AS jsonb), 'due', :at, :at
FROM webhook
WHERE carrier = :carrier AND active AND :event = ANY(events)
ON CONFLICT (webhook_id, event, subject) DO NOTHING
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))


async def notify(
    session: AsyncSession, carrier: str, event: str, subject: str, data: Mapping[str, str | int]
) -> None:
    """Have every address of the carrier that wants `event` told of it, once this transaction commits.

    `event` is one of `EVENTS`, `subject` names the thing (`batch/<id>`), `data` holds ids and counts, no
    personal data. Raises `ValueError` for an event that nobody can want.
    """
    if event not in EVENTS:
        raise ValueError(f"{event}: there is no such event")
    told = {"carrier": carrier, "event": event, "subject": subject, "payload": json.dumps(dict(data))}
    stored = (await session.scalars(STORE, {**told, "at": clock.now()})).all()
    await wake(session, stored)


async def try_out(session: AsyncSession, webhook: Webhook) -> uuid.UUID:
    """Have one address told something that means nothing; the id of the delivery."""
    made, at = uuid.uuid4(), clock.now()
    delivery = WebhookDelivery(
        id=made, carrier=webhook.carrier, webhook_id=webhook.id, event=TEST, subject=f"test/{made}",
        payload={"webhook": str(webhook.id)}, state=DeliveryState.DUE, attempts=0, made_at=at, due_at=at,
    )  # fmt: skip
    session.add(delivery)
    await session.flush()
    audit.record(session, "webhook.tried", f"webhook/{webhook.id}")
    await wake(session, [made])
    return made


async def wake(session: AsyncSession, deliveries: Sequence[uuid.UUID]) -> None:
    """Enqueue the sending of deliveries, unless it waits already."""
    if deliveries:
        jobs = [
            {"args": {"delivery": str(each)}, "queueing_lock": f"webhooks.deliver/{each}"}
            for each in deliveries
        ]
        await enqueue_many(session, "webhooks.deliver", jobs)
