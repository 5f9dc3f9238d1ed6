"""My numbers: sign in with the identity provider, see every number under one's ID, confirm or disown each."""

from __future__ import annotations

from dataclasses import asdict, replace

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from simcheck.errors import InvalidError
from simcheck.holders import numbers, registered, sessions
from simcheck.holders.confirm import confirm as confirm_record
from simcheck.holders.disown import disown
from simcheck.holders.models import Means, SessionKind
from simcheck.messages.words import Language, groups_of
from simcheck.public.door import Anybody, OfPerson, PageRoute, Visit
from simcheck.public.words import WORDS
from simcheck.web.oidc import Pending, Provider, Registration, SignInError, provider_of
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=PageRoute, include_in_schema=False)

RETURN = "/my/return"  # the one address that the provider sends browsers back to, in whatever language
_PENDING, _PENDING_SECONDS = "sign_in", 900


@router.get("/my")
async def mine(visit: Anybody) -> Response:
    """Every number of who has signed in; else the way to sign in."""
    if visit.session is None or visit.session.kind is not SessionKind.IDENTITY:
        return visit.page("my_start", sign_in=visit.service.settings.oidc_issuer is not None)
    async with visit.acting() as session:
        found = await numbers.of(session, visit.service, visit.session)
    return visit.page("my", found=found, groups_of=groups_of, said=visit.noted())


@router.get("/my/sign-in")
async def sign_in(visit: Anybody) -> Response:
    """Send the browser to the provider. No form, since browsers hold our forms to our own pages."""
    url, pending = await _provider(visit).start(visit.service.settings.issuer + RETURN)
    kept = {"pending": asdict(pending), "language": visit.words.language.value}
    # Lax: the browser comes back by the provider's link, with which no strict cookie is sent.
    visit.jar.seal(_PENDING, kept, _PENDING_SECONDS, same_site="lax")
    response = RedirectResponse(url, 303, HEADERS)
    visit.jar.onto(response)
    return response


@router.get(RETURN)
async def come_back(visit: Anybody) -> Response:
    """Take in who comes back from the provider.

    The answer is a page that leads on, not a redirect: what another site's link began, redirects and all, has
    no strict cookies with it, and the session would not be seen.
    """
    kept = visit.jar.unseal(_PENDING)
    visit.jar.drop(_PENDING)
    if kept is None:
        return visit.trouble(SignInError("This sign-in was not begun here, or too long ago."))
    visit = replace(visit, words=WORDS[Language(kept["language"])])
    try:
        number = await _provider(visit).finish(visit.request.query_params, Pending(**kept["pending"]))
        async with visit.opened() as session:
            started = await sessions.start_identity(session, visit.service.keyring, number)
    except (InvalidError, SignInError):
        return visit.trouble(SignInError("Nobody was signed in."))
    await visit.welcome(started)
    return visit.page("my_on", at="/my")


@router.post("/my/{handle}/confirm")
async def confirm(visit: OfPerson, handle: str) -> Response:
    """The person says that a number is theirs."""
    async with visit.acting() as session:
        subscription = await numbers.one(session, visit.service, visit.holder, handle)
        await confirm_record(session, visit.service, subscription, Means.SIGN_IN)
    visit.note("confirmed")
    return visit.go("/my")


@router.get("/my/{handle}/not-mine")
async def not_mine(visit: OfPerson, handle: str) -> Response:
    """What it means to say so, and the button."""
    async with visit.acting() as session:
        subscription = await numbers.one(session, visit.service, visit.holder, handle)
        shown = await registered.of(session, visit.service, subscription)
    return visit.page("not_mine", shown=shown, action=f"/my/{handle}/not-mine", back="/my")


@router.post("/my/{handle}/not-mine")
async def say_not_mine(visit: OfPerson, handle: str) -> Response:
    """The person says that a number is not theirs."""
    async with visit.acting() as session:
        subscription = await numbers.one(session, visit.service, visit.holder, handle)
        await disown(session, visit.service, subscription, Means.SIGN_IN)
    visit.note("disowned")
    return visit.go("/my")


def _provider(visit: Visit) -> Provider:
    """Holders' provider. Raises `NotFoundError` where the settings name none."""
    told = visit.service.settings
    ours = Registration.of(
        told.oidc_issuer, told.oidc_client_id, told.oidc_client_secret, told.oidc_scope, told.oidc_id_claim
    )
    return provider_of(visit.request.app.state, ours, name="holders_provider")
