"""Decisions of the desk bind when their seconds are over; a sweep finds those whose job was lost."""

from __future__ import annotations

import uuid

from jobs.schedule import EVERY_MINUTE, sweep
from jobs.tasks import job
from simcheck import log
from simcheck.review import decide
from simcheck.service import Service


@job("review.bind")
async def bind(service: Service, decision: str) -> None:
    """Let one decision bind."""
    decision_id = uuid.UUID(decision)
    async with service.database.transaction("job:review.bind", ministry=True) as session:
        made_by = await decide.maker(session, decision_id)
    if made_by is not None:
        await _bind(service, decision_id, made_by)


@sweep("review.bind_due", EVERY_MINUTE)
async def bind_due(service: Service) -> None:
    """Let every decision bind whose time has come."""
    async with service.database.transaction("job:review.bind_due", ministry=True) as session:
        due = await decide.due(session)
    for each in due:
        await _bind(service, each.id, each.made_by)


async def _bind(service: Service, decision_id: uuid.UUID, made_by: str) -> None:
    """In the name of whoever decided: it is their act, though the clock does it."""
    async with service.database.transaction(made_by, ministry=True) as session:
        state = await decide.bind(session, service, decision_id)
    if state is not None:
        log.logger().info("decision settled", state=state.value)
