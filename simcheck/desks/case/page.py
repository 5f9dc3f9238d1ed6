"""One page for all that can be seen of a case; every answer about a case that is not a way elsewhere is this
page.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import people
from simcheck.access.roles import Permission
from simcheck.cases.models import Case
from simcheck.cases.states import State, Who, allowed
from simcheck.crosscheck.recheck import OF_THE_WHOLE
from simcheck.desks.case import clear, differing
from simcheck.desks.frame.door import Visit
from simcheck.desks.queue import choices, lately
from simcheck.desks.queue.told import Told
from simcheck.review import dossier, records, unmask, words
from simcheck.review.changes import Change
from simcheck.review.dossier import Dossier
from simcheck.review.filters import Filter

MOST_CARRIED, MOST_NOTE = 2000, 2000
_DECISION_KEYS, _REASON_KEYS = "1234567890", "abcdfi"


class Offer(NamedTuple):
    """A decision that can be taken now, the key that opens it, and its reasons with theirs."""

    code: str
    key: str
    name: str
    dangerous: bool
    reasons: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Typed:
    """What somebody typed into a form that was not taken: it is kept for them. `act` is which form."""

    act: str = ""
    reason: str = ""
    note: str = field(default="", repr=False)
    other: str = field(default="", repr=False)

    @classmethod
    def of(cls, visit: Visit, act: str, other: str = "") -> Typed:
        """The fields that the forms of a case have in common. Raises `InvalidError`."""
        return cls(act, visit.form.line("reason"), visit.form.text("note", MOST_NOTE), other)


@dataclass(frozen=True)
class Banner:
    """Why what was wanted was not done: `what` is a key of `case.banner`. `changes` say what happened since;
    `who` has the case now, or had it until `until`."""

    what: str
    changes: Sequence[Change] = ()
    who: str | None = None
    until: str | None = None


def carried(visit: Visit) -> Filter:
    """The list that somebody works through, as the page carries it along. Raises `InvalidError`."""
    told = visit.form.line("queue", MOST_CARRIED) or visit.request.query_params.get("queue", "")
    return choices.carried(told)


async def answer(
    visit: Visit, case_id: uuid.UUID, *, purpose: str | None = None, banner: Banner | None = None,
    typed: Typed | None = None, faults: Mapping[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """The case's page; in clear for a `purpose`, in this answer only. Each is audited.

    Raises `NotFoundError`, and `InvalidError` for a purpose that is none.
    """
    told, filter_ = Told.now(visit.words), carried(visit)
    async with visit.acting() as session:
        if purpose is None:
            found, opened = await dossier.of(session, visit.service, case_id), clear.Opened()
        else:
            found = await unmask.look(session, visit.service, case_id, purpose)
            opened = await clear.opened(session, visit.service, found)
        late = await lately.of(session, told)
        colleagues = await _colleagues(session, visit, found.case)
    both = await records.read(visit.service, found.wanted)
    case, who = found.case, visit.person.username
    in_hand = told.is_claimed(case)
    return visit.page(
        "case/case", status, at=choices.case_address(case_id, filter_) if visit.form.fields else None,
        connects=True, told=told, d=found, both=both, case=case, opened=opened, late=late,
        colleagues=colleagues,
        filter=choices.spelled(filter_), list_address=choices.address(filter_),
        case_address=choices.case_address, wanted_filter=filter_,
        mine=in_hand and case.claimed_by == who, others=in_hand and case.claimed_by != who,
        offers=offers(told, case), purposes=_options(told, "purpose"), snoozes=_options(told, "snooze"),
        escalations=_options(told, "escalate"), purpose=purpose, banner=banner, typed=typed or Typed(),
        faults=dict(faults or {}), differs=lambda row: differing.said(row, visit.words),
        same=differing.is_same, another=differing.is_another,
        otherwise=lambda now: bool((now.reasons ^ case.reasons) & ~OF_THE_WHOLE), sections=_sections(found),
    )  # fmt: skip


def offers(told: Told, case: Case) -> list[Offer]:
    """What can be decided in a case as it is. Its keys stay the same in every case."""
    found = []
    for key, each in zip(_DECISION_KEYS, words.decisions().values(), strict=False):
        move = allowed(each.move, Who.STAFF, State(case.state))
        if move is None or move.holds is case.held or (move.name == "suspend" and case.held):
            continue
        reasons = [
            (code, letter, told.text(text))
            for (code, text), letter in zip(each.reasons.items(), _REASON_KEYS, strict=False)
        ]
        found.append(Offer(each.code, key, told.text(each.name), each.dangerous, reasons))
    return found


async def _colleagues(session: AsyncSession, visit: Visit, case: Case) -> Sequence[tuple[str, str]]:
    """To whom the case can be given: whoever decides cases. Nobody needs the list who cannot give it."""
    if case.closed_at is not None or not visit.can(Permission.CASE_CLAIM):
        return []
    return await people.colleagues(session, visit.service.keyring, Permission.CASE_DECIDE)


def _options(told: Told, group: str) -> list[tuple[str, str]]:
    return [(code, told.text(text)) for code, text in words.group(group).items()]


def _sections(found: Dossier) -> list[tuple[str, int]]:
    """The sections of the page, and how much is in each."""
    answers = len(found.corrections) + len(found.confirmations) + len(found.questions)
    sizes: dict[str, Any] = {
        "history": len(found.history), "notices": len(found.notices), "answers": answers,
        "others": found.others_total, "claims": len(found.claims), "mates": len(found.mates),
        "earlier": len(found.earlier),
    }  # fmt: skip
    return list(sizes.items())
