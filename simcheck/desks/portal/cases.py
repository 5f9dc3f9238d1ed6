"""Cases that wait for the carrier: what its record lacks, what it answers. Never what the register holds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Query, Response

from simcheck.access.roles import Permission
from simcheck.cases import codes, find, history
from simcheck.cases.decide import MOST_NOTE_BYTES, Side, Wanted, decide
from simcheck.cases.find import Found
from simcheck.cases.models import Acts, CaseEvent
from simcheck.cases.states import DESK, State, Who, allowed
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError, InvalidError
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import phones
from simcheck.review.words import decisions
from simcheck.web import places
from simcheck.web.words import Words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

PAGE, MATES = 50, 20
MOST_NOTE = MOST_NOTE_BYTES // 4  # characters
# What a carrier may do in a case, and the words of ours that say why.
REASONS = {
    "answered": ("record_corrected", "record_right", "holder_found", "service_ended", "cannot_settle"),
    "ask_holder": ("holder_must_confirm", "holder_must_update"),
    "evidence": ("contract", "identity_document", "other_evidence"),
}
_SHOWN: dict[str, tuple[Acts | None, bool]] = {
    "": (Acts.CARRIER, True), "open": (None, True), "closed": (None, False)
}  # fmt: skip
Ours = Annotated[Visit, needs(Permission.OWN_CASES)]


@dataclass(frozen=True)
class Row:
    """A case as lists show it."""

    found: Found
    code: str
    verdict: str
    reasons: list[str]

    @classmethod
    def of(cls, visit: Visit, found: Found) -> Row:
        """A case in the visitor's words."""
        case = found.case
        told = [telling.what_to_do(visit.words, each) for each in telling.reasons_in(case.reasons)]
        return cls(found, codes.shown(case.code), VERDICTS[case.verdict].value, told)


@router.get("/portal/cases")
async def listed(
    visit: Ours,
    show: Annotated[str, Query()] = "",
    after: Annotated[str | None, Query(max_length=120)] = None,
) -> Response:
    """Cases that wait for the carrier (or all open ones, or closed ones), the oldest first."""
    show = show if show in _SHOWN else ""
    acts, is_open = _SHOWN[show]
    async with visit.acting() as session:
        found = await find.page(
            session, telling.carrier_of(visit), acts=acts, is_open=is_open, after=places.read(after),
            limit=PAGE + 1,
        )  # fmt: skip
    last = found[PAGE - 1].case if len(found) > PAGE else None
    return visit.page(
        "portal/cases", rows=[Row.of(visit, each) for each in found[:PAGE]], show=show, searched=False,
        first=visit.address(after=None) if after else None, kinds=telling.KINDS,
        after=visit.address(after=places.write(last.opened_at, last.id)) if last else None,
    )  # fmt: skip


@router.post("/portal/cases")
async def search(visit: Ours) -> Response:
    """The cases of a phone number, the newest first. The number stands in no address."""
    national = int(phones.normalise(pa.array([visit.form.line("number", 40)])).national[0])
    if not national:
        fault = {"number": visit.words("portal.cases.no_number")}
        return visit.page(
            "portal/cases", 422, rows=[], show="", searched=True, first=None, after=None, kinds=telling.KINDS,
            faults=fault,
        )  # fmt: skip
    async with visit.acting() as session:
        found = await find.of_number(session, visit.service.keyring, national)
    rows = [Row.of(visit, each) for each in found]
    return visit.page(
        "portal/cases", rows=rows, show="", searched=True, first=None, after=None, kinds=telling.KINDS
    )


@router.get("/portal/cases/{case}")
async def one(visit: Ours, case: uuid.UUID) -> Response:
    """A case, what happened to it (but not how staff share their work), and what the carrier may do."""
    return await _shown(visit, case)


@router.post("/portal/cases/{case}/moves")
async def move(visit: Ours, case: uuid.UUID) -> Response:
    """Answer, pass the case on to the holder, or add evidence; a case that was changed meanwhile is not
    touched.
    """
    form = visit.form
    name, reason, note = form.line("move", 20), form.line("reason", 40), form.text("note", MOST_NOTE)
    version, side = form.line("version", 10), form.line("side", 10)
    typed = {"typed": {"move": name, "reason": reason, "note": note}}
    if reason not in REASONS.get(name, ()) or not version.isdecimal() or side not in {"", *Side}:
        return await _shown(
            visit, case, 422, faults={f"{name}-reason": visit.words("portal.cases.no_reason")}, **typed
        )
    wanted = Wanted(
        name, Who.CARRIER, reason, int(version), note.encode() if note else None, Side(side) if side else None
    )
    referral = timedelta(days=visit.service.settings.referral_days)
    try:
        async with visit.acting() as session:
            await decide(session, visit.service.keyring, case, wanted, referral=referral)
    except ConflictError:
        fault = visit.words("portal.cases.changed")
        return await _shown(visit, case, 409, faults={"state": fault}, **typed)
    except InvalidError:
        fault = visit.words("portal.cases.no_note")
        return await _shown(visit, case, 422, faults={f"{name}-note": fault}, **typed)
    visit.note(f"portal.cases.done_{name}")
    return visit.go(f"/portal/cases/{case}")


async def _shown(visit: Visit, case: uuid.UUID, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        found = await find.by_id(session, case)
        events = await history.events(session, case)
        mates = await find.contract_mates(session, found.case, MATES)
        names = await telling.file_names(
            session, visit.service, [found.place.batch_id if found.place else None]
        )
    state, say = State(found.case.state), visit.words
    moves = [name for name in REASONS if allowed(name, Who.CARRIER, state) is not None]
    return visit.page(
        "portal/case", status, at=f"/portal/cases/{case}", row=Row.of(visit, found), case=found.case,
        place=found.place, names=names,
        history=[_told(visit, each) for each in events if each.move not in DESK],
        mates=[each for each in mates if each.case_id != case], moves=moves, reasons_of=REASONS,
        sides=list(Side) if state is State.DISPUTED else [], most_note=MOST_NOTE, kinds=telling.KINDS,
        deadline=say.moment(found.case.due_at) if found.case.due_at else None, **{"typed": {}, **values},
    )  # fmt: skip


def _told(visit: Visit, event: CaseEvent) -> dict[str, Any]:
    """An event in words: when, who, what, to which state, why."""
    say, who = visit.words, event.actor.partition(":")[0]
    return {
        "at": say.moment(event.at),
        "by": _word(say, f"portal.by.{who}", "portal.by.other"),
        "move": _word(say, f"portal.move.{event.move}", "portal.move.other"),
        "state": say(f"portal.cases.state.{event.to_state}"),
        "reason": _why(say, event),
        "note": event.evidence is not None,
    }


def _why(say: Words, event: CaseEvent) -> str | None:
    """Why it was done: in words of the portal or of the ministry's desk, or as a system wrote it."""
    if event.reason is None or say.has(f"portal.reason.{event.reason}"):
        return event.reason and say(f"portal.reason.{event.reason}")
    for each in decisions().values():
        if each.move == event.move and event.reason in each.reasons:
            return each.reasons[event.reason][say.language]
    return event.reason


def _word(say: Words, key: str, otherwise: str) -> str:
    return say(key if say.has(key) else otherwise)
