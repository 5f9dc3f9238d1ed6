"""The clock of questions: late ones go to staff, answered ones are closed in time."""

from __future__ import annotations

from datetime import timedelta

from jobs.schedule import HOURLY, sweep
from simcheck import log
from simcheck.helpdesk import questions
from simcheck.service import Service


@sweep("helpdesk.overdue", "*/10 * * * *")
async def take_late(service: Service) -> None:
    """Give questions that were not answered in time to staff."""
    async with service.database.transaction("job:helpdesk.overdue", ministry=True) as session:
        taken = await questions.take_late(session)
    if taken:
        log.logger().info("questions taken over", count=taken)


@sweep("helpdesk.settle", HOURLY)
async def settle(service: Service) -> None:
    """Close questions that were answered a while ago, and forget what old ones said."""
    after, kept = service.settings.question_days, service.settings.question_kept_days
    async with service.database.transaction("job:helpdesk.settle", ministry=True) as session:
        await questions.settle(session, timedelta(days=after))
        await questions.forget(session, timedelta(days=kept))
