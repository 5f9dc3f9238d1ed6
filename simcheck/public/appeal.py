"""Objecting to a suspension that was ordered, or is about to be: by whoever proved to hold the number."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from simcheck.enforcement.stops import appeals
from simcheck.enforcement.stops import words as stops
from simcheck.enforcement.stops.appeals import Objecting
from simcheck.enforcement.stops.models import AppealMeans
from simcheck.public.door import OfNumber, PageRoute, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/record/appeal")
async def appeal(visit: OfNumber) -> Response:
    """How far the holder's appeal is, or the form for one."""
    return await _shown(visit)


@router.post("/record/appeal")
async def object_to(visit: OfNumber) -> Response:
    """Take the appeal in."""
    text = visit.form.text("words", 4 * appeals.MOST_WORDS)
    if len(text) > appeals.MOST_WORDS:
        fault = visit.words("fault.text", most=appeals.MOST_WORDS)
        return await _shown(visit, 422, words=text, faults={"words": fault})
    holder = visit.holder
    assert holder.carrier is not None
    assert holder.number is not None
    objecting = Objecting(holder.carrier, holder.number, AppealMeans.PAGE, visit.words.language, text)
    async with visit.acting() as session:
        await appeals.appeal(session, visit.service, objecting)
    return visit.go("/record/appeal")


async def _shown(visit: Visit, status: int = 200, **values: Any) -> Response:
    holder, language = visit.holder, visit.words.language
    assert holder.carrier is not None
    assert holder.msisdn_token is not None
    async with visit.acting() as session:
        last = await appeals.newest(session, holder.carrier, holder.msisdn_token)
        may = await appeals.may_appeal(session, holder.carrier, holder.msisdn_token)
    reason = stops.group("reason")[last.reason][language] if last and last.reason else None
    return visit.page(
        "appeal", status, appeal=last, may=may, number=appeals.shown(last.number) if last else None,
        state=stops.group("state")[last.state][language] if last else None, reason=reason,
        most=appeals.MOST_WORDS, **{"words": "", **values},
    )  # fmt: skip
