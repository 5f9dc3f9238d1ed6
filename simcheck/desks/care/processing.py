"""The register of processing activities."""

from __future__ import annotations

from fastapi import APIRouter, Response

from simcheck.care import processing, retention
from simcheck.desks.care.asked import PROCESSING, Looker, tabs
from simcheck.desks.frame.door import DeskRoute

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get(PROCESSING)
async def register(visit: Looker) -> Response:
    """What is done with whose data, on which ground, where it stands and how long."""
    async with visit.acting() as session:
        named = await tabs(visit, session)
    rules = {rule.id: rule for rule in retention.load().rules}
    return visit.page(
        "care/processing", tabs=named, current=PROCESSING, register=processing.load(), rules=rules
    )
