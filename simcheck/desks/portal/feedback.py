"""Feedback files: of each batch, and standing ones of all that is not verified. Fetched, acknowledged."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError
from simcheck.feedback import ledger
from simcheck.feedback.download import download
from simcheck.feedback.formats import Format
from simcheck.holders import owed
from simcheck.queue import enqueue
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

MOST = 100  # files on the page
Getting = Annotated[Visit, needs(Permission.FEEDBACK_GET)]
Acknowledging = Annotated[Visit, needs(Permission.FEEDBACK_GET, Permission.FEEDBACK_ACKNOWLEDGE)]


@router.get("/portal/feedback")
async def listed(visit: Getting, show: Annotated[str, Query()] = "") -> Response:
    """The carrier's feedback files, the newest first: those that it has not acknowledged, or all."""
    return await _shown(visit, everything=show == "all")


@router.post("/portal/feedback")
async def ask(visit: Getting) -> Response:
    """Have a standing file made, of how everything stands now."""
    carrier = telling.carrier_of(visit)
    async with visit.acting() as session:
        await enqueue(
            session, "feedback.standing", queueing_lock=f"feedback.standing/{carrier}", carrier=carrier
        )
    visit.note("portal.feedback.asked")
    return visit.go("/portal/feedback")


@router.get("/portal/feedback/{feedback}/file")
async def file(
    visit: Getting, feedback: uuid.UUID, wanted: Annotated[Format, Query(alias="format")] = Format.CSV
) -> Response:
    """A feedback file's content; beside its rows what holders said, until one acknowledges that."""
    service = visit.service
    async with visit.acting() as session:
        found = await ledger.get(session, feedback)
        said = await owed.beside(session, service.keyring, found.carrier)
    sent = download(service.store, service.keyring, found, wanted, said)
    return StreamingResponse(sent.pieces, media_type=sent.media_type, headers=HEADERS | sent.headers)


@router.post("/portal/feedback/{feedback}/acknowledge")
async def acknowledge(visit: Acknowledging, feedback: uuid.UUID) -> Response:
    """Say that one has all rows of a file; the form says how many those were."""
    rows = visit.form.line("rows", 20)
    try:
        async with visit.acting() as session:
            found = await ledger.get(session, feedback)
            await ledger.acknowledge(session, found, int(rows) if rows.isdecimal() else -1)
    except ConflictError:
        fault = visit.words("portal.feedback.other_rows")
        return await _shown(visit, 409, faults={f"file-{feedback}": fault})
    visit.note("portal.feedback.acknowledged_now")
    return visit.go("/portal/feedback")


async def _shown(visit: Visit, status: int = 200, *, everything: bool = False, **values: Any) -> Response:
    carrier = telling.carrier_of(visit)
    async with visit.acting() as session:
        acknowledged = None if everything else False
        files = await ledger.page(session, carrier, acknowledged=acknowledged, limit=MOST)
        names = await telling.file_names(session, visit.service, [each.batch_id for each in files])
    return visit.page(
        "portal/feedback", status, at=None if status == 200 else "/portal/feedback", files=files, names=names,
        everything=everything, formats=list(Format), **values,
    )  # fmt: skip
