"""Chaining the question log."""

from __future__ import annotations

from jobs.schedule import sweep
from simcheck.gate import chain
from simcheck.service import Service


@sweep("gate.chain")
async def link_questions(service: Service) -> None:
    """Link every question that was asked so far into the audit chain, many at a time."""
    while True:
        async with service.database.transaction("job:gate.chain", ministry=True) as session:
            linked = await chain.link(session)
        if linked < chain.MOST:
            return
