"""Where a carrier's systems are told of events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.webhooks import addresses
from simcheck.webhooks.address import LONGEST
from simcheck.webhooks.models import Webhook

router = APIRouter(tags=["webhooks"])

Event = Literal["batch.done", "batch.refused", "feedback.ready", "case.changed", "order.made"]


class WebhookAsked(Strict):
    """An address (https, a public host), and the events that it is told of."""

    url: str = Field(max_length=LONGEST)
    events: list[Event] = Field(min_length=1, max_length=20)


class WebhookView(Strict):
    """An address that is told of events."""

    id: UUID
    url: str
    events: list[str]
    active: bool
    added_at: datetime


class WebhookMade(WebhookView):
    """A new address, and the secret that its events are signed with: it is shown this once."""

    secret: str


class Webhooks(Strict):
    """All addresses."""

    webhooks: list[WebhookView]


class DeliveryView(Strict):
    """An event on its way to an address. `state`: due, delivered or given_up."""

    id: UUID
    event: str
    subject: str
    state: str
    attempts: int
    made_at: datetime
    due_at: datetime
    last_status: int | None
    delivered_at: datetime | None


class Deliveries(Strict):
    """What an address was told, or is to be told, the newest first."""

    deliveries: list[DeliveryView]


@router.post("/v1/webhooks", status_code=201)
async def add(
    asked: WebhookAsked, request: Request, acting: Annotated[Acting, acts("webhooks")]
) -> WebhookMade:
    """Have events told to an address. Check their signature with the secret that is answered."""
    service, principal = service_of(request), acting.principal
    assert principal.carrier is not None
    made, secret = await addresses.add(
        acting.session, service.keyring, principal.carrier, principal.client, asked.url, asked.events,
        private=service.settings.webhooks_private,
    )  # fmt: skip
    return WebhookMade(**_view(made).model_dump(), secret=secret)


@router.get("/v1/webhooks")
async def listed(acting: Annotated[Acting, acts("webhooks")]) -> Webhooks:
    """One's own addresses."""
    assert acting.principal.carrier is not None
    found = await addresses.listed(acting.session, acting.principal.carrier)
    return Webhooks(webhooks=[_view(each) for each in found])


@router.delete("/v1/webhooks/{webhook}", status_code=204)
async def remove(webhook: UUID, acting: Annotated[Acting, acts("webhooks")]) -> Response:
    """Tell an address nothing more."""
    await addresses.remove(acting.session, webhook)
    return Response(status_code=204)


@router.get("/v1/webhooks/{webhook}/deliveries")
async def deliveries(
    webhook: UUID, acting: Annotated[Acting, acts("webhooks")],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Deliveries:  # fmt: skip
    """What an address was told of the last 30 days, and what is still on its way."""
    found = await addresses.deliveries(acting.session, webhook, limit)
    return Deliveries(
        deliveries=[
            DeliveryView(
                id=each.id, event=each.event, subject=each.subject, state=each.state, attempts=each.attempts,
                made_at=each.made_at, due_at=each.due_at, last_status=each.last_status,
                delivered_at=each.delivered_at,
            )
            for each in found
        ]
    )  # fmt: skip


def _view(found: Webhook) -> WebhookView:
    return WebhookView(
        id=found.id, url=found.url, events=found.events, active=found.active, added_at=found.added_at
    )
