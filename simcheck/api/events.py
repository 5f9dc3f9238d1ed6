"""`POST /v1/events`: a carrier tells of changed SIMs and handsets, and of faces checked again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.gate import events
from simcheck.gate.events import Told
from simcheck.gate.models import SimEventKind

router = APIRouter(tags=["gate"])
MOST = 500  # events of a request


class Event(Strict):
    """One change. `id`: one's own, of this event alone; told again, it changes nothing."""

    id: str = Field(min_length=1, max_length=100, examples=["hlr-7-20261127-000412"])
    msisdn: str = Field(max_length=40, examples=["+84912345678"])
    kind: SimEventKind = Field(strict=False)
    at: AwareDatetime = Field(strict=False, description="With its offset from UTC.")


class Events(Strict):
    """Changes, in any order."""

    events: list[Event] = Field(min_length=1, max_length=MOST)


class KeptView(Strict):
    """How many are new (`kept`), and how many were told before (`known`)."""

    kept: int
    known: int


@router.post("/v1/events", status_code=201)
async def tell(request: Request, told: Events, acting: Annotated[Acting, acts("events:write")]) -> KeptView:
    """Tell of SIMs and handsets that were changed, and of faces that were checked again; all are kept, or
    none. No code is sent to a number for some days after a change. A change of handset begins the clock of
    the law, and a face check after it ends that.
    """
    carrier = acting.principal.carrier
    assert carrier  # a scope of carriers' clients alone
    said = [Told(each.id, each.msisdn, each.kind, each.at) for each in told.events]
    kept = await events.tell(
        acting.session, service_of(request).keyring, carrier, acting.principal.client, said
    )
    return KeptView(kept=kept.kept, known=kept.known)
