"""The start: a case code and a phone number, for which a one-time code is sent; the code; the way out."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pyarrow as pa
from fastapi import APIRouter, Response

from simcheck.cases import codes
from simcheck.holders import possession
from simcheck.normalise import phones
from simcheck.privacy import mask_msisdn
from simcheck.public.door import Anybody, PageRoute, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ASKED = "asked"  # the sealed cookie of a code that was asked for
# Longer than the code is good: who types it too late is told so, and need not guess why.
_KEPT = 3 * possession.GOOD
_MOST = 40  # characters of a code or number, with all that may stand between


@router.get("/")
async def start(visit: Anybody) -> Response:
    """The form for a case code and a number."""
    return _form(visit)


@router.post("/")
async def ask(visit: Anybody) -> Response:
    """Have a one-time code sent, if the two belong together. The answer is the same if they do not."""
    code, number = visit.form.line("code", _MOST), visit.form.line("number", _MOST)
    faults = {}
    if codes.read(code) is None:
        faults["code"] = visit.words("fault.code")
    national = int(phones.normalise(pa.array([number])).national[0])
    if not national:
        faults["number"] = visit.words("fault.number")
    if faults:
        return _form(visit, 422, code=code, number=number, faults=faults)
    async with visit.opened() as session:
        challenge = await possession.ask(
            session, visit.service, code, number, visit.client, visit.words.language.value
        )
    kept = {"challenge": str(challenge.id), "number": mask_msisdn(f"+84{national}")}
    visit.jar.seal(ASKED, kept, int(_KEPT.total_seconds()), bound_to=visit.jar.visit)
    return visit.go("/code")


@router.get("/code")
async def code(visit: Anybody) -> Response:
    """The form for the one-time code."""
    kept = visit.jar.unseal(ASKED, bound_to=visit.jar.visit)
    return _code(visit, kept["number"]) if kept else visit.go("/")


@router.post("/code")
async def prove(visit: Anybody) -> Response:
    """Hold the digits against the code that was sent: a session, or another try."""
    kept = visit.jar.unseal(ASKED, bound_to=visit.jar.visit)
    if kept is None:
        return visit.page("code_over", 422)
    digits = visit.form.line("digits", _MOST)
    if sum(each.isdecimal() for each in digits) != possession.DIGITS:
        return _code(visit, kept["number"], 422, digits=visit.words("fault.digits"))
    async with visit.opened() as session:
        proof = await possession.prove(session, visit.service, uuid.UUID(kept["challenge"]), digits)
    if proof.started is None and proof.tries_left:
        wrong = visit.words("fault.digits_wrong", left=proof.tries_left)
        return _code(visit, kept["number"], 422, digits=wrong)
    visit.jar.drop(ASKED)
    if proof.started is None:
        return visit.page("code_over", 422)
    await visit.welcome(proof.started)
    return visit.go("/record")


@router.post("/leave")
async def leave(visit: Anybody) -> Response:
    """End the session."""
    await visit.end()
    visit.jar.renew()
    return visit.go("/")


@router.get("/privacy")
async def privacy(visit: Anybody) -> Response:
    """What is done with a holder's data."""
    return visit.page("privacy")


def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    settings = visit.service.settings
    return visit.page(
        "start", status,
        **{"code": "", "number": "", "sign_in": settings.oidc_issuer is not None,
           "short_code": settings.short_code, "address": settings.address_shown, **values},
    )  # fmt: skip


def _code(visit: Visit, number: str, status: int = 200, **faults: str) -> Response:
    minutes = possession.GOOD // timedelta(minutes=1)
    return visit.page("code", status, number=number, minutes=minutes, faults=faults)
