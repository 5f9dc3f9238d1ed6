"""`/v1/batches`: a carrier sends a subscriber file, and asks what became of it."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, Principal, acts, asks, service_of
from simcheck.api.intake import Intake, take_in
from simcheck.errors import InvalidError, NotAllowedError
from simcheck.lake.sealed_file import sealing
from simcheck.service import Service
from simcheck.uploads import find, vault
from simcheck.uploads.models import Batch, BatchKind, BatchState
from simcheck.uploads.receive import Arrived, idempotency_key, receive

router = APIRouter(tags=["uploads"])

MOST_LISTED = 200
POLL = 1.0  # seconds between two looks at a batch that is watched
QUIET = 15.0  # seconds after which a comment keeps the connection open
_ENDED = {BatchState.DONE, BatchState.REFUSED}

# How many buckets a batch's newest run has, and how many of them are done.
PROGRESS = sa.text("""
SELECT run.buckets, count(bucket.run_id) FILTER (WHERE bucket.state = 'done')
FROM run LEFT JOIN run_bucket AS bucket ON bucket.run_id = run.id
WHERE run.batch_id = :batch GROUP BY run.id ORDER BY run.made_at DESC LIMIT 1
""").bindparams(sa.bindparam("batch", type_=sa.Uuid()))


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
    service, carrier = service_of(request), carrier_of(principal)
    key, batch = idempotency_key(idempotency), uuid.uuid4()
    folder = vault.place(carrier, batch)
    try:
        with sealing(service.store, service.keyring, folder) as writer:
            intake = await take_in(request, service.settings.body_rate, writer.write)
            sent_as = _kind(kind, intake)
    except BaseException as error:
        await asyncio.to_thread(service.store.remove_folder, folder)
        if isinstance(error, ClientDisconnect):
            return Response(status_code=400)  # nobody reads it
        raise
    arrived = Arrived(
        batch, carrier, principal.client, sent_as, intake.digest, intake.size, folder, intake.file_name, key
    )
    async with principal.transaction(service) as session:
        kept, new = await receive(session, service.keyring, arrived)
        answer = await shown(session, service, kept)
    if not new:
        await asyncio.to_thread(service.store.remove_folder, folder)
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
    first = await _look(service, principal, batch)
    return StreamingResponse(_events(service, principal, first), media_type="text/event-stream")


async def _events(service: Service, principal: Principal, answer: BatchAnswer) -> AsyncIterator[str]:
    began = spoken = time.monotonic()
    yield _event(answer)
    while answer.state not in _ENDED and time.monotonic() - began < service.settings.token_seconds:
        await asyncio.sleep(POLL)
        seen, answer = answer, await _look(service, principal, answer.id)
        if answer != seen:
            yield _event(answer)
            spoken = time.monotonic()
        elif time.monotonic() - spoken > QUIET:
            yield ": still there\n\n"
            spoken = time.monotonic()


def _event(answer: BatchAnswer) -> str:
    return f"event: batch\ndata: {json.dumps(answer.model_dump(mode='json'), ensure_ascii=False)}\n\n"


async def _look(service: Service, principal: Principal, batch: uuid.UUID) -> BatchAnswer:
    async with principal.transaction(service) as session:
        return await shown(session, service, await find.one(session, batch))


async def shown(session: AsyncSession, service: Service, batch: Batch) -> BatchAnswer:
    """A batch with everything there is to say of it."""
    row = (await session.execute(PROGRESS, {"batch": batch.id})).one_or_none()
    ignored, warnings = await asyncio.to_thread(find.remarks, batch, service.store, service.keyring)
    return _answer(service, batch).model_copy(update={
        "progress": Progress(buckets=row[0], done=row[1]) if row else None,
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


def carrier_of(principal: Principal) -> str:
    """The carrier that sends. Raises NotAllowedError for a client that belongs to none."""
    if principal.carrier is None:
        raise NotAllowedError("Only a carrier's client sends subscriber files.")
    return principal.carrier


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
