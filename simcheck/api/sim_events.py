"""`POST /v1/sim-events`: a carrier tells of changed SIMs and handsets, and of faces checked again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.gate.models import SimEventKind
from simcheck.gate.sim_events import Told, tell

router = APIRouter(tags=["gate"])
MOST = 500  # events of a request


class Event(Strict):
    """One change."""

    msisdn: str = Field(max_length=40, examples=["+84912345678"])
    kind: SimEventKind = Field(strict=False)
    at: AwareDatetime = Field(strict=False, description="With its offset from UTC.")


class Events(Strict):
    """Changes, in any order."""

    events: list[Event] = Field(min_length=1, max_length=MOST)


class Kept(Strict):
    """How many were kept: all, or none."""

    kept: int


@router.post("/v1/sim-events", status_code=201)
async def sim_events(request: Request, told: Events, acting: Annotated[Acting, acts("events:write")]) -> Kept:
    """Tell of SIMs and handsets that were changed, and of faces that were checked again. No code is sent to a
    number for some days after a change.
    """
    carrier = acting.principal.carrier
    assert carrier  # a scope of carriers' clients alone
    events = [Told(each.msisdn, each.kind, each.at) for each in told.events]
    await tell(acting.session, service_of(request).keyring, carrier, acting.principal.client, events)
    return Kept(kept=len(events))
