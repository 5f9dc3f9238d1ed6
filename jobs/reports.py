"""The counts that the country's figures are read from."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from jobs.schedule import sweep
from simcheck import clock, log
from simcheck.queue import enqueue
from simcheck.reports import delivery, flow, history, invariants, lives, open_data, patterns
from simcheck.service import Service

NIGHTLY = "40 19 * * *"  # 02:40 in Viet Nam
BEFORE_DAWN = "10 20 * * *"  # 03:10: what the night does is done
# Patterns take some 14 s for a million subscriptions: found again after ten times as long, they are a
# tenth of one worker's work at most, however many runs are published.
REST = timedelta(seconds=140)


async def after_run(session: AsyncSession) -> None:
    """Have everything counted again when this transaction, which publishes a run, commits.

    Runs that are published one after the other are counted once. Sweeps count what is lost here.
    """
    await enqueue(session, "reports.country", lock="reports.country", queueing_lock="reports.country")
    await enqueue(session, "reports.flow", lock="reports.flow", queueing_lock="reports.flow")
    await enqueue(session, "reports.cases", lock="reports.cases", queueing_lock="reports.cases")
    rest = REST * (await history.subscriptions(session) / 1_000_000)
    await enqueue(
        session, "reports.patterns", lock="reports.patterns", queueing_lock="reports.patterns",
        at=clock.now() + rest,
    )  # fmt: skip


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
        await delivery.count(session)


@sweep("reports.cases", "*/30 * * * *")
async def count_cases(service: Service) -> None:
    """Count every case there is, by what became of it and its age."""
    async with service.database.transaction("job:reports.cases", ministry=True) as session:
        await lives.count(session)


@sweep("reports.patterns", NIGHTLY)
async def find_patterns(service: Service) -> None:
    """Find the people and points of sale that stand out."""
    async with service.database.transaction("job:reports.patterns", ministry=True) as session:
        await patterns.find(session)


@sweep("reports.invariants", BEFORE_DAWN)
async def check_invariants(service: Service) -> None:
    """Check that everything adds up, an equality a transaction: each sees one moment."""
    actor = "job:reports.invariants"
    for invariant in invariants.INVARIANTS.values():
        async with service.database.transaction(actor, ministry=True) as session:
            found = await invariants.check(session, invariant)
        if found.off:
            log.logger().error("something does not add up", invariant=found.name, rows=found.off)
    async with service.database.transaction(actor, ministry=True) as session:
        await invariants.forget(session)


@sweep("reports.open_data", "*/15 * * * *")
async def give_open_data(service: Service) -> None:
    """Give the public the day's figures, once a day."""
    async with service.database.transaction("job:reports.open_data", ministry=True) as session:
        await open_data.give(session, service.settings.small_group)
