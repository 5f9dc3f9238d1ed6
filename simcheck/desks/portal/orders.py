"""Orders to the carrier: its file fetched, acknowledged, and sent back filled in."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Token, Visit, needs
from simcheck.desks.portal import telling
from simcheck.desks.portal.uploads import sender_of
from simcheck.enforcement.orders import answer_files, answers, find, intake, send, words
from simcheck.enforcement.orders.download import download
from simcheck.enforcement.orders.models import OrderState
from simcheck.errors import ConflictError, DigestError, InvalidError, MediaTypeError
from simcheck.web import places
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ROOM = "/portal/orders"
Seeing = Annotated[Visit, needs(Permission.ORDER_SEE)]
Answering = Annotated[Visit, needs(Permission.ORDER_SEE, Permission.ORDER_ANSWER)]
WithFile = Annotated[Visit, needs(Permission.ORDER_SEE, Permission.ORDER_ANSWER, token=Token.FILE)]
KINDS = {"sent": "warn", "acknowledged": "warn", "done": "good"}


@router.get(ROOM)
async def listed(
    visit: Seeing, show: str = "", after: Annotated[str | None, Query(max_length=120)] = None
) -> Response:
    """The carrier's orders, the newest first: those that it has not settled, or all."""
    carrier, everything = telling.carrier_of(visit), show == "all"
    states = find.LEFT if everything else (OrderState.SENT, OrderState.ACKNOWLEDGED)
    async with visit.acting() as session:
        found = await find.page(session, states=states, carrier=carrier, before=places.read(after))
    more = None
    if len(found) == find.PAGE:
        more = visit.address(after=places.write(found[-1].proposed_at, found[-1].id))
    return visit.page(
        "portal/orders", orders=found, everything=everything, more=more, kinds=KINDS, **_words(visit)
    )


@router.get(f"{ROOM}/{{order_id}}")
async def one(visit: Seeing, order_id: uuid.UUID) -> Response:
    """An order: its file, how far its lines are, and the files that were sent back."""
    return await _shown(visit, order_id)


@router.get(f"{ROOM}/{{order_id}}/file")
async def file(visit: Seeing, order_id: uuid.UUID) -> Response:
    """The order's file in the carrier's own format. The look is audited."""
    service = visit.service
    async with visit.acting() as session:
        found = await find.one_sent(session, order_id)
        send.fetched(session, found)
    sent = download(service.store, service.keyring, found)
    return StreamingResponse(sent.pieces, media_type=sent.media_type, headers=HEADERS | sent.headers)


@router.post(f"{ROOM}/{{order_id}}/acknowledge")
async def acknowledge(visit: Answering, order_id: uuid.UUID) -> Response:
    """Say that the carrier has the whole order; the form says how many lines those were."""
    rows = visit.form.line("rows", 12)
    try:
        async with visit.acting() as session:
            lines = int(rows) if rows.isdecimal() else -1
            await answers.acknowledge_all(session, visit.service, order_id, lines)
    except ConflictError:
        return await _shown(visit, order_id, 409, faults={"rows": visit.words("portal.orders.other_rows")})
    visit.note("portal.orders.noted")
    return visit.go(f"{ROOM}/{order_id}")


@router.post(f"{ROOM}/{{order_id}}/outcomes")
async def outcomes(visit: WithFile, order_id: uuid.UUID) -> Response:
    """Take the order's file back, filled in. A job reads it."""
    try:
        await intake.take(
            visit.request, visit.service, sender_of(visit), order_id, before_file=visit.require_ours
        )
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except (InvalidError, MediaTypeError, DigestError) as error:
        fault = {"file": visit.words("portal.orders.no_file")}
        return await _shown(visit, order_id, error.http_status, faults=fault)
    visit.note("portal.orders.taken")
    return visit.go(f"{ROOM}/{order_id}")


async def _shown(visit: Visit, order_id: uuid.UUID, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        order = await find.one_sent(session, order_id)
        counts = await find.counts(session, order_id)
        files = await answer_files.of_order(session, order_id)
    return visit.page(
        "portal/order", status, at=None if status == 200 else f"{ROOM}/{order_id}", order=order, files=files,
        counts={key: count for key, count in counts.items() if key[0] != "dropped"}, kinds=KINDS,
        **_words(visit), **values,
    )  # fmt: skip


def _words(visit: Visit) -> dict[str, Any]:
    language = visit.words.language
    return {"word": lambda group, key: words.say(group, key, language)}
