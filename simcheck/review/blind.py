"""A decided case as it was before the decision: what a second reviewer sees of it, and nothing that came
after.

The declared cells are those of then; the register answers as it stands now. Neither number nor case code is
shown, so that the page does not lead to the first decision.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.cases.models import Case, CaseEvent
from simcheck.cases.states import DESK
from simcheck.crosscheck.models import Subscription
from simcheck.register import ledger
from simcheck.review import changes, records
from simcheck.review.changes import Change
from simcheck.review.dossier import Explained, explained
from simcheck.review.models import DoubleReview
from simcheck.review.records import Wanted
from simcheck.service import Service


@dataclass(frozen=True)
class Then:
    """A case as it was. `wanted` is for `records.read`, when the transaction is over: masked unless
    `is_clear`, and None where its row is known no more.
    """

    review_id: uuid.UUID
    carrier: str
    state: str
    verdict: int
    answer: str | None
    reasons: Sequence[Explained]
    wanted: Wanted | None = field(repr=False)
    is_clear: bool = False
    history: Sequence[Change] = ()


async def then(
    session: AsyncSession, service: Service, review: DoubleReview, *, clear: bool = False
) -> Then:  # fmt: skip
    """The case of a review, before its first decision; with `clear` its records are not masked, and the look
    is audited as that at any case.
    """
    if clear:
        seen = {"purpose": "deciding", "double": str(review.id)}
        stream = f"case/{review.carrier}"
        audit.record(session, "case.unmasked", f"case/{review.case_id}", seen, stream=stream)
    query = (
        sa.select(CaseEvent)
        .where(CaseEvent.case_id == review.case_id, CaseEvent.at < review.first_at,
               CaseEvent.move.not_in(DESK))
        .order_by(CaseEvent.id)
    )  # fmt: skip
    return Then(
        review.id, review.carrier, review.state_then, review.verdict, review.answer,
        explained(review.reasons), await _wanted(session, service, review, clear=clear), clear,
        [changes.of_event(each) for each in await session.scalars(query)],
    )  # fmt: skip


async def _wanted(
    session: AsyncSession, service: Service, review: DoubleReview, *, clear: bool
) -> Wanted | None:  # fmt: skip
    """Both records, the declared one from where it stood then."""
    case = await session.get(Case, review.case_id)
    if case is None or review.batch_id is None:
        return None
    now = await session.get(Subscription, (case.msisdn_token, case.carrier))
    if now is None:
        return None
    values = {column.key: getattr(now, column.key) for column in sa.inspect(Subscription).columns}
    place = {"batch_id": review.batch_id, "bucket": review.bucket, "row": review.row}
    judged = {"verdict": review.verdict, "reasons": review.reasons}
    then = Subscription(**values | place | judged)
    return records.wanted(service, then, await ledger.current(session), clear=clear)
