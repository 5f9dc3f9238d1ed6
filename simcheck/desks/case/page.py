"""One page for all that can be seen of a case; every answer about a case that is not a way elsewhere is this
page.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import people
from simcheck.access.roles import Permission
from simcheck.cases import find
from simcheck.crosscheck.recheck import OF_THE_WHOLE
from simcheck.desks.case import beside, clear, differing, forms
from simcheck.desks.case.forms import Typed
from simcheck.desks.frame.door import Visit
from simcheck.desks.queue import choices, lately
from simcheck.desks.queue.told import Told
from simcheck.review import dossier, records, unmask, words
from simcheck.review.changes import Change
from simcheck.review.filters import Filter

MOST_CARRIED = 2000


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
    """The case's page; in clear for a `purpose`, in this answer only, with what is known of it. Each is
    audited.

    Raises `NotFoundError`, and `InvalidError` for a purpose that is none.
    """
    told, filter_, who = Told.now(visit.words), carried(visit), visit.person.username
    typed, known, opened = typed or Typed(), None, None
    async with visit.acting() as session:
        if purpose is None:
            found = await dossier.of(session, visit.service, case_id)
        else:
            found, known = await unmask.look(session, visit.service, case_id, purpose)
            opened = await clear.opened(session, visit.service, case_id, known)
        case = found.case
        late = await lately.of(session, told, all_of_them=False)
        in_hand = told.is_claimed(case)
        mine = in_hand and case.claimed_by == who
        colleagues = await assignees(session, visit) if typed.act in forms.GIVING else None
    both = await records.read(visit.service, found.wanted)
    return visit.page(
        "case/case", status, at=choices.case_address(case_id, filter_) if visit.form.fields else None,
        connects=True, d=found, both=both, late=late,
        filter=choices.spelled(filter_), list_address=choices.address(filter_),
        known_address=choices.known_address(case_id, filter_), mine=mine, others=in_hand and not mine,
        offers=forms.offers(told, case, typed, faults or {}) if mine else [],
        cares=forms.cares(visit, case, typed, faults or {}, colleagues, mine=mine),
        give_address=choices.give_address(case_id, filter_),
        purposes=_options(told, "purpose"), purpose=purpose,
        banner=banner, typed=typed, faults=dict(faults or {}),
        compared=[differing.compared(row, visit.words) for row in both.rows] if both else [],
        otherwise=lambda now: bool((now.reasons ^ case.reasons) & ~OF_THE_WHOLE),
        **beside.values(told, case, filter_, known, opened),
    )  # fmt: skip


async def answer_give(visit: Visit, case_id: uuid.UUID) -> Response:
    """The forms by which a case is given to a colleague: the case's page puts them in when they are opened.
    Raises `NotFoundError`.
    """
    told, filter_ = Told.now(visit.words), carried(visit)
    async with visit.acting() as session:
        case = (await find.by_id(session, case_id)).case
        colleagues = await assignees(session, visit)
    mine = told.is_claimed(case) and case.claimed_by == visit.person.username
    offered = forms.cares(visit, case, Typed(), {}, colleagues, mine=mine)
    return visit.page(
        "case/give", told=told, case=case, back=choices.case_address(case_id, filter_),
        filter=choices.spelled(filter_), cares=[each for each in offered if each.act in forms.GIVING],
    )  # fmt: skip


async def assignees(session: AsyncSession, visit: Visit) -> Sequence[tuple[str, str]]:
    """To whom a case can be given: whoever decides cases."""
    return await people.colleagues(session, visit.service.keyring, Permission.CASE_DECIDE)


def _options(told: Told, group: str) -> list[tuple[str, str]]:
    return [(code, told.text(text)) for code, text in words.group(group).items()]
