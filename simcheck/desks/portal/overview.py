"""The page of a carrier's own figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.desks.portal.figures import figures
from simcheck.matching.rules import VERDICTS
from simcheck.web.words import Words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

_HOURS = timedelta(hours=48)  # shorter times are told in hours


@router.get("/portal/figures")
async def overview(visit: Annotated[Visit, needs(Permission.OWN_FIGURES)]) -> Response:
    """How the carrier's records stand, and how its work goes."""
    async with visit.acting() as session:
        found = await figures(session, telling.carrier_of(visit))
    good = [telling.verdicts(visit.words, each.verdicts) for each in found.batches]
    return visit.page(
        "portal/figures", found=found, now=telling.verdicts(visit.words, found.verdicts), batches=good,
        names=[visit.words(f"portal.verdict.{each.value}") for each in VERDICTS], kinds=telling.KINDS,
        lasting=_lasting,
    )  # fmt: skip


def _lasting(say: Words, time: timedelta | None) -> str | None:
    """A length of time as people read it."""
    if time is None:
        return None
    if time < _HOURS:
        return say("portal.figures.hours", count=say.number(time / timedelta(hours=1)))
    return say("portal.figures.days", count=say.number(time / timedelta(days=1)))
