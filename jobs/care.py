"""Data protection by the clock: the nightly purge, answers that need nobody, requests that are late."""

from __future__ import annotations

from jobs.schedule import sweep
from simcheck import log
from simcheck.care import purge
from simcheck.service import Service

NIGHTLY = "10 18 * * *"  # 01:10 in Viet Nam


@sweep("care.purge", NIGHTLY)
async def purge_old(service: Service) -> None:
    """Remove what is older than the law and the retention table allow, and prove it."""
    actor = "job:care.purge"
    purge_id = await purge.run(service, actor)
    async with service.database.transaction(actor, ministry=True) as session:
        left = sum(each.remaining for each in await purge.counts(session, purge_id))
    if left:
        log.logger().error("a purge left what is too old", count=left)
