"""Appeals about the carrier's numbers: what each stops, by when it is answered. One is made for whoever came
to a shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.enforcement.orders import words as orders
from simcheck.enforcement.stops import appeals, words
from simcheck.enforcement.stops.appeals import Objecting
from simcheck.enforcement.stops.models import AppealMeans
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages.words import Language

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ROOM = "/portal/appeals"
KINDS = {"open": "warn", "upheld": "good", "rejected": "bad"}
Ours = Annotated[Visit, needs(Permission.OWN_APPEALS)]


@router.get(ROOM)
async def listed(visit: Ours, show: str = "") -> Response:
    """Appeals about the carrier's numbers, whoever made them: those that wait, or those decided last."""
    return await _shown(visit, decided=show == "decided")


@router.post(ROOM)
async def appeal(visit: Ours) -> Response:
    """Take an appeal in for a subscriber. While one is open, another one is that one."""
    form, say = visit.form, visit.words
    number, language = form.line("msisdn", 40), form.line("told_in", 10)
    text = form.text("words", appeals.MOST_WORDS)
    typed = {"msisdn": number, "words": text, "told_in": language}
    told_in = Language(language) if language in set(Language) else Language.VI
    try:
        national = appeals.national_of(number)
        objecting = Objecting(telling.carrier_of(visit), national, AppealMeans.PORTAL, told_in, text)
        async with visit.acting() as session:
            made = await appeals.appeal(session, visit.service, objecting)
    except InvalidError:
        return await _shown(visit, 422, faults={"msisdn": say("portal.appeals.no_number")}, typed=typed)
    except NotFoundError:
        return await _shown(visit, 404, faults={"msisdn": say("portal.appeals.not_yours")}, typed=typed)
    except ConflictError:
        return await _shown(visit, 409, faults={"msisdn": say("portal.appeals.nothing")}, typed=typed)
    visit.note("portal.appeals.taken", number=appeals.shown(made.number))
    return visit.go(ROOM)


async def _shown(
    visit: Visit, status: int = 200, *, decided: bool = False, typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    keyring, language = visit.service.keyring, visit.words.language
    async with visit.acting() as session:
        found = await appeals.page(session, decided=decided, carrier=telling.carrier_of(visit))
        stops = await appeals.stopped(session, found)
    shown = [(each, appeals.masked(keyring, each), stops.get(each.id)) for each in found]
    languages = [(each.value, visit.words(f"portal.language.{each}")) for each in Language]
    return visit.page(
        "portal/appeals", status, at=ROOM, appeals=shown, decided=decided, number=appeals.shown, kinds=KINDS,
        now=clock.now(), most=appeals.MOST_WORDS, languages=languages,
        word=lambda group, key: words.say(group, key, language),
        ordered=lambda group, key: orders.say(group, key, language), typed=typed or {"told_in": language},
        faults=faults or {},
    )  # fmt: skip
