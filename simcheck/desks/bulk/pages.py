"""Bulk decisions: from a filter to a draft, from a draft to a proposal, from there to its end."""

from __future__ import annotations

import uuid
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.cases import codes
from simcheck.desks.bulk import telling
from simcheck.desks.frame.actors import whose
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.queue.choices import conditions
from simcheck.desks.queue.told import Told
from simcheck.errors import ConflictError, InvalidError
from simcheck.reasons import Reason
from simcheck.review import bulk, filters, queue, words
from simcheck.review.bulk import Wish
from simcheck.review.filters import Filter
from simcheck.review.models import BulkProposal, BulkState

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Proposer = Annotated[Visit, needs(Permission.BULK_PROPOSE)]
Approver = Annotated[Visit, needs(Permission.BULK_APPROVE)]
ROOM = "/desk/bulk"
MOST_NOTE = 2000
# What the queue's address holds beside the filter.
_NOT_FILTER = {"lang", "sort", "at", "cursor"}
_TABS: dict[str, tuple[BulkState, ...]] = {
    "all": (), "waiting": (BulkState.PROPOSED,), "running": (BulkState.APPROVED,),
}  # fmt: skip


@router.get("/desk/bulk")
async def listed(visit: Proposer, show: str = "all", after: uuid.UUID | None = None) -> Response:
    """All proposals, or those that wait or run."""
    states = _TABS.get(show, ())
    async with visit.acting() as session:
        found = await bulk.page(session, states=states, before=after)
    language = visit.words.language
    rows = [(each, telling.choice(each.decision, each.reason, language)) for each in found]
    more = visit.address(after=str(found[-1].id)) if len(found) == bulk.PAGE else None
    tabs = [(f"{ROOM}?show={name}" if name != "all" else ROOM, name) for name in _TABS]
    return visit.page(
        "bulk/list", rows=rows, more=more, tabs=tabs, whose=whose,
        current=ROOM if not states else f"{ROOM}?show={show}",
    )  # fmt: skip


@router.get("/desk/bulk/new")
async def new(visit: Proposer) -> Response:
    """What a filter holds, and the form for a decision about all of it."""
    pairs = [pair for pair in visit.request.query_params.multi_items() if pair[0] not in _NOT_FILTER]
    return await _new(visit, filters.of(pairs))


@router.post("/desk/bulk/new")
async def draft(visit: Proposer) -> Response:
    """Fix the cases, and show what would happen."""
    filter_ = filters.read(visit.form.line("filter", filters.MOST_QUERY))
    decision, reason = telling.chosen(visit.form.line("choice"))
    note = visit.form.text("note", MOST_NOTE)
    if decision not in bulk.decisions() or reason not in bulk.decisions()[decision].reasons:
        return await _new(visit, filter_, {"choice": visit.words("bulk.fault.choice")}, note)
    try:
        async with visit.acting() as session:
            made = await bulk.draft(session, visit.service, Wish(filter_, decision, reason, note))
    except (InvalidError, ConflictError):  # too many by now, or none any more: the page says which
        return await _new(visit, filter_, {"choice": visit.words("bulk.fault.cases")}, note)
    return visit.go(f"{ROOM}/{made.id}")


async def _new(
    visit: Visit, filter_: Filter, faults: dict[str, str] | None = None, note: str = ""
) -> Response:  # fmt: skip
    cap, who = visit.service.settings.bulk_cap, visit.person.username
    async with visit.acting() as session:
        count = await queue.count(session, filter_, who, cap=cap)
        fits = count.cases > 0 and not count.more and filter_.open is filters.Open.YES
        carriers, reasons = await bulk.preview(session, filter_, who) if fits else ((), ())
    say, query = visit.words, filters.write(filter_)
    return visit.page(
        "bulk/new", 422 if faults else 200, at=f"{ROOM}/new?{query}" if faults else None,
        faults=faults or {}, count=count, fits=fits, cap=cap, carriers=carriers, reasons=reasons, query=query,
        conditions=conditions(Told.now(say), filter_), note=note, most=MOST_NOTE,
        names=telling.names((each.value for each in reasons), "reason", say.language),
        groups=telling.groups(bulk.decisions(), say.language), chosen=visit.form.line("choice"),
    )  # fmt: skip


@router.get("/desk/bulk/{proposal_id}")
async def shown(visit: Proposer, proposal_id: uuid.UUID) -> Response:
    """A proposal: what it is about, what would happen or did, and what may be done with it."""
    async with visit.acting() as session:
        proposal = await bulk.one(session, proposal_id)
        carriers, reasons = await bulk.shares(session, proposal)
        effects = await bulk.effects(session, proposal)
        sample = await bulk.sample(session, proposal)
    say, language = visit.words, visit.words.language
    return visit.page(
        "bulk/one", proposal=proposal, carriers=carriers, reasons=reasons, effects=effects,
        sample=[(each, codes.shown(each.code), _reasons_of(each.reasons, visit)) for each in sample],
        choice=telling.choice(proposal.decision, proposal.reason, language),
        conditions=conditions(Told.now(say), filters.read(proposal.query)), whose=whose,
        note=bulk.note_of(visit.service, proposal), is_own=proposal.proposed_by == visit.person.actor,
        queue_address=f"/desk/queue?{proposal.query or urlencode({'open': 'yes'})}",
        names=telling.names((each.value for each in reasons), "reason", language),
        states=telling.names(words.group("state"), "state", language),
        outcomes=telling.names(words.group("outcome"), "outcome", language),
        refusals=list(telling.names(words.group("refusal"), "refusal", language).items()),
    )  # fmt: skip


@router.post("/desk/bulk/{proposal_id}/propose")
async def propose(visit: Proposer, proposal_id: uuid.UUID) -> Response:
    """Ask for approval; or begin, where none is needed."""
    async with visit.acting() as session:
        made = await bulk.propose(session, visit.service, proposal_id)
    return _done(visit, made, f"bulk.done.{'proposed' if made.second else 'begun'}")


@router.post("/desk/bulk/{proposal_id}/withdraw")
async def withdraw(visit: Proposer, proposal_id: uuid.UUID) -> Response:
    """Take one's own back."""
    async with visit.acting() as session:
        made = await bulk.withdraw(session, proposal_id)
    return _done(visit, made, "bulk.done.withdrawn")


@router.post("/desk/bulk/{proposal_id}/approve")
async def approve(visit: Approver, proposal_id: uuid.UUID) -> Response:
    """Have somebody else's carried out."""
    async with visit.acting() as session:
        made = await bulk.approve(session, proposal_id)
    return _done(visit, made, "bulk.done.begun")


@router.post("/desk/bulk/{proposal_id}/refuse")
async def refuse(visit: Approver, proposal_id: uuid.UUID) -> Response:
    """Refuse somebody else's."""
    async with visit.acting() as session:
        made = await bulk.refuse(session, proposal_id, visit.form.line("why"))
    return _done(visit, made, "bulk.done.refused")


@router.post("/desk/bulk/{proposal_id}/stop")
async def stop(visit: Approver, proposal_id: uuid.UUID) -> Response:
    """Stop what runs."""
    async with visit.acting() as session:
        made = await bulk.stop(session, proposal_id)
    return _done(visit, made, "bulk.done.stopped")


def _done(visit: Visit, made: BulkProposal, what: str) -> Response:
    visit.note(what)
    return visit.go(f"{ROOM}/{made.id}")


def _reasons_of(mask: int, visit: Visit) -> str:
    table = words.group("reason")
    found = [each.name for each in Reason if mask & each.mask]
    return "; ".join(table[name][visit.words.language].rstrip(".") for name in found)
