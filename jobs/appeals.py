"""Appeals that nobody answers are told of; what was written in old ones is forgotten."""

from __future__ import annotations

from datetime import timedelta

from jobs.schedule import HOURLY, sweep
from simcheck import log
from simcheck.enforcement.stops import appeals
from simcheck.service import Service


@sweep("appeals.overdue", "*/10 * * * *")
async def overdue(service: Service) -> None:
    """Note appeals whose time is up."""
    async with service.database.transaction("job:appeals.overdue", ministry=True) as session:
        late = await appeals.escalate(session)
    if late:
        log.logger().warning("appeals are not answered", count=late)


@sweep("appeals.forget", HOURLY)
async def forget(service: Service) -> None:
    """Forget what was written in appeals that were decided long ago."""
    after = timedelta(days=service.settings.appeal_days)
    async with service.database.transaction("job:appeals.forget", ministry=True) as session:
        await appeals.forget(session, after)
