"""The record of the number that a holder has in hand: what is registered, and the three answers to it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.crosscheck.models import Subscription
from simcheck.errors import NotFoundError
from simcheck.holders import records, registered
from simcheck.holders.confirm import confirm as confirm_record
from simcheck.holders.disown import disown
from simcheck.holders.models import Means
from simcheck.messages.templates import hotlines
from simcheck.messages.words import groups_of
from simcheck.public.door import OfNumber, PageRoute, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/record")
async def record(visit: OfNumber) -> Response:
    """What is registered, masked; what is wrong; what can be done."""
    try:
        async with visit.acting() as session:
            shown = await registered.show(session, visit.service, visit.holder)
    except NotFoundError:
        return visit.page("gone", 404)
    return visit.page(
        "record", shown=shown, wrong=[] if shown.agrees else groups_of(shown.reasons),
        hotline=hotlines().get(shown.carrier),
    )  # fmt: skip


@router.post("/record/confirm")
async def confirm(visit: OfNumber) -> Response:
    """The holder says that the record is right."""
    async with visit.acting() as session:
        await confirm_record(session, visit.service, await _subscription(session, visit), Means.PAGE)
    return done(visit, "confirmed")


@router.get("/record/not-mine")
async def not_mine(visit: OfNumber) -> Response:
    """What it means to say so, and the button."""
    async with visit.acting() as session:
        shown = await registered.show(session, visit.service, visit.holder)
    return visit.page("not_mine", shown=shown, action="/record/not-mine", back="/record")


@router.post("/record/not-mine")
async def say_not_mine(visit: OfNumber) -> Response:
    """The holder says that the record names somebody else."""
    async with visit.acting() as session:
        await disown(session, visit.service, await _subscription(session, visit), Means.PAGE)
    return done(visit, "disowned")


@router.get("/record/done")
async def was_done(visit: OfNumber) -> Response:
    """What was done, once it is."""
    what = visit.noted()
    return visit.page("done", what=what, back="/record") if what else visit.go("/record")


def done(visit: Visit, what: str) -> Response:
    """Send the browser on to what was done."""
    visit.note(what)
    return visit.go("/record/done")


async def _subscription(session: AsyncSession, visit: Visit) -> Subscription:
    """The subscription of this session. Raises `NotFoundError` where the carrier declares it no more."""
    holder = visit.holder
    assert holder.carrier is not None
    assert holder.msisdn_token is not None
    return await records.find(session, holder.carrier, holder.msisdn_token)
