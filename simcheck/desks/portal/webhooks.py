"""Where the carrier's systems are told of events: added, tried, removed; and what each was told."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError, InvalidError
from simcheck.webhooks import addresses
from simcheck.webhooks.address import LONGEST
from simcheck.webhooks.notify import EVENTS, try_out

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

DELIVERIES = 50
_TICK = "event-"
Manager = Annotated[Visit, needs(Permission.OWN_CLIENTS)]


@router.get("/portal/systems/webhooks")
async def listed(visit: Manager) -> Response:
    """All addresses of the carrier, and the form for another one."""
    return await _listed(visit)


@router.post("/portal/systems/webhooks")
async def add(visit: Manager) -> Response:
    """Add an address. The secret of its signatures is on the page that answers, and nowhere else."""
    say, service = visit.words, visit.service
    url, chosen = visit.form.line("url", LONGEST), _ticked(visit)
    if not chosen:
        return await _listed(visit, 422, url=url, faults={"events": say("portal.webhooks.no_event")})
    try:
        async with visit.acting() as session:
            made, secret = await addresses.add(
                session, service.keyring, telling.carrier_of(visit), visit.person.actor, url, chosen,
                private=service.settings.webhooks_private,
            )  # fmt: skip
    except InvalidError:
        return await _listed(visit, 422, url=url, faults={"url": say("portal.webhooks.wrong_url")})
    except ConflictError:
        too_many = say("portal.webhooks.too_many", most=addresses.MOST)
        return await _listed(visit, 409, url=url, faults={"url": too_many})
    return visit.page("portal/webhook_secret", at="/portal/systems/webhooks", webhook=made, secret=secret)


@router.get("/portal/systems/webhooks/{webhook}")
async def one(visit: Manager, webhook: uuid.UUID) -> Response:
    """An address, and what it was told or is to be told."""
    async with visit.acting() as session:
        found = await addresses.find(session, webhook)
        told = await addresses.deliveries(session, webhook, DELIVERIES)
    return visit.page("portal/webhook", webhook=found, deliveries=told)


@router.post("/portal/systems/webhooks/{webhook}/try")
async def try_it(visit: Manager, webhook: uuid.UUID) -> Response:
    """Tell an address something that means nothing; the page shows how it went."""
    async with visit.acting() as session:
        await try_out(session, await addresses.find(session, webhook))
    visit.note("portal.webhooks.tried")
    return visit.go(f"/portal/systems/webhooks/{webhook}")


@router.post("/portal/systems/webhooks/{webhook}/remove")
async def remove(visit: Manager, webhook: uuid.UUID) -> Response:
    """Tell an address nothing more."""
    async with visit.acting() as session:
        await addresses.remove(session, webhook)
    visit.note("portal.webhooks.removed")
    return visit.go("/portal/systems/webhooks")


def _ticked(visit: Visit) -> list[str]:
    return [each for each in EVENTS if visit.form.fields.get(_TICK + each)]


async def _listed(visit: Visit, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        found = await addresses.listed(session, telling.carrier_of(visit))
    events = [(each, visit.words(f"portal.event.{each.replace('.', '_')}")) for each in EVENTS]
    return visit.page(
        "portal/webhooks", status, at="/portal/systems/webhooks", webhooks=found, events=events,
        prefix_of_ticks=_TICK, ticked=_ticked(visit), **{"url": "", **values},
    )  # fmt: skip
