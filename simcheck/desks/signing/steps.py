"""Signing in with a password and a one-time code; the first time, enrolling the second step; signing out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from simcheck.access import passwords, sign_in, totp
from simcheck.access.people import USERNAME
from simcheck.desks.frame.door import SIGN_IN, Anybody, DeskRoute, Visit, inside
from simcheck.desks.signing import half
from simcheck.desks.signing.half import Half
from simcheck.errors import NotFoundError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

CODE, ENROL = f"{SIGN_IN}/code", f"{SIGN_IN}/enrol"
_MOST = 64


@router.get(SIGN_IN)
async def start(visit: Anybody) -> Response:
    """The form for user name and password, and the way to the identity provider."""
    wanted = inside(visit.request.query_params.get("next", ""))
    if visit.somebody is not None:
        return visit.go(half.onward(visit, wanted))
    return _form(visit, next=wanted or "")


@router.post(SIGN_IN)
async def password(visit: Anybody) -> Response:
    """Hold the password against the account's. What is wrong is not told."""
    _require_local(visit)
    username = visit.form.line("username", _MOST).casefold()
    typed, wanted = visit.form.secret("password", passwords.MOST), inside(visit.form.line("next", 1000))
    if not username or not typed:
        faults = {name: visit.words(f"signing.fault.{name}") for name, said in
                  (("username", username), ("password", typed)) if not said}  # fmt: skip
        return _form(visit, 422, username=username, next=wanted or "", faults=faults)
    async with visit.opened() as session:
        await sign_in.take_try(session, visit.service, username, visit.client)
    async with visit.opened() as session:
        asked = username if USERNAME.fullmatch(username) else ""
        passed = await sign_in.first(session, visit.service, asked, typed)
    if passed is None:
        faults = {"username": visit.words("signing.fault.wrong")}
        return _form(visit, 422, username=username, next=wanted or "", faults=faults)
    half.keep(visit, Half(passed, wanted))
    return visit.go(CODE if passed.enrolled else ENROL)


@router.get(CODE)
async def code(visit: Anybody) -> Response:
    """The form for the one-time code."""
    return visit.page("signing/code") if half.of(visit, enrolled=True) else visit.go(SIGN_IN)


@router.post(CODE)
async def prove(visit: Anybody) -> Response:
    """Hold the code against the account's second step: a session, or another try."""
    found = half.of(visit, enrolled=True)
    if found is None:
        return visit.go(SIGN_IN)
    async with visit.opened() as session:
        await sign_in.take_code(session, visit.service, found.passed.username)
    async with visit.opened() as session:
        account = await sign_in.second(session, visit.service, found.passed, visit.form.line("code", _MOST))
        started = await half.begun(session, visit, account) if account else None
    if started is None:
        return visit.page("signing/code", 422, faults={"code": visit.words("signing.fault.code")})
    visit = await half.over(visit, started)
    return visit.go(half.onward(visit, found.next))


@router.get(ENROL)
async def enrolment(visit: Anybody) -> Response:
    """The secret of a new second step, as a picture and to be typed off."""
    found = half.of(visit, enrolled=False)
    return _enrolment(visit, found) if found else visit.go(SIGN_IN)


@router.post(ENROL)
async def enrol(visit: Anybody) -> Response:
    """Take the second step, proved by its first code: a session, and the recovery codes, shown once."""
    found, secret = half.of(visit, enrolled=False), half.secret_of(visit)
    if found is None or secret is None:
        return visit.go(SIGN_IN)
    async with visit.opened() as session:
        await sign_in.take_code(session, visit.service, found.passed.username)
    async with visit.opened() as session:
        enrolled = await sign_in.enrol(
            session, visit.service, found.passed, secret, visit.form.line("code", _MOST)
        )
        if enrolled is not None:
            started = await half.begun(session, visit, enrolled[0])
    if enrolled is None:
        return _enrolment(visit, found, 422, faults={"code": visit.words("signing.fault.code")})
    visit = await half.over(visit, started)
    return visit.page(
        "signing/codes", at=visit.root, codes=enrolled[1], onward=half.onward(visit, found.next)
    )


@router.post("/desk/sign-out")
async def leave(visit: Anybody) -> Response:
    """End the session."""
    await visit.end()
    visit.jar.renew()
    return visit.go(SIGN_IN)


def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    settings = visit.service.settings
    shown: dict[str, Any] = {
        "username": "",
        "local": settings.staff_local,
        "elsewhere": settings.staff_oidc_issuer is not None,
    }
    return visit.page("signing/sign_in", status, **(shown | values))


def _enrolment(visit: Visit, found: Half, status: int = 200, **values: Any) -> Response:
    secret = half.secret_of(visit)
    if secret is None:
        secret = totp.new_secret()
        half.keep_secret(visit, secret)
    drawn = Markup(totp.picture(secret, found.passed.username))  # noqa: S704 - our own drawing, of no text
    return visit.page("signing/enrol", status, drawn=drawn, secret=totp.shown(secret), **values)


def _require_local(visit: Visit) -> None:
    if not visit.service.settings.staff_local:
        raise NotFoundError("People sign in at the identity provider here.")
