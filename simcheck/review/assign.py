"""Whose case it is for longer than a look: assigned, handed over, put off for a time, given to the
supervisors."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.models import Case
from simcheck.errors import ConflictError, InvalidError
from simcheck.review import acts, words
from simcheck.service import Service

LONGEST_SNOOZE = timedelta(days=90)
_PERSON = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


async def assign(session: AsyncSession, case_id: uuid.UUID, to: str | None) -> Case:
    """Give a case to a person (a user name), or (None) to nobody. Whoever else has it in hand keeps it until
    their lease ends. Raises `InvalidError` for what is no user name, `NotFoundError`, `ConflictError` for a
    closed case.
    """
    case = await acts.open_case(session, case_id)
    _require_person(to)
    if case.assignee == to:
        return case
    detail = {"from": case.assignee or "", "to": to or ""}
    case.assignee = to
    await acts.tell(session, case, "assigned", detail=detail)
    return case


async def hand_over(
    session: AsyncSession, service: Service, case_id: uuid.UUID, who: str, to: str, note: str
) -> Case:
    """Give a case that `who` has to somebody else, with what they have to know (it is sealed). It leaves the
    hands of `who` at once, and wakes. Raises as `assign`, and `InvalidError` without a note.
    """
    case = await acts.open_case(session, case_id)
    _require_person(to)
    sealed = acts.sealed_note(service.keyring, case.id, note)
    if sealed is None:
        raise InvalidError("note: say what whoever takes over has to know.")
    if to == who:
        raise ConflictError("The case is yours already. Hand it to somebody else.")
    _let_go(case, who)
    case.assignee, case.snoozed_until = to, None
    await acts.tell(session, case, "handed_over", detail={"from": who, "to": to}, note=sealed)
    return case


async def snooze(session: AsyncSession, case_id: uuid.UUID, who: str, until: datetime, reason: str) -> Case:
    """Put a case off: nobody is given it before. Staff's time runs on. `reason` is one of the words `snooze`.

    Raises `InvalidError` for a moment that is past or more than `LONGEST_SNOOZE` away, and as `assign`.
    """
    case, now = await acts.open_case(session, case_id), clock.now()
    words.require("snooze", reason)
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidError(f"until: a moment within the next {LONGEST_SNOOZE.days} days.")
    _let_go(case, who)
    case.snoozed_until = until
    await acts.tell(session, case, "snoozed", reason=reason, detail={"until": until.isoformat()})
    return case


async def wake(session: AsyncSession, case_id: uuid.UUID) -> Case:
    """End a snooze before its time. Raises as `assign`."""
    case = await acts.open_case(session, case_id)
    if case.snoozed_until is not None:
        case.snoozed_until = None
        await acts.tell(session, case, "woken")
    return case


async def escalate(
    session: AsyncSession,
    service: Service,
    case_id: uuid.UUID,
    who: str,
    reason: str,
    note: str | None = None,
) -> Case:
    """Give a case to the supervisors. `reason` is one of the words `escalate`; `note` is sealed. Raises as
    `assign`, and `ConflictError` where that was done before.
    """
    case = await acts.open_case(session, case_id)
    words.require("escalate", reason)
    if case.escalated:
        raise ConflictError("The supervisors have the case already.")
    sealed = acts.sealed_note(service.keyring, case.id, note)
    _let_go(case, who)
    case.escalated = True
    await acts.tell(session, case, "escalated", reason=reason, note=sealed)
    return case


async def calm(session: AsyncSession, case_id: uuid.UUID) -> Case:
    """Take a case back from the supervisors. Raises as `assign`."""
    case = await acts.open_case(session, case_id)
    if case.escalated:
        case.escalated = False
        await acts.tell(session, case, "calmed")
    return case


def _let_go(case: Case, who: str) -> None:
    if case.claimed_by == who:
        case.claimed_by = case.claimed_until = None


def _require_person(name: str | None) -> None:
    if name is not None and not _PERSON.fullmatch(name):
        raise InvalidError("to: the user name of a person.")
