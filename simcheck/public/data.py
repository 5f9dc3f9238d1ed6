"""My data: asking for a copy, for who looked, that it be put right, erased, or used no more; the answers."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Response

from simcheck.care import clocks, requests
from simcheck.care.models import RequestKind, RequestMeans
from simcheck.care.requests import MOST_WORDS, Asking
from simcheck.errors import InvalidError
from simcheck.public.door import Anybody, PageRoute, Visit
from simcheck.web.saved import media_type, saved

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DATA = "/data"


@router.get(DATA)
async def data(visit: Anybody) -> Response:
    """What can be asked for, and what was; to whoever is not known yet, how to become so."""
    if visit.session is None:
        return visit.page("data_start", sign_in=visit.service.settings.oidc_issuer is not None)
    return await _form(visit)


@router.post(DATA)
async def ask(visit: Anybody) -> Response:
    """Take a request in."""
    holder = visit.holder
    kind, words = visit.form.line("kind", 20), visit.form.text("words", 4 * MOST_WORDS)
    faults = {}
    if kind not in set(RequestKind):
        faults["kind"] = visit.words("fault.kind")
    if len(words) > MOST_WORDS or (kind == RequestKind.CORRECT and not words):
        faults["words"] = visit.words("fault.words", most=MOST_WORDS)
    if faults:
        return await _form(visit, 422, kind=kind, typed=words, faults=faults)
    asking = Asking(RequestKind(kind), RequestMeans.PAGE, visit.words.language, _form_id(visit), words)
    async with visit.acting() as session:
        made = await requests.ask(session, visit.service, asking.by(holder))
    return visit.go(f"{DATA}/{requests.shown(made.number)}")


@router.get(DATA + "/{number}")
async def one(visit: Anybody, number: str) -> Response:
    """A request: how far it is, and its answer."""
    holder = visit.holder
    async with visit.acting() as session:
        request = await requests.one_of_holder(session, holder, number)
        files = await requests.files_of(session, request)
    said, answer = requests.written(visit.service.keyring, request)
    return visit.page(
        "data_one", request=request, number=requests.shown(request.number), said=said, answer=answer,
        files=files, last_day=requests.last_day(request), by_itself=request.kind in requests.BY_ITSELF,
    )  # fmt: skip


@router.get(DATA + "/{number}/{name}")
async def file(visit: Anybody, number: str, name: str) -> Response:
    """A file of the answer, to be saved."""
    holder, kind = visit.holder, media_type(name)
    async with visit.acting() as session:
        request = await requests.one_of_holder(session, holder, number)
        content = await requests.file(session, visit.service.keyring, request, name)
    response = saved(name, kind, content)
    visit.jar.onto(response)
    return response


async def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    holder = visit.holder
    async with visit.acting() as session:
        asked = await requests.of_holder(session, holder)
    table = clocks.load()
    return visit.page(
        "data", status, at=DATA,
        **{"asked": asked, "kinds": list(RequestKind),
           "days": {each: table[each].amount for each in RequestKind}, "shown": requests.shown,
           "last_day": requests.last_day, "kind": "", "typed": "", "most": MOST_WORDS,
           "form_id": uuid.uuid4(), **values},
    )  # fmt: skip


def _form_id(visit: Visit) -> uuid.UUID:
    try:
        return uuid.UUID(visit.form.line("form_id", 36))
    except ValueError:
        raise InvalidError("The form cannot be read.") from None
