"""What became of each file: how far it is, and what was wrong with it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import InvalidError, NotFoundError
from simcheck.feedback import ledger
from simcheck.feedback.models import Feedback
from simcheck.ingest import watching
from simcheck.uploads import find
from simcheck.uploads.models import BatchKind, BatchState
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

PAGE = 25
SECONDS = 120.0  # that a page is told of changes without asking whether somebody is still signed in
Seeing = Annotated[Visit, needs(Permission.BATCH_SEE)]
Watching = Annotated[Visit, needs(Permission.BATCH_SEE, awake=False)]


@router.get("/portal/batches")
async def listed(
    visit: Seeing, state: Annotated[str, Query()] = "", before: Annotated[datetime | None, Query()] = None
) -> Response:
    """The carrier's batches, the newest first."""
    if before is not None and before.tzinfo is None:
        raise InvalidError("before: a moment with its time zone.")
    chosen = BatchState(state) if state in set(BatchState) else None
    service = visit.service
    async with visit.acting() as session:
        found = await find.newest(session, PAGE + 1, before, chosen)
        shown = [await telling.seen(session, service, each) for each in found[:PAGE]]
        senders = await telling.senders(session, service, [each.batch.client for each in shown])
    following = shown[-1].batch.received_at.isoformat() if len(found) > PAGE else None
    return visit.page(
        "portal/batches", connects=True, shown=shown, senders=senders, state=chosen, states=list(BatchState),
        watched=any(not each.ended for each in shown),
        newest=visit.address(before=None) if before else None,
        after=visit.address(before=following) if following else None,
    )  # fmt: skip


@router.get("/portal/batches/events")
async def all_events(visit: Watching) -> Response:
    """How far the newest batches are, as server-sent events, until all are at their end."""

    async def look() -> list[dict[str, Any]]:
        async with visit.acting() as session:
            found = await find.newest(session, PAGE)
            return [(await telling.seen(session, visit.service, each)).event(visit.words) for each in found]

    return _following(look)


@router.get("/portal/batches/{batch}/events")
async def events(visit: Watching, batch: uuid.UUID) -> Response:
    """How far a batch is, as server-sent events, until it is at its end."""

    async def look() -> list[dict[str, Any]]:
        async with visit.acting() as session:
            found = await find.one(session, batch)
            return [(await telling.seen(session, visit.service, found)).event(visit.words)]

    await look()  # whether there is one is told by the answer's status
    return _following(look)


@router.get("/portal/batches/{batch}")
async def one(visit: Seeing, batch: uuid.UUID) -> Response:
    """What was wrong with a batch, and what to do about it."""
    say, service = visit.words, visit.service
    async with visit.acting() as session:
        found = await find.one(session, batch)
        shown = await telling.seen(session, service, found)
        senders = await telling.senders(session, service, [found.client])
        feedback = await _feedback(visit, session, batch)
    ignored, warnings = await telling.remarks(service, found)
    counts = found.counts
    refusal = f"portal.refusal.{found.refusal_code}"
    return visit.page(
        "portal/batch", connects=True, shown=shown, batch=found, sender=senders[found.client],
        feedback=feedback, ignored=ignored, warnings=warnings, size=telling.size,
        verdicts=telling.verdicts(say, counts["verdicts"]) if "verdicts" in counts else [],
        reasons=telling.reasons(say, counts.get("reasons", {}), found.rows or 0),
        kinds=telling.KINDS, delta=found.kind == BatchKind.DELTA,
        refusal=say(refusal if say.has(refusal) else "portal.refusal.other") if found.refusal else None,
    )  # fmt: skip


async def _feedback(visit: Visit, session: Any, batch: uuid.UUID) -> Feedback | None:
    """The batch's feedback file, for whoever may fetch it; None where there is none (yet)."""
    if not visit.can(Permission.FEEDBACK_GET):
        return None
    try:
        return await ledger.of_batch(session, batch)
    except NotFoundError:
        return None


def _following(look: Any) -> Response:
    told = watching.events("batches", look, lambda seen: seen, _all_ended, SECONDS)
    return StreamingResponse(told, media_type="text/event-stream", headers=HEADERS)


def _all_ended(seen: list[dict[str, Any]]) -> bool:
    return all(each["ended"] for each in seen)
