"""Sending files. A form sends one; where our script runs, several are sent, each by resumable upload
(`simcheck.ingest.tus`): it shows how far each is, can wait, and goes on where it stood after a reload.

What arrives here is streamed and sealed as it comes. No page under /portal/uploads may read a body at once:
they take files of any size.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Token, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError, DigestError, InvalidError, MediaTypeError, SimcheckError
from simcheck.ingest import tus, whole
from simcheck.ingest.bodies import Intake
from simcheck.ingest.sender import Sender
from simcheck.ingest.tus import Tus
from simcheck.uploads import resume
from simcheck.uploads.models import BatchKind, Upload
from simcheck.web.forms import TOKEN, clean

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

PIECE_BYTES = 8 << 20  # of one request of the script: what is lost when a line breaks
Uploader = Annotated[Visit, needs(Permission.BATCH_UPLOAD)]
WithFile = Annotated[Visit, needs(Permission.BATCH_UPLOAD, token=Token.FILE)]
Script = Annotated[Visit, needs(Permission.BATCH_UPLOAD, token=Token.HEADER)]


@dataclass(frozen=True)
class Begun:
    """A file of which a part is here. `modified` is what the browser said of when it was written."""

    id: uuid.UUID
    name: str
    kind: BatchKind
    length: int
    received: int
    modified: str


class _NothingError(InvalidError):
    """No file was chosen."""

    code = "no_file"


@router.get("/portal/uploads")
async def form(visit: Uploader) -> Response:
    """Choose files and send them."""
    return await _shown(visit)


@router.post("/portal/uploads")
async def send(visit: WithFile) -> Response:
    """Take one file, by the form alone."""
    try:
        batch, new = await whole.take(
            visit.request, visit.service, sender_of(visit), _kind, before_file=visit.require_ours
        )
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except (InvalidError, MediaTypeError, ConflictError, DigestError) as error:
        return await _shown(visit, error.http_status, faults={"file": _words(visit, error)})
    visit.note("portal.upload.taken" if new else "portal.upload.known")
    return visit.go(f"/portal/batches/{batch.id}")


def _told(request: Request, error: SimcheckError) -> Response:
    """What our script is told of an error, in the person's words."""
    visit: Visit = request.state.visit
    return JSONResponse({"code": error.code, "text": _words(visit, error)}, error.http_status)


TUS = Tus("/portal/uploads/tus", "/portal/batches", _told)


@router.post("/portal/uploads/tus")
async def create(visit: Script) -> Response:
    """Begin an upload."""
    return await TUS.create(visit.request, visit.service, sender_of(visit))


@router.head("/portal/uploads/tus/{upload}")
async def where(visit: Script, upload: uuid.UUID) -> Response:
    """How much of an upload is kept."""
    return await TUS.where(visit.request, visit.service, sender_of(visit), upload)


@router.patch("/portal/uploads/tus/{upload}")
async def go_on(visit: Script, upload: uuid.UUID) -> Response:
    """The next bytes of an upload."""
    return await TUS.go_on(visit.request, visit.service, sender_of(visit), upload)


@router.delete("/portal/uploads/tus/{upload}")
async def end(visit: Script, upload: uuid.UUID) -> Response:
    """Give an upload up."""
    return await TUS.end(visit.request, visit.service, sender_of(visit), upload)


def sender_of(visit: Visit) -> Sender:
    """The person as the sender of a file."""
    return Sender(visit.person.actor, telling.carrier_of(visit), visit.acting)


async def _shown(visit: Visit, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        begun = [_begun(visit, each) for each in await resume.under_way(session, visit.person.actor)]
    return visit.page(
        "portal/upload", status, at="/portal/uploads", connects=True, begun=begun, piece=PIECE_BYTES,
        most=visit.service.settings.upload_bytes, size=telling.size, **values,
    )  # fmt: skip


def _begun(visit: Visit, upload: Upload) -> Begun:
    about = resume.about(upload, visit.service.keyring)
    modified = tus.metadata(about.metadata).get("modified", "")
    return Begun(
        upload.id, clean(about.file_name or ""), about.kind, upload.length or 0, upload.received, modified
    )


def _kind(intake: Intake) -> BatchKind:
    """What the form says of its file. Raises InvalidError."""
    said = {name: value for name, value in intake.fields.items() if name != TOKEN}
    if set(said) - {"kind"} or said.get("kind", BatchKind.SNAPSHOT) not in list(BatchKind):
        raise InvalidError("Send the page's own form.")
    if not intake.size:
        raise _NothingError("Choose a file that is not empty.")
    return BatchKind(said.get("kind", BatchKind.SNAPSHOT))


def _words(visit: Visit, error: SimcheckError) -> str:
    key = f"portal.upload.error.{error.code}"
    return visit.words(key if visit.words.has(key) else "portal.upload.error.other")
