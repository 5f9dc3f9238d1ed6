"""Orders to a carrier: fetched, acknowledged in whole or in part, answered line by line or by the file
itself.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field, ValidationError
from starlette.requests import ClientDisconnect

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, Principal, acts, asks, service_of
from simcheck.enforcement.orders import answer_files, answers, find, intake, send
from simcheck.enforcement.orders.answers import Outcome, Taken
from simcheck.enforcement.orders.download import download
from simcheck.enforcement.orders.models import OrderAct, OrderAnswer, OrderBatch, OrderState
from simcheck.errors import InvalidError, TooLargeError
from simcheck.ingest.sender import Sender
from simcheck.web import places

router = APIRouter(tags=["orders"])
MOST = 1000  # lines of an answer in JSON
Word = Literal["done", "already", "failed", "not_ours", "ended", "unknown"]


class OrderView(Strict):
    """An order. `due_at`: when the next answer is due, that one has it, then what became of it."""

    id: UUID
    act: OrderAct
    state: OrderState
    lines: int
    sent_at: datetime
    due_at: datetime | None
    acknowledged_at: datetime | None
    done_at: datetime | None
    file_name: str
    sha256: str


class OrderPage(Strict):
    """Orders, the newest first. `next`: what to send as `after` for the ones that follow."""

    orders: list[OrderView]
    next: str | None


class Counted(Strict):
    """So many lines in this state, with this outcome."""

    state: str
    outcome: str | None
    lines: int


class FileView(Strict):
    """A file that came back. `refused`: rows of it that were not taken, each with a word that says why."""

    id: UUID
    received_at: datetime
    state: str
    rows: int | None
    accepted: int | None
    refused: list[RefusedLine]
    reason: str | None


class OrderDetail(OrderView):
    """An order, how far its lines are, and the files that came back."""

    counts: list[Counted]
    files: list[FileView]


class LineView(Strict):
    """A line of an order."""

    line: int
    msisdn: str
    act: OrderAct
    reason: str
    state: str
    outcome: str | None
    outcome_at: datetime | None
    acknowledged_at: datetime | None


class LinePage(Strict):
    """Lines of an order. `next`: what to send as `after` for the ones that follow."""

    lines: list[LineView]
    next: int | None


class Acknowledgement(Strict):
    """That one has the order: the whole of it, so many `rows`; or some of its `lines`. One of the two."""

    rows: int | None = Field(None, ge=0)
    lines: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] | None = Field(None, min_length=1, max_length=MOST)


class OutcomeSaid(Strict):
    """What became of a line, and when it was done."""

    line: int = Field(ge=1, le=2**31 - 1)
    outcome: Word
    at: Annotated[datetime, Field(strict=False)] | None = None


class Outcomes(Strict):
    """What became of lines of an order."""

    outcomes: list[OutcomeSaid] = Field(min_length=1, max_length=MOST)


class RefusedLine(Strict):
    """A line that was not taken: `not_ordered`, `other_number`, `settled`, `twice`, `future` and others."""

    line: int
    why: str


class TakenView(Strict):
    """How many lines were taken, those too that were said before; and which were not."""

    accepted: int
    refused: list[RefusedLine]


_FILE = {"type": "string", "format": "binary"}
_BODY = {"required": True, "content": {
    "application/json": {"schema": {"$ref": "#/components/schemas/Outcomes"}},
    "application/octet-stream": {"schema": _FILE},
    "multipart/form-data": {"schema": {
        "type": "object", "required": ["file"], "properties": {"file": _FILE},
    }},
}}  # fmt: skip


@router.get("/v1/orders")
async def listed(
    acting: Annotated[Acting, acts("orders:read")],
    state: OrderState | None = None,
    after: Annotated[str | None, Query(max_length=120)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> OrderPage:
    """One's own orders, the newest first: those that were sent."""
    assert acting.principal.carrier is not None
    states = [each for each in find.LEFT if state in (None, each)]
    if not states:
        return OrderPage(orders=[], next=None)
    found = await find.page(
        acting.session,
        states=states,
        carrier=acting.principal.carrier,
        before=places.read(after),
        limit=limit,
    )
    following = places.write(found[-1].proposed_at, found[-1].id) if len(found) == limit else None
    return OrderPage(orders=[_view(each) for each in found], next=following)


@router.get("/v1/orders/{order}")
async def one(order: UUID, acting: Annotated[Acting, acts("orders:read")]) -> OrderDetail:
    """An order: how far its lines are, and what became of files that one sent back."""
    found = await find.one_sent(acting.session, order)
    counts = await find.counts(acting.session, order)
    files = await answer_files.of_order(acting.session, order)
    return OrderDetail(
        **_view(found).model_dump(),
        counts=[
            Counted(state=state, outcome=outcome, lines=count)
            for (state, outcome), count in counts.items()
            if state != "dropped"
        ],
        files=[_file(each) for each in files],
    )


