"""`/v1/uploads`: resumable uploads (`simcheck.ingest.tus`) by a carrier's client."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Request, Response

from simcheck.api.batches import sender_of
from simcheck.api.guard import Principal, asks, service_of
from simcheck.api.problems import of_error, problem
from simcheck.ingest.sender import Sender
from simcheck.ingest.tus import COMMON, Tus

router = APIRouter(tags=["uploads"])

TUS = Tus("/v1/uploads", "/v1/batches", lambda _, error: of_error(error))
Writes = Annotated[Principal, asks("batches:write")]


@router.options("/v1/uploads", status_code=204, response_class=Response)
async def options(request: Request, _: Writes) -> Response:
    """What this server can do."""
    return TUS.options(service_of(request))


@router.post("/v1/uploads", status_code=201, response_class=Response)
async def create(request: Request, principal: Writes) -> Response:
    """Begin an upload, with or without its first bytes."""
    return await TUS.create(request, service_of(request), _sender(request, principal))


@router.head("/v1/uploads/{upload}", response_class=Response)
async def where(request: Request, upload: uuid.UUID, principal: Writes) -> Response:
    """How much of an upload is kept."""
    return await TUS.where(request, service_of(request), _sender(request, principal), upload)


@router.patch("/v1/uploads/{upload}", status_code=204, response_class=Response)
async def go_on(request: Request, upload: uuid.UUID, principal: Writes) -> Response:
    """The next bytes of an upload."""
    return await TUS.go_on(request, service_of(request), _sender(request, principal), upload)


@router.delete("/v1/uploads/{upload}", status_code=204, response_class=Response)
async def end(request: Request, upload: uuid.UUID, principal: Writes) -> Response:
    """Give an upload up. What became a batch stays one."""
    return await TUS.end(request, service_of(request), _sender(request, principal), upload)


@router.post("/v1/uploads/{upload}", status_code=204, response_class=Response)
async def in_disguise(request: Request, upload: uuid.UUID, principal: Writes) -> Response:
    """PATCH or DELETE of a client that can only POST: X-HTTP-Method-Override says which."""
    told = request.headers.get("x-http-method-override", "").upper()
    meant = {"PATCH": TUS.go_on, "DELETE": TUS.end}.get(told)
    if meant is None:
        return problem(405, "method_not_allowed", "Send PATCH, HEAD or DELETE.", headers=COMMON)
    return await meant(request, service_of(request), _sender(request, principal), upload)


def _sender(request: Request, principal: Principal) -> Sender:
    return sender_of(principal, service_of(request))
