"""Data protection by the clock: the nightly purge, answers that need nobody, requests that are late."""

from __future__ import annotations

import uuid
from datetime import timedelta

from jobs.schedule import sweep
from jobs.tasks import job
from simcheck import clock, log
from simcheck.care import answering, preserve, purge
from simcheck.service import Service

NIGHTLY = "10 18 * * *"  # 01:10 in Viet Nam
GRACE = timedelta(minutes=5)  # before a job is taken for lost


@sweep("care.purge", NIGHTLY)
async def purge_old(service: Service) -> None:
    """Remove what is older than the law and the retention table allow, and prove it."""
    actor = "job:care.purge"
    purge_id = await purge.run(service, actor)
    async with service.database.transaction(actor, ministry=True) as session:
        left = sum(each.remaining for each in await purge.counts(session, purge_id))
    if left:
        log.logger().error("a purge left what is too old", count=left)


@job("care.answer")
async def answer(service: Service, request: str) -> None:
    """Make the answer of a request that needs nobody."""
    async with service.database.transaction("job:care.answer", ministry=True) as session:
        await answering.by_itself(session, service, uuid.UUID(request))


@sweep("care.sweep", "*/10 * * * *")
async def find_due(service: Service) -> None:
    """Wake answers whose job was lost, mark requests that are late, copy what an order preserves."""
    async with service.database.transaction("job:care.sweep", ministry=True) as session:
        woken = await answering.wake_waiting(session, clock.now() - GRACE)
        late = await answering.take_late(session)
    async with service.database.transaction("job:care.sweep", ministry=True) as session:
        copied = await preserve.copy_cells(session, service)
    if copied:
        log.logger().info("preserved records copied", count=copied)
    if woken:
        log.logger().info("answers waiting", count=woken)
    if late:
        log.logger().error("requests of people are late", count=late)
