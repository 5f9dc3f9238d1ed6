"""Bulk decisions are carried out batch by batch; a sweep goes on with those whose job was lost."""

from __future__ import annotations

import uuid

from jobs.schedule import EVERY_MINUTE, sweep
from jobs.tasks import job
from simcheck import log
from simcheck.errors import NotFoundError
from simcheck.review import bulk, bulk_moves
from simcheck.service import Service

BUSY_SECONDS = 10.0  # until cases that a run or somebody holds are tried again


@job("bulk.batch")
async def batch(service: Service, proposal: str) -> None:
    """Decide the next cases of a proposal in the name of whoever proposed it, and wake the next batch."""
    proposal_id = uuid.UUID(proposal)
    async with service.database.transaction("job:bulk.batch", ministry=True) as session:
        try:
            proposed_by = (await bulk.one(session, proposal_id)).proposed_by
        except NotFoundError:
            return
    async with service.database.transaction(proposed_by, ministry=True) as session:
        went = await bulk_moves.batch(session, service, proposal_id)
        if went is not None and went.more:
            await bulk.wake(session, [proposal_id], BUSY_SECONDS if went.busy else 0)
    if went is not None:
        log.logger().info("bulk batch done", count=sum(went.outcomes.values()))


@sweep("bulk.follow", EVERY_MINUTE)
async def follow(service: Service) -> None:
    """Go on with what is approved, and end what nobody approved in time."""
    async with service.database.transaction("job:bulk.follow", ministry=True) as session:
        await bulk.wake(session, await bulk.running(session))
        await bulk.expire(session)
