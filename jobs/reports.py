"""The counts that the country's figures are read from."""

from __future__ import annotations

from jobs.schedule import sweep
from simcheck import log
from simcheck.reports import flow, history, patterns
from simcheck.service import Service

NIGHTLY = "40 19 * * *"  # 02:40 in Viet Nam


@sweep("reports.country", "*/2 * * * *")
async def count_country(service: Service) -> None:
    """Count the subscriptions, if a run was published since, or the day is new."""
    async with service.database.transaction("job:reports.country", ministry=True) as session:
        counted = await history.count(session)
    if counted:
        log.logger().info("country counted")


@sweep("reports.flow", "*/10 * * * *")
async def count_flow(service: Service) -> None:
    """Count cases, notices, corrections and questions of the last two months."""
    async with service.database.transaction("job:reports.flow", ministry=True) as session:
        await flow.count(session)


@sweep("reports.patterns", NIGHTLY)
async def find_patterns(service: Service) -> None:
    """Find the people and points of sale that stand out."""
    async with service.database.transaction("job:reports.patterns", ministry=True) as session:
        await patterns.find(session)
