"""One's own account: who one is here, the password, the recovery codes, and the browsers that are signed
in.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck.access import passwords, people, sign_in, staff_sessions
from simcheck.access.models import Means
from simcheck.access.passwords import WeakPasswordError
from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.signing import half
from simcheck.errors import NotFoundError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Mine = Annotated[Visit, needs(Permission.OWN_ACCOUNT)]
# Somebody with a password that another drew for them comes as far as this, and no further.
Unchanged = Annotated[Visit, needs(Permission.OWN_ACCOUNT, before_change=True)]


@router.get("/desk/account")
@router.get("/portal/account")
async def account(visit: Mine) -> Response:
    """What is known of the person, and their sessions."""
    return await _shown(visit)


@router.get("/desk/account/password")
@router.get("/portal/account/password")
async def password(visit: Unchanged) -> Response:
    """The form for another password."""
    _require_local(visit)
    return _password(visit)


@router.post("/desk/account/password")
@router.post("/portal/account/password")
async def change(visit: Unchanged) -> Response:
    """Take another password; this browser gets a new session, all others are signed out."""
    _require_local(visit)
    old, new, again = (visit.form.secret(name, passwords.MOST) for name in ("old", "new", "again"))
    if new != again:
        return _password(visit, 422, faults={"again": visit.words("signing.fault.again")})
    async with visit.acting() as session:
        await sign_in.take_code(session, visit.service, visit.person.username)
    try:
        async with visit.acting() as session:
            changed = await people.change_password(session, visit.service, visit.person.username, old, new)
            if changed:
                mine = await people.find(session, visit.person.username)
                started = await half.begun(session, visit, mine)
    except WeakPasswordError:
        weak = visit.words("signing.fault.new", least=passwords.LEAST, most=passwords.MOST)
        return _password(visit, 422, faults={"new": weak})
    if not changed:
        return _password(visit, 422, faults={"old": visit.words("signing.fault.old")})
    visit = visit.replaced(started)
    visit.note("signing.changed")
    return visit.go(f"{visit.root}/account")


@router.post("/desk/account/codes")
@router.post("/portal/account/codes")
async def codes(visit: Mine) -> Response:
    """New recovery codes, shown once; those from before are good no more. The password is asked for again."""
    _require_local(visit)
    typed = visit.form.secret("password", passwords.MOST)
    async with visit.acting() as session:
        await sign_in.take_code(session, visit.service, visit.person.username)
    async with visit.acting() as session:
        new = await sign_in.renew_codes(session, visit.service, visit.person.username, typed)
    if new is None:
        return await _shown(visit, 422, faults={"password": visit.words("signing.fault.old")})
    return visit.page("signing/codes", at=f"{visit.root}/account", codes=new, onward=f"{visit.root}/account")


@router.post("/desk/account/sessions/{session_id}/end")
@router.post("/portal/account/sessions/{session_id}/end")
async def end(visit: Mine, session_id: uuid.UUID) -> Response:
    """Sign out another browser of one's own."""
    async with visit.acting() as session:
        await staff_sessions.revoke(session, visit.person.username, session_id)
    visit.note("signing.ended")
    return visit.go(f"{visit.root}/account")


async def _shown(visit: Visit, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        mine = people.shown(visit.service.keyring, await people.find(session, visit.person.username))
        sessions = await staff_sessions.listed(session, visit.service, visit.person.username)
    local = visit.person.means is Means.LOCAL
    return visit.page(
        "signing/account",
        status,
        at=f"{visit.root}/account",
        mine=mine,
        sessions=sessions,
        local=local,
        **values,
    )


def _password(visit: Visit, status: int = 200, **values: Any) -> Response:
    must = visit.person.must_change
    return visit.page("signing/password", status, must=must, least=passwords.LEAST, **values)


def _require_local(visit: Visit) -> None:
    if visit.person.means is not Means.LOCAL:
        raise NotFoundError("This account has no password here.")
