"""Answering what holders send by SMS."""

from __future__ import annotations

from jobs.tasks import job
from simcheck import log
from simcheck.replies import handle
from simcheck.service import Service


@job("replies.handle")
async def answer_all(service: Service) -> None:
    """Do and answer every message that waits, each in a transaction of its own.

    One that cannot be done now does not hold up the others; it waits, and the sweep of messages wakes this
    again.
    """
    last = handle.FIRST
    while True:
        async with service.database.transaction("job:replies.handle", ministry=True) as session:
            found = await handle.waiting(session, last)
        for last in found:
            try:
                async with service.database.transaction(f"holder:sms/{last.id}", ministry=True) as session:
                    await handle.answer(session, service, last.id)
            except Exception as error:
                log.logger().error("message not answered", exc_info=error)
        if not found:
            return
