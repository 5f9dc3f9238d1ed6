"""Events on their way to carriers' systems."""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa

from jobs.schedule import HOURLY, sweep
from jobs.tasks import job
from simcheck import clock, log, webhooks
from simcheck.queue import enqueue
from simcheck.service import Service
from simcheck.uploads.models import Batch, BatchState
from simcheck.webhooks import deliver
from simcheck.webhooks.notify import wake

LOOK_BACK = timedelta(days=2)  # how long an event whose job was lost is looked for
EVENT_OF = {BatchState.DONE: "batch.done", BatchState.REFUSED: "batch.refused"}
# Batches that ended lately; each is told once to each address that was there before it ended.
ENDED = sa.text("""
SELECT batch.id, batch.carrier, batch.state FROM batch
WHERE batch.done_at > :since AND batch.state IN ('done', 'refused') AND EXISTS (
    SELECT FROM webhook
    WHERE webhook.carrier = batch.carrier AND webhook.active AND webhook.added_at < batch.done_at
      AND 'batch.' || batch.state = ANY(webhook.events)
      AND NOT EXISTS (
          SELECT FROM webhook_delivery AS delivery
          WHERE delivery.webhook_id = webhook.id AND delivery.event = 'batch.' || batch.state
            AND delivery.subject = 'batch/' || batch.id
      )
)
LIMIT 1000
""").bindparams(sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)))


@job("webhooks.fan_out")
async def fan_out(service: Service, carrier: str, event: str, subject: str) -> None:
    """Tell a carrier's addresses what became of a batch; `subject` is the batch's id."""
    async with service.database.transaction("job:webhooks.fan_out", carrier) as session:
        batch = await session.get(Batch, uuid.UUID(subject))
        if batch is not None and EVENT_OF.get(BatchState(batch.state)) == event:
            await webhooks.notify(session, carrier, event, f"batch/{subject}", {"batch": subject})


@job("webhooks.deliver")
async def send(service: Service, delivery: str) -> None:
    """Send one delivery. No transaction is open meanwhile."""
    actor = "job:webhooks.deliver"
    async with service.database.transaction(actor, ministry=True) as session:
        message = await deliver.take(session, service.keyring, uuid.UUID(delivery))
    if message is None:
        return
    status = await deliver.send(message, private=service.settings.webhooks_private)
    async with service.database.transaction(actor, ministry=True) as session:
        again = await deliver.note(session, message, status)
        if again is not None:
            await enqueue(
                session, "webhooks.deliver", queueing_lock=f"webhooks.deliver/{delivery}", at=again,
                delivery=delivery,
            )  # fmt: skip
    log.logger().info("webhook sent", webhook=delivery, attempt=message.attempt, status=status)


@sweep("webhooks.sweep")
async def find_due(service: Service) -> None:
    """Find events and deliveries whose job was lost."""
    async with service.database.transaction("job:webhooks.sweep", ministry=True) as session:
        ended = await session.execute(ENDED, {"since": clock.now() - LOOK_BACK})
        for batch, carrier, state in ended.all():
            event = EVENT_OF[BatchState(state)]
            await webhooks.notify(session, carrier, event, f"batch/{batch}", {"batch": str(batch)})
        await wake(session, (await session.scalars(deliver.DUE, {"at": clock.now()})).all())


@sweep("webhooks.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Forget what was delivered or given up long ago."""
    async with service.database.transaction("job:webhooks.tidy", ministry=True) as session:
        await session.execute(deliver.FORGET, {"before": clock.now() - deliver.KEPT})
