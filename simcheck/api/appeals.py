"""A carrier objects to what is ordered about one of its numbers, and sees what became of that."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.enforcement.stops import appeals
from simcheck.enforcement.stops.appeals import Objecting
from simcheck.enforcement.stops.models import Appeal, AppealMeans, AppealState
from simcheck.messages.words import Language

router = APIRouter(tags=["appeals"])


class Objection(Strict):
    """What one objects to: a number of one's own. The holder is answered in this language."""

    msisdn: str = Field(max_length=40, examples=["+84912345678"])
    words: str = Field("", max_length=appeals.MOST_WORDS)
    language: Language = Field(Language.VI, strict=False)


class AppealView(Strict):
    """An appeal. While it is `open`, nothing is ordered about the number. `reason`: why it was rejected."""

    id: UUID
    number: str
    state: AppealState
    made_at: datetime
    answer_by: datetime
    settled_at: datetime | None
    reason: str | None


class AppealPage(Strict):
    """Appeals: those to be answered first before others, or those decided last."""

    appeals: list[AppealView]


@router.post("/v1/appeals", status_code=201)
async def appeal(said: Objection, request: Request, acting: Annotated[Acting, acts("appeals")]) -> AppealView:
    """Object to what was ordered about a number, or is about to be. While one is open, another one is that
    one.
    """
    assert acting.principal.carrier is not None
    objecting = Objecting(
        acting.principal.carrier, appeals.national_of(said.msisdn), AppealMeans.API, said.language, said.words
    )
    return _view(await appeals.appeal(acting.session, service_of(request), objecting))


@router.get("/v1/appeals")
async def listed(acting: Annotated[Acting, acts("appeals")], decided: bool = False) -> AppealPage:
    """Appeals about one's own numbers, whoever made them."""
    found = await appeals.page(acting.session, decided=decided, carrier=acting.principal.carrier)
    return AppealPage(appeals=[_view(each) for each in found])


@router.get("/v1/appeals/{appeal}")
async def one(appeal: UUID, acting: Annotated[Acting, acts("appeals")]) -> AppealView:
    """How far an appeal is."""
    return _view(await appeals.one(acting.session, appeal))


def _view(of: Appeal) -> AppealView:
    return AppealView(
        id=of.id, number=appeals.shown(of.number), state=AppealState(of.state), made_at=of.made_at,
        answer_by=of.answer_by, settled_at=of.settled_at, reason=of.reason,
    )  # fmt: skip
