"""What is known beside a case's records, in sections: the page's script asks for them as soon as the case is
shown; without a script they are a page.
"""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import Response

from simcheck.cases.models import Case
from simcheck.desks.case.clear import Opened
from simcheck.desks.frame.door import Visit
from simcheck.desks.queue import choices
from simcheck.desks.queue.told import Told
from simcheck.review import known
from simcheck.review.filters import Filter
from simcheck.review.known import Known


async def answer(visit: Visit, case_id: uuid.UUID, filter_: Filter) -> Response:
    """The page of what is known of a case, masked. The look is audited. Raises `NotFoundError`."""
    async with visit.acting() as session:
        case, found = await known.of(session, visit.service, case_id)
    back = choices.case_address(case_id, filter_)
    return visit.page("case/known", back=back, **values(Told.now(visit.words), case, filter_, found))


def values(
    told: Told, case: Case, filter_: Filter, found: Known | None, opened: Opened | None = None
) -> dict[str, Any]:
    """What the sections need, on whichever page they stand. `found` None: they are asked for later."""
    return {
        "told": told, "case": case, "known": found, "opened": opened or Opened(),
        "sections": _sizes(found) if found else {},
        "case_at": lambda other: choices.case_address(other, filter_),
    }  # fmt: skip


def _sizes(found: Known) -> dict[str, int]:
    """The sections, and how much is in each."""
    return {
        "history": len(found.history), "notices": len(found.notices),
        "answers": len(found.corrections) + len(found.confirmations) + len(found.questions),
        "others": found.others_total, "claims": len(found.claims), "mates": len(found.mates),
        "earlier": len(found.earlier),
    }  # fmt: skip
