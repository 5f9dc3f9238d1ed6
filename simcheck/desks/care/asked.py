"""People's requests about their data: the lists, and one that staff write down."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.care import by_staff, lists, requests
from simcheck.care.lists import Which
from simcheck.care.models import RequestKind
from simcheck.care.requests import MOST_WORDS
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError
from simcheck.messages.words import Language

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
LIST, KEEPING, PROCESSING = "/desk/requests", "/desk/retention", "/desk/processing"
NEW = "/desk/requests/new"
Looker = Annotated[Visit, needs(Permission.CARE_SEE)]
Answerer = Annotated[Visit, needs(Permission.CARE_ANSWER)]


@router.get(LIST)
async def asked(visit: Looker) -> Response:
    """A list of requests, without what people wrote."""
    told = visit.request.query_params
    which = Which(told["which"]) if told.get("which") in set(Which) else Which.OPEN
    after = told.get("after", "")
    async with visit.acting() as session:
        page = await lists.page(session, which, int(after) if after.isdecimal() and len(after) < 19 else None)
        named = await tabs(visit, session)
    return visit.page(
        "care/asked", tabs=named, current=tab(which), which=which, page=page, shown=requests.shown,
        last_day=requests.last_day, now=clock.now(), after=page.after and visit.address(after=page.after),
    )  # fmt: skip


@router.get(NEW)
async def new(visit: Answerer) -> Response:
    """The form for a request of somebody whose papers were seen."""
    return await _form(visit)


@router.post(NEW)
async def write_down(visit: Answerer) -> Response:
    """Take it in."""
    told = {name: visit.form.line(name, 40) for name in ("kind", "of", "language", "seen")}
    words = visit.form.text("words", 4 * MOST_WORDS)
    faults = {}
    if told["kind"] not in set(RequestKind):
        faults["kind"] = visit.words("care.fault.kind")
    if told["seen"] != "yes":
        faults["seen-yes"] = visit.words("care.fault.seen")
    if len(words) > MOST_WORDS or (told["kind"] == RequestKind.CORRECT and not words):
        faults["words"] = visit.words("care.fault.words", most=MOST_WORDS)
    if not faults:
        language = Language(told["language"]) if told["language"] in set(Language) else Language.VI
        try:
            form = uuid.UUID(visit.form.line("form_id", 36))
        except ValueError:
            raise InvalidError("The form cannot be read.") from None
        try:
            async with visit.acting() as session:
                made = await by_staff.ask(
                    session, visit.service, RequestKind(told["kind"]), told["of"], words, language, form
                )
        except InvalidError:
            faults["of"] = visit.words("care.fault.of")
    if faults:
        return await _form(visit, 422, faults=faults, typed=told, words=words)
    visit.note("care.written_down", number=requests.shown(made.number))
    return visit.go(f"{LIST}/{requests.shown(made.number)}")


async def tabs(visit: Visit, session: AsyncSession) -> list[tuple[str, str, Any]]:
    """The pages of this room, with how many requests each list has."""
    counted = await lists.counts(session)
    said = [(tab(each), visit.words(f"care.tab.{each}"), counted[each]) for each in Which]
    return [
        *said, (KEEPING, visit.words("care.tab.keeping"), None),
        (PROCESSING, visit.words("care.tab.processing"), None),
    ]  # fmt: skip


def tab(which: Which) -> str:
    """The address of a list."""
    return LIST if which is Which.OPEN else f"{LIST}?which={which}"


async def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        named = await tabs(visit, session)
    return visit.page(
        "care/new", status, at=NEW,
        **{"tabs": named, "kinds": list(RequestKind), "form_id": uuid.uuid4(), "words": "",
           "typed": {"kind": "", "of": "", "language": "vi", "seen": ""}, "most": MOST_WORDS, **values},
    )  # fmt: skip
