"""A carrier's cases: what has to be put right, whose turn it is, what happened so far.

No answer holds anything of a person but the carrier's own places: a batch, and the row in its file.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import pyarrow as pa
from fastapi import APIRouter, Query, Request
from pydantic import Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.cases import codes, find, history
from simcheck.cases.decide import MOST_NOTE_BYTES, Side, Wanted, decide
from simcheck.cases.find import Found, Place
from simcheck.cases.models import Acts, CaseEvent
from simcheck.cases.states import State, Who
from simcheck.errors import InvalidError
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import phones
from simcheck.reasons import Reason
from simcheck.web import places

router = APIRouter(tags=["cases"])


class RecordPlace(Strict):
    """Where the carrier finds its record: a batch, and the row in its file (1 = first data row)."""

    batch: UUID
    row: int


class CaseView(Strict):
    """A case. `code` is what its holder is told; `version` grows with every change."""

    id: UUID
    code: str
    state: State
    acts: Acts
    verdict: str
    reasons: list[str]
    opened_at: datetime
    changed_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    close_reason: str | None
    decision: str | None
    contradicted: bool
    version: int
    record: RecordPlace | None


class EventView(Strict):
    """One thing that happened. `by` is the kind of who did it, such as `client` or `staff`."""

    at: datetime
    by: str
    move: str
    from_state: State | None
    to_state: State
    reason: str | None
    verdict: str | None
    reasons: list[str]


class CaseAndHistory(CaseView):
    """A case with everything that happened to it."""

    history: list[EventView]


class CasePage(Strict):
    """Cases, the oldest first. `next`: what to send as `after` for the ones that follow."""

    cases: list[CaseView]
    next: str | None


class MateView(Strict):
    """A subscription under the same contract, and its open case."""

    record: RecordPlace
    case: UUID | None


class Mates(Strict):
    """Every subscription under one contract: their holder is told of all of them together."""

    subscriptions: list[MateView]


class NumberAsked(Strict):
    """A phone number, in any of its forms."""

    msisdn: str = Field(max_length=40)


class MoveAsked(Strict):
    """A move of the carrier in its case. `note` is kept sealed; personal data belongs there only."""

    move: Literal["answered", "ask_holder", "evidence"]
    version: int = Field(description="The case's version that you have seen.")
    reason: str = Field(pattern=r"^[a-z][a-z0-9_]{2,39}$", description="One word: why.")
    note: str | None = Field(None, max_length=MOST_NOTE_BYTES // 4)
    side: Literal["recorded", "other"] | None = Field(None, description="In a dispute: for whom it speaks.")


@router.get("/v1/cases")
async def cases(
    acting: Annotated[Acting, acts("cases:read")],
    state: State | None = None,
    acts_now: Annotated[Acts | None, Query(alias="acts")] = None,
    is_open: Annotated[bool | None, Query(alias="open")] = True,
    after: Annotated[str | None, Query(max_length=120)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CasePage:
    """One's own cases, the oldest first, a page at a time. Closed ones with `open=false`."""
    found = await find.page(
        acting.session, _carrier(acting), state=state, acts=acts_now,
        is_open=None if state is State.CLOSED else is_open, after=places.read(after), limit=limit,
    )  # fmt: skip
    last = found[-1].case if len(found) == limit else None
    following = places.write(last.opened_at, last.id) if last else None
    return CasePage(cases=[_view(each) for each in found], next=following)


@router.post("/v1/cases/search")
async def search(
    asked: NumberAsked, request: Request, acting: Annotated[Acting, acts("cases:read")]
) -> CasePage:
    """One's own cases of a phone number, the newest first. It is in the body: addresses get logged."""
    national = int(phones.normalise(pa.array([asked.msisdn])).national[0])
    if not national:
        raise InvalidError("msisdn: no mobile number can be read from it.")
    found = await find.of_number(acting.session, service_of(request).keyring, national)
    return CasePage(cases=[_view(each) for each in found], next=None)


@router.get("/v1/cases/{case}")
async def case(case: UUID, acting: Annotated[Acting, acts("cases:read")]) -> CaseAndHistory:
    """A case and everything that happened to it."""
    return await _with_history(acting, case)


@router.get("/v1/cases/{case}/contract")
async def contract(case: UUID, acting: Annotated[Acting, acts("cases:read")]) -> Mates:
    """Every subscription under the case's contract, those with an open case first (at most 1000)."""
    found = await find.by_id(acting.session, case)
    mates = await find.contract_mates(acting.session, found.case)
    return Mates(subscriptions=[MateView(record=_record(each.place), case=each.case_id) for each in mates])


@router.post("/v1/cases/{case}/moves")
async def move(
    case: UUID, asked: MoveAsked, request: Request, acting: Annotated[Acting, acts("cases:write")]
) -> CaseAndHistory:
    """Answer for one's own case, pass it on to the holder, or add evidence.

    A change since `version` is a conflict: look at the case again first.
    """
    service = service_of(request)
    wanted = Wanted(
        asked.move, Who.CARRIER, asked.reason, asked.version,
        asked.note.encode() if asked.note is not None else None, Side(asked.side) if asked.side else None,
    )  # fmt: skip
    referral = timedelta(days=service.settings.referral_days)
    await decide(acting.session, service.keyring, case, wanted, referral=referral)
    return await _with_history(acting, case)


async def _with_history(acting: Acting, case: UUID) -> CaseAndHistory:
    found = await find.by_id(acting.session, case)
    events = await history.events(acting.session, case)
    return CaseAndHistory(**_view(found).model_dump(), history=[_event(each) for each in events])


def _carrier(acting: Acting) -> str:
    """The carrier that asks: scopes of cases are for carriers alone."""
    assert acting.principal.carrier is not None
    return acting.principal.carrier


def _view(found: Found) -> CaseView:
    case = found.case
    return CaseView(
        id=case.id, code=codes.shown(case.code), state=State(case.state), acts=Acts(case.acts),
        verdict=VERDICTS[case.verdict].value, reasons=_names(case.reasons), opened_at=case.opened_at,
        changed_at=case.changed_at, due_at=case.due_at, closed_at=case.closed_at,
        close_reason=case.close_reason, decision=case.decision, contradicted=case.contradicted,
        version=case.version, record=_record(found.place) if found.place else None,
    )  # fmt: skip


def _event(event: CaseEvent) -> EventView:
    verdict = event.detail.get("verdict")
    return EventView(
        at=event.at, by=event.actor.partition(":")[0], move=event.move,
        from_state=State(event.from_state) if event.from_state else None, to_state=State(event.to_state),
        reason=event.reason, verdict=None if verdict is None else VERDICTS[verdict].value,
        reasons=_names(event.detail.get("reasons") or 0),
    )  # fmt: skip


def _record(place: Place) -> RecordPlace:
    return RecordPlace(batch=place.batch_id, row=place.row)


def _names(mask: int) -> list[str]:
    return [reason.name for reason in Reason if mask & reason.mask]