@router.get("/v1/orders/{order}/lines")
async def lines(
    order: UUID, request: Request, acting: Annotated[Acting, acts("orders:read")],
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    unsettled: bool = False,
) -> LinePage:  # fmt: skip
    """The lines of an order, a page at a time; `unsettled`: those whose outcome one has not told. Audited."""
    found = await find.one_sent(acting.session, order)
    keyring = service_of(request).keyring
    told = await find.lines(
        acting.session, keyring, found, after=after, limit=limit, unsettled=unsettled
    )  # fmt: skip
    views = [LineView(**each._asdict() | {"act": OrderAct(each.act)}) for each in told]
    return LinePage(lines=views, next=views[-1].line if len(views) == limit else None)


@router.get("/v1/orders/{order}/file", response_class=StreamingResponse)
async def file(
    order: UUID, request: Request, principal: Annotated[Principal, asks("orders:read")]
) -> StreamingResponse:
    """The order's file in one's own format. Fill in its last columns and send it back to `outcomes`."""
    service = service_of(request)
    async with principal.transaction(service) as session:
        found = await find.one_sent(session, order)
        send.fetched(session, found)
    sent = download(service.store, service.keyring, found)
    return StreamingResponse(sent.pieces, media_type=sent.media_type, headers=sent.headers)


@router.post("/v1/orders/{order}/acknowledgement")
async def acknowledge(
    order: UUID, said: Acknowledgement, request: Request, acting: Annotated[Acting, acts("orders:write")]
) -> TakenView:
    """Say that one has the order. Lines that were not ordered are refused, the others are taken."""
    service = service_of(request)
    if (said.rows is None) == (said.lines is None):
        raise InvalidError("Say rows for the whole order, or lines for some of it.")
    if said.rows is not None:
        return _taken(await answers.acknowledge_all(acting.session, service, order, said.rows))
    return _taken(await answers.acknowledge(acting.session, service, order, said.lines or ()))


@router.post(
    "/v1/orders/{order}/outcomes", response_model=TakenView,
    openapi_extra={"requestBody": _BODY},
    responses={202: {"model": FileView, "description": "The file is kept, and is being read."}},
)  # fmt: skip
async def outcomes(
    order: UUID, request: Request, principal: Annotated[Principal, asks("orders:write")]
) -> Response:
    """Say what became of lines: at most 1000 in JSON; or send the order's file back, filled in."""
    service = service_of(request)
    assert principal.carrier is not None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        said = await _read(request, service.settings.body_bytes * 4)
        async with principal.transaction(service) as session:
            told = [Outcome(each.line, each.outcome, _zoned(each.at)) for each in said.outcomes]
            taken = await answers.take(session, service, order, told)
        return JSONResponse(_taken(taken).model_dump(mode="json"))
    sender = Sender(principal.actor, principal.carrier, lambda: principal.transaction(service))
    try:
        kept = await intake.take(request, service, sender, order)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    return JSONResponse(_file(kept).model_dump(mode="json"), 202)


async def _read(request: Request, most: int) -> Outcomes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise TooLargeError(f"An answer in JSON has at most {MOST} lines. Send the file for more.")
    try:
        read: Any = json.loads(bytes(body))
        return Outcomes.model_validate(read)
    except (ValueError, RecursionError) as error:
        where = ""
        if isinstance(error, ValidationError):
            fault = error.errors(include_input=False, include_url=False)[0]
            where = f" {'.'.join(map(str, fault['loc']))}: {fault['msg']}."
        raise InvalidError(f'Send {{"outcomes": [{{"line", "outcome", "at"}}]}}.{where}') from None


def _zoned(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise InvalidError("at: write a moment with its time zone, such as 2026-11-23T08:00:00Z.")
    return at


def _taken(taken: Taken) -> TakenView:
    return TakenView(
        accepted=taken.accepted, refused=[RefusedLine(line=line, why=why) for line, why in taken.refused]
    )


def _view(order: OrderBatch) -> OrderView:
    assert order.sent_at is not None
    assert order.digest is not None
    return OrderView(
        id=order.id, act=OrderAct(order.act), state=OrderState(order.state), lines=order.lines,
        sent_at=order.sent_at, due_at=order.due_at, acknowledged_at=order.acknowledged_at,
        done_at=order.done_at, file_name=order.file_name or "", sha256=order.digest.hex(),
    )  # fmt: skip


def _file(answer: OrderAnswer) -> FileView:
    return FileView(
        id=answer.id, received_at=answer.received_at, state=answer.state, rows=answer.rows,
        accepted=answer.accepted, refused=[RefusedLine(line=row, why=why) for row, why in answer.refused],
        reason=answer.reason,
    )  # fmt: skip
