"""Feedback files: what a carrier has to mend, row by row, until it says that it has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, Principal, acts, asks, service_of
from simcheck.feedback import ledger
from simcheck.feedback.corrected import Corrections
from simcheck.feedback.download import download
from simcheck.feedback.formats import MEDIA_TYPES, Format
from simcheck.feedback.models import Feedback
from simcheck.holders import owed
from simcheck.queue import enqueue

router = APIRouter(tags=["feedback"])
_FILE = {200: {"description": "The file.", "content": {kind: {} for kind in MEDIA_TYPES.values()}}}
_Wanted = Annotated[Format, Query(alias="format")]


class FeedbackView(Strict):
    """A feedback file. Without `batch` it is a standing one: all that was not verified when it was made."""

    id: UUID
    batch: UUID | None
    rows: int
    made_at: datetime
    acknowledged_at: datetime | None
    kept: bool


class FeedbackList(Strict):
    """Feedback files, the newest first."""

    feedback: list[FeedbackView]


class Acknowledgement(Strict):
    """That the carrier has the whole file: `rows`, as many as it has read."""

    rows: int = Field(ge=0)


class Promised(Strict):
    """That a file is being made; it will be among the files."""

    making: bool = True


@router.get("/v1/feedback")
async def files(
    acting: Annotated[Acting, acts("feedback:read")],
    acknowledged: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> FeedbackList:
    """One's own feedback files, the newest first: those of batches and standing ones."""
    assert acting.principal.carrier is not None
    found = await ledger.page(
        acting.session, acting.principal.carrier, acknowledged=acknowledged, limit=limit
    )
    return FeedbackList(feedback=[_view(each) for each in found])


@router.post("/v1/feedback", status_code=202)
async def ask(acting: Annotated[Acting, acts("feedback:read")]) -> Promised:
    """Have a new standing file made, of how everything stands now."""
    carrier = acting.principal.carrier
    await enqueue(
        acting.session, "feedback.standing", queueing_lock=f"feedback.standing/{carrier}", carrier=carrier
    )
    return Promised()


@router.get("/v1/feedback/{feedback}", response_class=StreamingResponse, responses=_FILE)  # type: ignore[arg-type]
async def file(
    feedback: UUID, request: Request, principal: Annotated[Principal, asks("feedback:read")],
    wanted: _Wanted = Format.CSV,
) -> StreamingResponse:  # fmt: skip
    """A feedback file's content; beside its rows what holders said, until one acknowledges that."""
    async with principal.transaction(service_of(request)) as session:
        found = await ledger.get(session, feedback)
        said = await owed.beside(session, service_of(request).keyring, found.carrier)
    return _sent(request, found, wanted, said)


@router.get(
    "/v1/batches/{batch}/feedback", response_class=StreamingResponse, responses=_FILE  # type: ignore[arg-type]
)  # fmt: skip
async def of_batch(
    batch: UUID, request: Request, principal: Annotated[Principal, asks("feedback:read")],
    wanted: _Wanted = Format.CSV,
) -> StreamingResponse:  # fmt: skip
    """A batch's feedback file; beside its rows what holders said, until one acknowledges that."""
    async with principal.transaction(service_of(request)) as session:
        found = await ledger.of_batch(session, batch)
        said = await owed.beside(session, service_of(request).keyring, found.carrier)
    return _sent(request, found, wanted, said)


@router.post("/v1/feedback/{feedback}/acknowledge")
async def acknowledge(
    feedback: UUID, said: Acknowledgement, acting: Annotated[Acting, acts("feedback:read")]
) -> FeedbackView:
    """Say that one has the file. Until then it is kept."""
    found = await ledger.get(acting.session, feedback)
    await ledger.acknowledge(acting.session, found, said.rows)
    return _view(found)


@router.post("/v1/batches/{batch}/feedback/acknowledge")
async def acknowledge_of_batch(
    batch: UUID, said: Acknowledgement, acting: Annotated[Acting, acts("feedback:read")]
) -> FeedbackView:
    """Say that one has the batch's file."""
    found = await ledger.of_batch(acting.session, batch)
    await ledger.acknowledge(acting.session, found, said.rows)
    return _view(found)


def _sent(request: Request, found: Feedback, wanted: Format, said: Corrections) -> StreamingResponse:
    service = service_of(request)
    file = download(service.store, service.keyring, found, wanted, said)
    return StreamingResponse(file.pieces, media_type=file.media_type, headers=file.headers)


def _view(found: Feedback) -> FeedbackView:
    return FeedbackView(
        id=found.id, batch=found.batch_id, rows=found.rows, made_at=found.made_at,
        acknowledged_at=found.acknowledged_at, kept=found.purged_at is None,
    )  # fmt: skip
