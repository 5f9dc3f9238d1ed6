"""The clock of cases. Runs move them in the job that publishes (`simcheck.cases.after_run`)."""

from __future__ import annotations

from jobs.schedule import sweep
from simcheck import log
from simcheck.cases import overdue
from simcheck.service import Service


@sweep("cases.overdue", "*/10 * * * *")
async def take_back(service: Service) -> None:
    """Give cases that their referee did not answer in time back to staff."""
    async with service.database.transaction("job:cases.overdue", ministry=True) as session:
        taken = await overdue.take_back(session)
    if taken:
        log.logger().info("cases taken back", count=taken)
