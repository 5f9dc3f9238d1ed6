"""Versions of the policy: listed, added, read track by track, signed off or withdrawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.actors import whose
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.enforcement import policy as documents
from simcheck.enforcement import store
from simcheck.enforcement.models import PolicyState, PolicyVersion
from simcheck.enforcement.policy import Policy
from simcheck.enforcement.reading import PolicyRefusedError
from simcheck.errors import ConflictError
from simcheck.review import words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ROOM = "/desk/policy"
MOST_TEXT = 200_000
AHEAD = timedelta(days=120)
KINDS = {PolicyState.DRAFT: "warn", PolicyState.APPROVED: "good", PolicyState.WITHDRAWN: ""}
Reader = Annotated[Visit, needs(Permission.POLICY_SEE)]
Writer = Annotated[Visit, needs(Permission.POLICY_SEE, Permission.POLICY_WRITE)]
Approver = Annotated[Visit, needs(Permission.POLICY_SEE, Permission.POLICY_APPROVE)]


@router.get(ROOM)
async def listed(visit: Reader) -> Response:
    """All versions, and the form for another one."""
    return await _list(visit)


@router.post(ROOM)
async def add(visit: Writer) -> Response:
    """Keep a document as a draft; or say on which lines it cannot be kept to."""
    text = visit.form.text("text", MOST_TEXT)
    try:
        async with visit.acting() as session:
            made = await store.add(session, text)
    except PolicyRefusedError as error:
        return await _list(visit, text, error.faults)
    except ConflictError:
        return await _list(visit, text, [(1, visit.words("policy.fault.version"))])
    visit.note("policy.done.added")
    return visit.go(f"{ROOM}/{made.version}")


async def _list(visit: Visit, text: str = "", faults: object = ()) -> Response:
    async with visit.acting() as session:
        found = await store.versions(session)
        now = await store.in_force(session)
    if not text and visit.can(Permission.POLICY_WRITE):
        text = next((each.text for each in found if now and each.version == now.version), documents.shipped())
    return visit.page(
        "policy/list", 422 if faults else 200, at=ROOM if faults else None, versions=found, text=text,
        now=now.version if now else None, kinds=KINDS, refused=faults, most=MOST_TEXT, whose=whose,
        faults={"text": visit.words("policy.fault.text")} if faults else {},
    )  # fmt: skip


@router.get(f"{ROOM}/{{version}}")
async def shown(visit: Reader, version: str) -> Response:
    """What a version says, and who stands for it."""
    async with visit.acting() as session:
        found = await store.one(session, version)
        now = await store.in_force(session)
    states = {name: text[visit.words.language] for name, text in words.group("state").items()}
    return visit.page(
        "policy/one", found=found, policy=store.policy_of(found), kinds=KINDS, states=states, whose=whose,
        is_own=found.made_by == visit.person.actor, is_now=now is not None and now.version == version,
        may_go=may_go(found), ends=ends(store.policy_of(found)),
    )  # fmt: skip


@router.post(f"{ROOM}/{{version}}/approve")
async def approve(visit: Approver, version: str) -> Response:
    """Sign somebody else's draft off."""
    async with visit.acting() as session:
        await store.approve(session, version)
    visit.note("policy.done.approved")
    return visit.go(f"{ROOM}/{version}")


@router.post(f"{ROOM}/{{version}}/withdraw")
async def withdraw(visit: Writer, version: str) -> Response:
    """Take back what is not in force."""
    async with visit.acting() as session:
        await store.withdraw(session, version)
    visit.note("policy.done.withdrawn")
    return visit.go(f"{ROOM}/{version}")


def ends(policy: Policy) -> bool:
    """Whether the holidays of the months to come are not in the policy."""
    return (store.today() + AHEAD).year > max(policy.calendar.years, default=0)


def may_go(version: PolicyVersion) -> bool:
    """Whether a version can be withdrawn."""
    waits = version.state == PolicyState.APPROVED and version.valid_from > store.today()
    return waits or version.state == PolicyState.DRAFT
