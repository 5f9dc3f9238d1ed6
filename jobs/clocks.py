"""Clocks go with cases, notices and what carriers tell."""

from __future__ import annotations

from collections import Counter

from jobs.schedule import sweep
from simcheck import log
from simcheck.enforcement import follow as following
from simcheck.enforcement import handsets
from simcheck.service import Service

FOLLOW = "job:clocks.follow"


@sweep("clocks.follow", "*/5 * * * *")
async def follow(service: Service) -> None:
    """Begin, pause, go on and end with cases, until nothing is left to do, and tell those whose SIM stands in
    another handset; each batch is a transaction.
    """
    counts: Counter[str] = Counter()
    async with service.database.transaction(FOLLOW, ministry=True) as session:
        idle = await following.idle(session)
    for step, most in following.STEPS:
        while step.__name__ not in idle:
            async with service.database.transaction(FOLLOW, ministry=True) as session:
                moved = await step(session)
            counts[step.__name__] += moved
            if moved < most:
                break
    counts["told of handsets"] += await _tell(service)
    if counts.total():
        log.logger().info("clocks follow cases", count=counts.total())


async def _tell(service: Service) -> int:
    """Tell whose SIM stands in another handset, a batch a transaction; how many clocks were looked at."""
    told = 0
    while True:
        async with service.database.transaction(FOLLOW, ministry=True) as session:
            found = await handsets.untold(session)
        reached = await handsets.read(service, found)
        async with service.database.transaction(FOLLOW, ministry=True) as session:
            looked_at = await handsets.tell(session, service, found, reached)
        told += looked_at
        if len(found) < handsets.MOST or not looked_at:
            return told
