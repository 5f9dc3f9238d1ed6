"""One account: roles, whether it is open, password and second step, where the person is signed in.

What takes rights away or gives them is refused for one's own account, and so is what would leave the service
without an administrator (`people`).
"""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Response

from simcheck.access import people, staff_sessions
from simcheck.access.models import Means
from simcheck.access.roles import Role, Side
from simcheck.desks.admin.people import LIST, Manager, fit, roles_of, secret
from simcheck.desks.frame.door import DeskRoute, Visit
from simcheck.errors import InvalidError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
ONE = LIST + "/{username}"


@router.get(ONE)
async def one(visit: Manager, username: str) -> Response:
    """An account with its sessions."""
    return await _shown(visit, username)


@router.post(ONE + "/roles")
async def change_roles(visit: Manager, username: str) -> Response:
    """Give the account the roles that are ticked."""
    wanted = roles_of(visit)
    async with visit.acting() as session:
        carrier = (await people.find(session, username)).carrier
    if not fit(wanted, carrier):
        return await _shown(visit, username, 422, faults={"roles": visit.words("admin.people.fault.roles")})
    async with visit.acting() as session:
        await people.set_roles(session, username, wanted)
    return _back(visit, username, "admin.person.changed")


@router.post(ONE + "/disable")
async def disable(visit: Manager, username: str) -> Response:
    """Shut the account."""
    async with visit.acting() as session:
        await people.disable(session, username)
    return _back(visit, username, "admin.person.is_disabled")


@router.post(ONE + "/enable")
async def enable(visit: Manager, username: str) -> Response:
    """Open the account again."""
    async with visit.acting() as session:
        await people.enable(session, username)
    return _back(visit, username, "admin.person.is_enabled")


@router.post(ONE + "/reset")
async def reset(visit: Manager, username: str) -> Response:
    """Draw a new password, shown once; the second step is set up anew."""
    async with visit.acting() as session:
        if (await people.find(session, username)).means != Means.LOCAL:
            raise InvalidError("The account has no password here.")
        drawn = await people.reset(session, visit.service, username)
    return secret(visit, username, drawn)


@router.post(ONE + "/sessions/{session_id}/end")
async def end(visit: Manager, username: str, session_id: uuid.UUID) -> Response:
    """Sign the person out in one browser."""
    async with visit.acting() as session:
        await staff_sessions.revoke(session, username, session_id)
    return _back(visit, username, "admin.person.ended")


def _back(visit: Visit, username: str, what: str) -> Response:
    visit.note(what, username=username)
    return visit.go(f"{LIST}/{username}")


async def _shown(visit: Visit, username: str, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        account = people.shown(visit.service.keyring, await people.find(session, username))
        sessions = await staff_sessions.listed(session, visit.service, username)
    side = Side.CARRIER if account.carrier else Side.MINISTRY
    return visit.page(
        "admin/person", status, at=f"{LIST}/{username}", account=account, sessions=sessions,
        mine=username == visit.person.username, roles=[role for role in Role if role.side is side], **values,
    )  # fmt: skip
