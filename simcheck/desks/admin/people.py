"""The accounts of people: the list, and adding one."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck.access import people, roster
from simcheck.access.people import USERNAME, New
from simcheck.access.roles import Permission, Role, Side
from simcheck.access.roster import Wanted
from simcheck.desks.admin import asked
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import ConflictError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Manager = Annotated[Visit, needs(Permission.PEOPLE_MANAGE)]
LIST, ADD = "/desk/people", "/desk/people/_add"
_MOST_NAME, _MOST_EMAIL, _MOST_CLAIM = 100, 200, 200
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class State(StrEnum):
    """Which accounts are shown."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@router.get(LIST)
async def listed(visit: Manager) -> Response:
    """Accounts by user name. No name stands in the address: it is a person's."""
    state, role = asked.word(visit, "state", State), asked.word(visit, "role", Role)
    async with visit.acting() as session:
        codes = await asked.carriers(session)
        whose = asked.one_of(visit, "whose", [Side.MINISTRY.value, *codes])
        wanted = Wanted(
            asked.text(visit, "q", 64), Side.MINISTRY if whose == Side.MINISTRY else None,
            whose if whose in codes else None, role, None if state is None else state is State.DISABLED,
        )  # fmt: skip
        page = await roster.find(
            session, visit.service.keyring, wanted, asked.text(visit, "after", 64) or None
        )
    return visit.page(
        "admin/people", people=page.rows, carriers=codes, part=wanted.part, whose=whose or "",
        role=role or "", state=state or "", roles=list(Role),
        after=page.after and visit.address(after=page.after),
    )  # fmt: skip


@router.get(ADD)
async def form(visit: Manager) -> Response:
    """The form for a new account."""
    return await _form(visit)


@router.post(ADD)
async def add(visit: Manager) -> Response:
    """Add an account, and show the password that was drawn for it, once."""
    new, faults = _new(visit)
    async with visit.acting() as session:
        if new.carrier is not None and new.carrier not in await asked.carriers(session):
            faults["carrier"] = visit.words("admin.people.fault.carrier")
    if faults:
        return await _form(visit, 422, faults=faults)
    try:
        async with visit.acting() as session:
            drawn = await people.add(session, visit.service, new)
    except ConflictError:
        return await _form(visit, 409, faults={"username": visit.words("admin.people.fault.taken")})
    if drawn is None:
        visit.note("admin.people.added", username=new.username)
        return visit.go(f"{LIST}/{new.username}")
    return secret(visit, new.username, drawn)


def secret(visit: Visit, username: str, drawn: str) -> Response:
    """The page that shows a drawn password. It is not to be had again."""
    return visit.page(
        "admin/secret", at=LIST, what="person", whose=username, secret=drawn, onward=f"{LIST}/{username}"
    )


def roles_of(visit: Visit) -> list[str]:
    """The roles that are ticked in a form."""
    return [role.value for role in Role if visit.form.fields.get(f"role_{role}") == "yes"]


def fit(roles: list[str], carrier: str | None) -> bool:
    """Whether somebody of this side may have these roles, and they are some."""
    side = Side.CARRIER if carrier else Side.MINISTRY
    return bool(roles) and all(Role(each).side is side for each in roles)


def _new(visit: Visit) -> tuple[New, dict[str, str]]:
    """The account that the form asks for, and what is wrong with it."""
    form, say = visit.form, visit.words
    new = New(
        form.line("username").lower(), form.line("name"), roles_of(visit), form.line("carrier") or None,
        form.line("email") or None,
        (form.line("claim", 1000) or None) if form.fields.get("means") == "oidc" else None,
    )  # fmt: skip
    wrong = {
        "username": not USERNAME.fullmatch(new.username),
        "name": not 0 < len(new.name) <= _MOST_NAME,
        "email": bool(new.email and (len(new.email) > _MOST_EMAIL or not _EMAIL.fullmatch(new.email))),
        "roles": not fit(list(new.roles), new.carrier),
        "claim": form.fields.get("means") == "oidc" and not 0 < len(new.claim or "") <= _MOST_CLAIM,
    }
    return new, {name: say(f"admin.people.fault.{name}") for name, is_wrong in wrong.items() if is_wrong}


async def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        codes = await asked.carriers(session)
    typed = {name: visit.form.fields.get(name, "")[:200] for name in
             ("username", "name", "email", "carrier", "claim", "means")}  # fmt: skip
    provider = visit.service.settings.staff_oidc_issuer is not None
    return visit.page(
        "admin/people_add", status, at=ADD, carriers=codes, typed=typed, ticked=roles_of(visit),
        roles=list(Role), provider=provider, **values,
    )  # fmt: skip
