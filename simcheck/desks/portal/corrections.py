"""What holders said that the carrier's records should be, and the register confirmed: read, taken over."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import InvalidError
from simcheck.holders import owed
from simcheck.web import places

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

PAGE = 15  # each with a field of the form
_TICK = "take-"
Getting = Annotated[Visit, needs(Permission.FEEDBACK_GET)]
Acknowledging = Annotated[Visit, needs(Permission.FEEDBACK_GET, Permission.FEEDBACK_ACKNOWLEDGE)]


@router.get("/portal/feedback/corrections")
async def listed(
    visit: Getting,
    show: Annotated[str, Query()] = "",
    after: Annotated[str | None, Query(max_length=120)] = None,
) -> Response:
    """Corrections that the carrier has not acknowledged, or those that it has. The look is audited."""
    return await _shown(visit, taken=show == "taken", after=after)


@router.post("/portal/feedback/corrections")
async def acknowledge(visit: Acknowledging) -> Response:
    """Say that one has taken over those that are ticked."""
    try:
        ticked = {uuid.UUID(name.removeprefix(_TICK)) for name in visit.form.fields if name.startswith(_TICK)}
    except ValueError:
        raise InvalidError("Send the page's own form.") from None
    if not ticked:
        return await _shown(visit, 422, faults={"ticks": visit.words("portal.corrections.none_ticked")})
    async with visit.acting() as session:
        count = await owed.acknowledge(session, telling.carrier_of(visit), ticked)
    visit.note("portal.corrections.noted", count=count)
    return visit.go("/portal/feedback/corrections")


async def _shown(
    visit: Visit, status: int = 200, *, taken: bool = False, after: str | None = None, **values: Any
) -> Response:
    carrier, service = telling.carrier_of(visit), visit.service
    async with visit.acting() as session:
        found = await owed.page(
            session, service.keyring, carrier, acknowledged=taken, after=places.read(after), limit=PAGE + 1
        )
        shown = found[:PAGE]
        names = await telling.file_names(session, service, [each.correction.batch_id for each in shown])
    last = shown[-1].correction if len(found) > PAGE else None
    following = None
    if last is not None and last.settled_at is not None:
        following = visit.address(after=places.write(last.settled_at, last.id))
    return visit.page(
        "portal/corrections", status, at=None if status == 200 else "/portal/feedback/corrections",
        shown=shown, names=names, taken=taken, tick=_TICK, after=following,
        first=visit.address(after=None) if after else None, **values,
    )  # fmt: skip
