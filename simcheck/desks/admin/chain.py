"""Searching the audit chain, and whether it holds. Whoever searches is in the chain too."""

from __future__ import annotations

import re
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.access.roles import Permission
from simcheck.audit import checks, search
from simcheck.audit.search import Wanted
from simcheck.cases import codes
from simcheck.cases.models import Case
from simcheck.desks.admin import asked
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.queue import enqueue

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Auditor = Annotated[Visit, needs(Permission.AUDIT_SEE)]
AUDIT = "/desk/audit"
# Names of things as the chain has them. A run of digits could be a phone number, which stands nowhere in it;
# ids have such runs, between dashes.
_NAME = re.compile(r"[a-z][A-Za-z0-9_./:~-]{0,150}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGITS = re.compile(r"\d{7}")
_NAMES = ("stream", "actor", "act", "subject")


@router.get(AUDIT)
async def found(visit: Auditor) -> Response:
    """Rows of the chain that fit, the newest first, and what the last look through all of it found."""
    typed = {name: asked.text(visit, name) for name in (*_NAMES, "since", "until", "case")}
    looks = visit.request.query_params.get("looks") == "yes"
    faults = _faults(visit, typed)
    async with visit.acting() as session:
        subject = typed["subject"]
        if typed["case"] and "case" not in faults:
            subject = await _case(session, typed["case"])
            if not subject:
                faults["case"] = visit.words("admin.audit.fault.no_case")
        page, after = None, asked.text(visit, "after")
        if not faults:
            wanted = _wanted(visit, typed, subject, looks)
            page = await search.find(session, wanted, search.place(after) if after else None)
            kept = {name: typed[name] for name in ("stream", "actor", "act", "since", "until") if typed[name]}
            said = {**kept, **({"subject": subject} if subject else {}), "looks": looks, "more": bool(after)}
            audit.record(session, "audit.searched", "audit", said)
        found = await checks.newest(session)
        streams, acts = await search.streams(session), await search.acts(session)
    following = page.after.shown if page is not None and page.after else None
    return visit.page(
        "admin/audit", 422 if faults else 200, typed=typed, looks=looks, faults=faults, page=page,
        streams=streams, acts=acts, check=found[0] if found else None, checks=found, subject=subject,
        is_look=search.LOOKS.__contains__, after=following and visit.address(after=following),
    )  # fmt: skip


@router.post(AUDIT + "/verify")
async def verify(visit: Auditor) -> Response:
    """Have the whole chain looked through, by a job."""
    async with visit.acting() as session:
        await checks.ask(session)
        await enqueue(session, "audit.verify", lock="audit.verify", queueing_lock="audit.verify")
    visit.note("admin.audit.asked")
    return visit.go(AUDIT)


def _faults(visit: Visit, typed: dict[str, str]) -> dict[str, str]:
    """What is typed and cannot be looked for. Nothing that may be personal goes any further."""
    say, faults = visit.words, dict[str, str]()
    for name in _NAMES:
        told = typed[name]
        if told and (not _NAME.fullmatch(told) or _DIGITS.search(_ID.sub("", told))):
            faults[name] = say("admin.audit.fault.name")
    for name in ("since", "until"):
        if typed[name] and asked.day(visit, name) is None:
            faults[name] = say("admin.audit.fault.day")
    if typed["case"] and codes.read(typed["case"]) is None:
        faults["case"] = say("admin.audit.fault.case")
    after = asked.text(visit, "after")
    if after and not faults:
        search.place(after)
    return faults


def _wanted(visit: Visit, typed: dict[str, str], subject: str, looks: bool) -> Wanted:
    since, until = asked.day(visit, "since"), asked.day(visit, "until")
    return Wanted(
        typed["stream"] or None, typed["actor"] or None, typed["act"] or None,
        search.LOOKS if looks else (), subject or None, None if since is None else asked.begins(since),
        None if until is None else asked.ends(until),
    )  # fmt: skip


async def _case(session: AsyncSession, typed: str) -> str:
    """The chain's name of the case with this code; "" where there is none."""
    found = await session.scalar(sa.select(Case.id).where(Case.code == codes.read(typed)))
    return f"case/{found}" if found else ""
