"""What would be due under a version of the policy, beside the one in force."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.enforcement import store
from simcheck.enforcement.models import PolicyState
from simcheck.enforcement.simulate import Simulation, simulate
from simcheck.enforcement.words import Act
from simcheck.errors import InvalidError, NotFoundError
from simcheck.normalise import provinces

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

SIMULATION = "/desk/policy/simulation"
DAYS = (30, 60, 120)
CARRIERS = sa.text("SELECT code FROM carrier ORDER BY code")


@router.get(SIMULATION)
async def simulation(visit: Annotated[Visit, needs(Permission.POLICY_SEE)]) -> Response:
    """Orders a day, carrier, province and step, if nobody did anything."""
    query = visit.request.query_params
    days, carrier = query.get("days") or str(DAYS[-1]), query.get("carrier") or None
    if days not in {str(each) for each in DAYS}:
        raise InvalidError("There is no such number of days.")
    async with visit.acting() as session:
        carriers = list(await session.scalars(CARRIERS))
        if carrier is not None and carrier not in carriers:
            raise NotFoundError("There is no such carrier.")
        known = [each for each in await store.versions(session) if each.state != PolicyState.WITHDRAWN]
        now = await store.in_force(session)
        wanted = query.get("version") or (now.version if now else known[0].version if known else None)
        found = beside = None
        if wanted is not None:
            policy = store.policy_of(await store.one(session, wanted))
            found = await simulate(session, policy, store.today(), int(days), carrier=carrier)
            if now is not None and now.version != wanted:
                beside = await simulate(session, now, store.today(), int(days), carrier=carrier)
    return visit.page(
        "policy/simulation", found=found, rows=_rows(found, beside) if found else [], beside=beside,
        versions=known, wanted=wanted, days=days, choices=DAYS, carrier=carrier, carriers=carriers,
        now=now.version if now else None, acts=list(Act), names=provinces.names(),
    )  # fmt: skip


def _rows(found: Simulation, beside: Simulation | None) -> list[dict[str, object]]:
    """The days on which anything is due, under either policy."""
    other = beside.by_day.sum(axis=1) if beside else found.by_day.sum(axis=1)
    return [
        {"day": day, "steps": steps.tolist(), "total": int(steps.sum()), "other": int(more), "brake": brake}
        for day, steps, more, brake in zip(found.days, found.by_day, other, found.brakes, strict=True)
        if steps.any() or more
    ]
