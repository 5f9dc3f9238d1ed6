"""`/v1/batches`: a carrier sends a subscriber file, and asks what became of it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, Principal, acts, asks, service_of
from simcheck.crosscheck import runs
from simcheck.errors import InvalidError, NotAllowedError
from simcheck.ingest import watching, whole
from simcheck.ingest.bodies import Intake
from simcheck.ingest.sender import Sender
from simcheck.service import Service
from simcheck.uploads import find
from simcheck.uploads.models import Batch, BatchKind, BatchState
from simcheck.uploads.receive import idempotency_key

router = APIRouter(tags=["uploads"])

MOST_LISTED = 200


class Refusal(Strict):
    """Why a batch cannot be used: a stable code, and words."""

    code: str
    text: str


class Progress(Strict):
    """How many parts of the cross-check are done."""

    buckets: int
    done: int


class BatchAnswer(Strict):
    """A batch: how far it is and what was counted."""

    id: uuid.UUID
    kind: BatchKind
    state: BatchState
    file_name: str | None
    bytes: int
    sha256: str
    rows: int | None
    counts: dict[str, Any]
    received_at: datetime
    changed_at: datetime
    done_at: datetime | None
    progress: Progress | None = None
    refusal: Refusal | None = None
    ignored_columns: list[str]
    warnings: list[str]


class BatchList(Strict):
    """Batches, the newest first; `next` goes on below the last one."""

    batches: list[BatchAnswer]
    next: str | None


_FORM = {
    "type": "object", "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"},
                   "kind": {"type": "string", "enum": [kind.value for kind in BatchKind]}},
}  # fmt: skip
_BODY = {"required": True, "content": {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    "multipart/form-data": {"schema": _FORM},
}}  # fmt: skip


@router.post(
    "/v1/batches", status_code=202, response_model=BatchAnswer, openapi_extra={"requestBody": _BODY},
    responses={200: {"model": BatchAnswer, "description": "The same file, or the same key, came before."}},
)  # fmt: skip
async def send(
    request: Request,
    principal: Annotated[Principal, asks("batches:write")],
    kind: Annotated[BatchKind | None, Query(description="Default: snapshot.")] = None,
    idempotency: Annotated[str | None, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Take a subscriber file: as the body itself, or as the part `file` of a form.

    The answer comes as soon as the file is kept; reading and checking follow. The same file twice is one
    batch.
    """
    service, key = service_of(request), idempotency_key(idempotency)
    try:
        kept, new = await whole.take(
            request, service, sender_of(principal, service), lambda intake: _kind(kind, intake), key
        )
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    async with principal.transaction(service) as session:
        answer = await shown(session, service, kept)
    headers = {"Location": f"/v1/batches/{kept.id}"}
    return JSONResponse(answer.model_dump(mode="json"), 202 if new else 200, headers)


@router.get("/v1/batches")
async def listed(
    request: Request,
    acting: Annotated[Acting, acts("batches:read")],
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    before: Annotated[datetime | None, Query(description="`next` of the answer before.")] = None,
    state: Annotated[BatchState | None, Query()] = None,
) -> BatchList:
    """The carrier's batches, the newest first."""
    if before is not None and before.tzinfo is None:
        raise InvalidError("before: write a moment with its time zone, such as 2026-11-23T08:00:00Z.")
    service = service_of(request)
    found = await find.newest(acting.session, limit, before, state)
    answers = [_answer(service, batch) for batch in found]
    following = found[-1].received_at.isoformat() if len(found) == limit else None
    return BatchList(batches=answers, next=following)


@router.get("/v1/batches/{batch}")
async def state_of(
    request: Request, batch: uuid.UUID, acting: Annotated[Acting, acts("batches:read")]
) -> BatchAnswer:
    """How far a batch is, what was counted, and if it was refused, why."""
    return await shown(acting.session, service_of(request), await find.one(acting.session, batch))


@router.get(
    "/v1/batches/{batch}/events", response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def events(
    request: Request, batch: uuid.UUID, principal: Annotated[Principal, asks("batches:read")]
) -> StreamingResponse:
    """The batch as server-sent events: one at once, one at each change, until it is done or refused.

    Ends with the life of an access token; a browser's EventSource asks again by itself.
    """
    service = service_of(request)
    await _look(service, principal, batch)  # whether there is one is told by the answer's status
    following = watching.events(
        "batch", lambda: _look(service, principal, batch), lambda seen: seen.model_dump(mode="json"),
        lambda seen: seen.state in find.ENDED, service.settings.token_seconds,
    )  # fmt: skip
    return StreamingResponse(following, media_type="text/event-stream")


async def _look(service: Service, principal: Principal, batch: uuid.UUID) -> BatchAnswer:
    async with principal.transaction(service) as session:
        return await shown(session, service, await find.one(session, batch))


async def shown(session: AsyncSession, service: Service, batch: Batch) -> BatchAnswer:
    """A batch with everything there is to say of it."""
    done = await runs.progress(session, batch.id)
    ignored, warnings = await asyncio.to_thread(find.remarks, batch, service.store, service.keyring)
    return _answer(service, batch).model_copy(update={
        "progress": Progress(buckets=done.buckets, done=done.done) if done else None,
        "ignored_columns": ignored, "warnings": warnings,
    })  # fmt: skip


def _answer(service: Service, batch: Batch) -> BatchAnswer:
    refusal = None
    if batch.refusal_code is not None:
        refusal = Refusal(code=batch.refusal_code, text=batch.refusal or "")
    return BatchAnswer(
        id=batch.id, kind=BatchKind(batch.kind), state=BatchState(batch.state),
        file_name=find.name_of(batch, service.keyring), bytes=batch.size, sha256=batch.digest.hex(),
        rows=batch.rows, counts=batch.counts, received_at=batch.received_at, changed_at=batch.changed_at,
        done_at=batch.done_at, refusal=refusal, ignored_columns=[], warnings=[],
    )  # fmt: skip


def sender_of(principal: Principal, service: Service) -> Sender:
    """The carrier's client as the sender of a file. Raises NotAllowedError for one that belongs to none."""
    if principal.carrier is None:
        raise NotAllowedError("Only a carrier's client sends subscriber files.")
    return Sender(principal.client, principal.carrier, lambda: principal.transaction(service))


def _kind(asked: BatchKind | None, intake: Intake) -> BatchKind:
    """What the file is, said in the address or in the form, once. Raises InvalidError."""
    said = intake.fields.pop("kind", None)
    if intake.fields:
        raise InvalidError("The form has a field that is not known. There are `file` and `kind`.")
    if said is None:
        return asked or BatchKind.SNAPSHOT
    if asked is not None or said not in list(BatchKind):
        raise InvalidError("kind: say snapshot or delta, once.")
    return BatchKind(said)
