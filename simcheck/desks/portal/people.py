"""The carrier's own people. A manager adds uploaders and shuts their accounts; other managers are the
ministry's administrators' to add.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import people
from simcheck.access.people import USERNAME, New
from simcheck.access.roles import Permission, Role
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError, NotAllowedError, UsageError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Manager = Annotated[Visit, needs(Permission.OWN_PEOPLE)]


@router.get("/portal/people")
async def listed(visit: Manager) -> Response:
    """Everybody of the carrier, and the form for another uploader."""
    return await _shown(visit)


@router.post("/portal/people")
async def add(visit: Manager) -> Response:
    """Add an uploader, who signs in with a password that is shown this once, or at the identity provider."""
    form, say = visit.form, visit.words
    username, name = form.line("username", 64).lower(), form.line("name", 100)
    email, claim = form.line("email", 200), form.line("claim", 200)
    typed = {"typed": {"username": username, "name": name, "email": email, "claim": claim}}
    faults = {}
    if not USERNAME.fullmatch(username):
        faults["username"] = say("portal.people.wrong_username")
    if not name:
        faults["name"] = say("portal.people.no_name")
    if not visit.service.settings.staff_local and not claim:
        faults["claim"] = say("portal.people.no_claim")
    if faults:
        return await _shown(visit, 422, faults=faults, **typed)
    new = New(username, name, [Role.UPLOADER], telling.carrier_of(visit), email or None, claim or None)
    try:
        async with visit.acting() as session:
            password = await people.add(session, visit.service, new)
    except ConflictError:
        return await _shown(visit, 409, faults={"username": say("portal.people.taken")}, **typed)
    except UsageError:
        return await _shown(visit, 422, faults={"email": say("portal.people.wrong_email")}, **typed)
    return _password(visit, username, password)


@router.post("/portal/people/{username}/disable")
async def disable(visit: Manager, username: str) -> Response:
    """Shut an uploader's account; they are signed out at once."""
    async with visit.acting() as session:
        await _require_uploader(session, username)
        await people.disable(session, username)
    visit.note("portal.people.disabled_now")
    return visit.go("/portal/people")


@router.post("/portal/people/{username}/enable")
async def enable(visit: Manager, username: str) -> Response:
    """Open an uploader's account again."""
    async with visit.acting() as session:
        await _require_uploader(session, username)
        await people.enable(session, username)
    visit.note("portal.people.enabled_now")
    return visit.go("/portal/people")


@router.post("/portal/people/{username}/reset")
async def reset(visit: Manager, username: str) -> Response:
    """Give an uploader who lost password or phone a new password, shown this once."""
    async with visit.acting() as session:
        await _require_uploader(session, username)
        password = await people.reset(session, visit.service, username)
    return _password(visit, username, password)


async def _require_uploader(session: AsyncSession, username: str) -> None:
    """Raise `NotAllowedError` for anybody who is more than an uploader, `NotFoundError`."""
    if set((await people.find(session, username)).roles) != {Role.UPLOADER}:
        raise NotAllowedError("Managers are the ministry's administrators' to change.")


def _password(visit: Visit, username: str, password: str | None) -> Response:
    if password is None:
        visit.note("portal.people.added")
        return visit.go("/portal/people")
    return visit.page("portal/password", at="/portal/people", username=username, password=password)


async def _shown(visit: Visit, status: int = 200, **values: Any) -> Response:
    settings = visit.service.settings
    async with visit.acting() as session:
        found = await people.listed(session, visit.service.keyring, telling.carrier_of(visit))
    return visit.page(
        "portal/people", status, at="/portal/people", people=found, local=settings.staff_local,
        provider=settings.staff_oidc_issuer is not None, uploader=(Role.UPLOADER,), **{"typed": {}, **values},
    )  # fmt: skip
