"""Signing in at the ministry's identity provider. Nobody gets in whose account was not made here before."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from simcheck.access import sign_in
from simcheck.desks.frame.door import SIGN_IN, Anybody, DeskRoute, Visit, inside
from simcheck.desks.signing import half
from simcheck.web.oidc import Pending, Provider, Registration, SignInError, provider_of
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

START, RETURN = f"{SIGN_IN}/elsewhere", f"{SIGN_IN}/return"
_PENDING, _PENDING_SECONDS = "desk_pending", 900


@router.get(START)
async def start(visit: Anybody) -> Response:
    """Send the browser to the provider. No form, since browsers hold our forms to our own pages."""
    url, pending = await _provider(visit).start(visit.service.settings.issuer + RETURN)
    kept = {"pending": asdict(pending), "next": inside(visit.request.query_params.get("next", ""))}
    # Lax: the browser comes back by the provider's link, with which no strict cookie is sent.
    visit.jar.seal(_PENDING, kept, _PENDING_SECONDS, same_site="lax")
    response = RedirectResponse(url, 303, HEADERS)
    visit.jar.onto(response)
    return response


@router.get(RETURN)
async def come_back(visit: Anybody) -> Response:
    """Take in who comes back from the provider, if there is an account of theirs."""
    kept = visit.jar.unseal(_PENDING)
    visit.jar.drop(_PENDING)
    if kept is None:
        return visit.trouble(SignInError("This sign-in was not begun here, or too long ago."))
    provider = _provider(visit)
    try:
        claim = await provider.finish(visit.request.query_params, Pending(**kept["pending"]))
    except SignInError as error:
        return visit.trouble(error)
    async with visit.opened() as session:
        account = await sign_in.by_claim(session, visit.service, claim)
        started = await half.begun(session, visit, account) if account else None
    if started is None:
        return visit.trouble(sign_in.SignInRefusedError("There is no account for this person."))
    visit = await half.over(visit, started)
    return visit.go(half.onward(visit, kept["next"]))


def _provider(visit: Visit) -> Provider:
    """Staff's provider. Raises `NotFoundError` where the settings name none."""
    told = visit.service.settings
    ours = Registration.of(
        told.staff_oidc_issuer, told.staff_oidc_client_id, told.staff_oidc_client_secret,
        told.staff_oidc_scope, told.staff_oidc_username_claim,
    )  # fmt: skip
    return provider_of(visit.request.app.state, ours, name="staff_provider")
