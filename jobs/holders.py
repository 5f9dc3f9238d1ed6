"""Holders' codes, corrections that wait for the register, and what is over."""

from __future__ import annotations

import uuid
from datetime import timedelta

from jobs.schedule import HOURLY, sweep
from jobs.tasks import job
from simcheck import log
from simcheck.holders import codes, correct, owed, possession, sessions, waiting
from simcheck.queue import enqueue_many
from simcheck.service import Service


@job("holders.send_code")
async def send_code(service: Service, challenge: str) -> None:
    """Send the code of a challenge, if there is one to send."""
    async with service.database.transaction("job:holders.send_code", ministry=True) as session:
        await codes.send(session, service, uuid.UUID(challenge))


@job("holders.recheck")
async def recheck(service: Service, correction: str) -> None:
    """Check a correction again that waits for the register."""
    actor = "job:holders.recheck"
    async with service.database.transaction(actor, ministry=True) as session:
        wanted = await waiting.look_again(session, service, uuid.UUID(correction))
    if wanted is None:
        return
    found = await correct.check(service, wanted)
    async with service.database.transaction(actor, ministry=True) as session:
        await correct.finish(session, service, wanted, found)


@sweep("holders.sweep")
async def find_due(service: Service) -> None:
    """Wake codes whose job was lost, and corrections that wait for the register."""
    async with service.database.transaction("job:holders.sweep", ministry=True) as session:
        codes_waiting = await codes.wake_unsent(session)
        jobs = [
            {"args": {"correction": str(each)}, "queueing_lock": f"holders.recheck/{each}"}
            for each in await waiting.due(session)
        ]
        if jobs:
            await enqueue_many(session, "holders.recheck", jobs)
    if codes_waiting or jobs:
        log.logger().info("holders waiting", count=codes_waiting + len(jobs))


@sweep("holders.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Forget challenges and sessions that are over, and what was said in corrections that are done."""
    async with service.database.transaction("job:holders.tidy", ministry=True) as session:
        await possession.forget_over(session)
        await sessions.forget_over(session)
        await owed.forget(session, timedelta(days=service.settings.feedback_days))
