"""Telling holders: tracks follow cases, what is due becomes messages, what failed goes another way."""

from __future__ import annotations

from collections import Counter

from jobs.schedule import HOURLY, sweep
from simcheck import log
from simcheck.notices import campaigns, closing, letters, outcomes, plan, policy, tracks
from simcheck.notices.plan import BATCH, Made
from simcheck.queue import enqueue
from simcheck.service import Service

FOLLOW, PLAN, OUTCOMES = "job:notices.follow", "job:notices.plan", "job:notices.outcomes"


@sweep("notices.follow")
async def follow(service: Service) -> None:
    """Begin, pause, go on and end with cases, until nothing is left to do."""
    rules, hold = policy.of(service.settings), service.settings.notices_hold
    counts: Counter[str] = Counter()
    for what in (tracks.begin, tracks.resume):
        while True:
            async with service.database.transaction(FOLLOW, ministry=True) as session:
                moved = await what(session, rules, hold=hold)
            counts[what.__name__] += moved
            if moved < tracks.MOST:
                break
    while True:
        async with service.database.transaction(FOLLOW, ministry=True) as session:
            restarted = await tracks.restart(session, rules)
        counts["restart"] += restarted
        if restarted < tracks.MOST_ENDED:
            break
    while True:
        async with service.database.transaction(FOLLOW, ministry=True) as session:
            paused = await tracks.pause(session)
        counts["paused"] += paused
        if paused < tracks.MOST_ENDED:
            break
    while True:
        async with service.database.transaction(FOLLOW, ministry=True) as session:
            ended, _ = await closing.finish(session, service, rules)
        counts["ended"] += ended
        if ended < tracks.MOST_ENDED:
            break
    if counts.total():
        log.logger().info("notices follow cases", count=counts.total())
        async with service.database.transaction(FOLLOW, ministry=True) as session:
            await enqueue(session, "notices.plan", queueing_lock="notices.plan")


@sweep("notices.plan")
async def make_due(service: Service) -> None:
    """Make every notice that is due, a batch a transaction."""
    rules, made = policy.of(service.settings), Made()
    while True:
        async with service.database.transaction(PLAN, ministry=True) as session:
            due = await plan.find(session, rules)
        told = 0
        for start in range(0, len(due), BATCH):
            async with service.database.transaction(PLAN, ministry=True) as session:
                made = await plan.make(session, service, rules, due[start : start + BATCH])
            told += made.told
            log.logger().info("notices made", count=made.told + made.mates)
        if len(due) < plan.MOST_FOUND or not told:
            return


@sweep("notices.outcomes")
async def find_other_ways(service: Service) -> None:
    """Say again, another way, what did not arrive."""
    while True:
        async with service.database.transaction(OUTCOMES, ministry=True) as session:
            settled, again = await outcomes.follow(session, service, policy.of(service.settings))
        if again:
            log.logger().info("notices said another way", count=again)
        if settled < outcomes.MOST:
            return


@sweep("notices.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Note which campaigns are done, and forget the counts of days that are over."""
    async with service.database.transaction("job:notices.tidy", ministry=True) as session:
        await campaigns.finish(session)
        await letters.forget_days(session, policy.of(service.settings))
