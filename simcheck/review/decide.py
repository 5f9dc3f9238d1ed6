"""The desk's decisions: taken in at once, binding some seconds later, undone in between.

A decision that does not bind yet is a row of its own, and the case is as it was: nobody outside the desk sees
anything of it, so that an undo has nothing to call back. A job makes the move when the time is over, in the
name of whoever decided. Why so: docs/decisions/0015-review.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.decide import Wanted, bound_to, locked, require_allowed
from simcheck.cases.decide import decide as make_move
from simcheck.cases.models import Case
from simcheck.cases.states import Who
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.notices import closing, policy
from simcheck.queue import enqueue
from simcheck.review import acts, changes, claim, double, words
from simcheck.review.filters import Filter
from simcheck.review.models import DeskDecision, DeskState
from simcheck.service import Service

_MOST_RECENT = 20
# With every page of the desk: put together once.
_RECENT = (
    sa.select(
        DeskDecision.id, DeskDecision.case_id, Case.code, DeskDecision.decision, DeskDecision.reason,
        DeskDecision.state, DeskDecision.made_at, DeskDecision.binds_at, DeskDecision.settled_at,
    )
    .join(Case, Case.id == DeskDecision.case_id)
    .where(DeskDecision.made_by == sa.bindparam("by"), DeskDecision.made_at >= sa.bindparam("since"))
    .order_by(DeskDecision.made_at.desc())
    .limit(_MOST_RECENT)
)  # fmt: skip
_OPEN = _RECENT.where(DeskDecision.state.in_([DeskState.PENDING, DeskState.OVERTAKEN]))


@dataclass(frozen=True)
class Choice:
    """What somebody decides: a code of `words.decisions()` and one of its reasons, on the case of this
    `version`; `note` may be anything they want to keep with it.
    """

    decision: str
    reason: str
    version: int
    note: str | None = field(default=None, repr=False)


class Made(NamedTuple):
    """A decision that can be undone until `binds_at`, and the next case (None: none is left, or none was
    asked for)."""

    decision: DeskDecision
    next: Case | None


class Recent(NamedTuple):
    """A decision of late, and its case's code."""

    id: uuid.UUID
    case_id: uuid.UUID
    code: str
    decision: str
    reason: str
    state: str
    made_at: datetime
    binds_at: datetime
    settled_at: datetime | None


class Due(NamedTuple):
    """A decision whose time to bind has come, and the actor whose act it is."""

    id: uuid.UUID
    made_by: str


async def decide(
    session: AsyncSession, service: Service, case_id: uuid.UUID, who: str, choice: Choice,
    *, then: Filter | None = None,
) -> Made:  # fmt: skip
    """Take a decision in, and take the next case of the filter `then` at once.

    Raises `NotFoundError`; `claim.LeaseLostError` where the case is not (any more) in `who`'s hands;
    `changes.StaleError` where it was changed since `version`; `ConflictError` where another decision is on
    its way, or the move is none for this case; `InvalidError` for a decision or reason that is none.
    """
    wanted = _wanted(choice)
    case, _ = await locked(session, case_id)
    claim.require_held(case, who)
    if choice.version != case.version:
        raise changes.StaleError(await changes.since(session, case, choice.version), case)
    if case.pending:
        raise ConflictError("A decision in this case is on its way. Undo it, or wait until it binds.")
    await require_allowed(session, case, wanted)
    now = clock.now()
    made = DeskDecision(
        id=uuid.uuid4(), case_id=case.id, carrier=case.carrier, decision=choice.decision,
        reason=choice.reason,
        note=acts.sealed_note(service.keyring, case.id, choice.note), version=case.version,
        state=DeskState.PENDING, made_by=actor_of(session), made_at=now,
        binds_at=now + timedelta(seconds=service.settings.undo_seconds),
    )  # fmt: skip
    session.add(made)
    case.pending = True
    await acts.tell(session, case, "decided", reason=choice.reason, detail=_detail(made))
    await enqueue(session, "review.bind", at=made.binds_at, queueing_lock=f"review.bind/{made.id}",
                  decision=str(made.id))  # fmt: skip
    following = None
    if then is not None:
        following = await claim.next_case(session, service.settings, then, who, past=[case.id])
    return Made(made, following)


async def undo(session: AsyncSession, decision_id: uuid.UUID) -> Case:
    """Take one's own decision back before it binds: the case is as it was, and both acts stand in its
    history.

    Raises `NotFoundError` (also for somebody else's), `ConflictError` when it binds, or is undone, already.
    """
    made = await _held(session, decision_id)
    if made is None or made.made_by != actor_of(session):
        raise NotFoundError("There is no such decision of yours.")
    if made.state == DeskState.UNDONE:
        raise ConflictError("The decision was undone already.")
    if made.state != DeskState.PENDING or clock.now() >= made.binds_at:
        raise ConflictError("The decision binds already. Open the case and decide anew.")
    case, _ = await locked(session, made.case_id)
    await _settle(session, made, case, DeskState.UNDONE)
    await acts.tell(session, case, "undone", reason=made.reason, detail=_detail(made))
    return case


async def due(session: AsyncSession, most: int = 1000) -> Sequence[Due]:
    """The decisions whose time to bind has come, the oldest first."""
    query = sa.select(DeskDecision.id, DeskDecision.made_by).where(
        DeskDecision.state == DeskState.PENDING, DeskDecision.binds_at <= clock.now()
    )
    return [Due(*row) for row in await session.execute(query.order_by(DeskDecision.binds_at).limit(most))]


async def maker(session: AsyncSession, decision_id: uuid.UUID) -> str | None:
    """The actor whose decision it is, while it waits to bind and its time has come."""
    made = await session.get(DeskDecision, decision_id)
    if made is None or made.state != DeskState.PENDING or made.binds_at > clock.now():
        return None
    return made.made_by


async def bind(session: AsyncSession, service: Service, decision_id: uuid.UUID) -> DeskState | None:
    """Make the move of a decision whose time has come; what became of it. None: it is settled, or not due.

    The transaction is the decider's. Where the case was changed meanwhile, nothing is done: what the decision
    rested on is no more, and whoever decided is told. Raises `SealError`.
    """
    made = await _held(session, decision_id)
    if made is None or made.state != DeskState.PENDING or made.binds_at > clock.now():
        return None
    case, subscription = await locked(session, made.case_id)
    then = double.as_it_is(case, subscription)
    note = None if made.note is None else service.keyring.open(made.note, bound_to(case.id))
    move = words.decisions()[made.decision].move
    wanted = Wanted(move, Who.STAFF, made.reason, version=made.version, note=note)
    referral = timedelta(days=service.settings.referral_days)
    try:
        await make_move(session, service.keyring, case.id, wanted, referral=referral)
    except ConflictError as error:
        await _settle(session, made, case, DeskState.OVERTAKEN, why=str(error))
        await acts.tell(session, case, "overtaken", reason=made.reason, detail=_detail(made))
        return DeskState.OVERTAKEN
    case.claimed_by = case.claimed_until = None
    await _settle(session, made, case, DeskState.BOUND)
    double.draw(session, service, then, made)
    if case.closed_at is not None:  # whoever was told that it is wrong hears at once
        await closing.finish(session, service, policy.of(service.settings), [case.id])
    return DeskState.BOUND


async def recent(session: AsyncSession, since: datetime, *, all_of_them: bool = True) -> list[Recent]:
    """One's own decisions since then, the newest first; or of them those alone that can be undone, or were
    overtaken.
    """
    query = _RECENT if all_of_them else _OPEN
    found = await session.execute(query, {"by": actor_of(session), "since": since})
    return [Recent(*row) for row in found]


def _wanted(choice: Choice) -> Wanted:
    known = words.decisions().get(choice.decision)
    if known is None:
        raise InvalidError(f"decision: choose one of {', '.join(words.decisions())}.")
    if choice.reason not in known.reasons:
        raise InvalidError(f"reason: choose one of {', '.join(known.reasons)}.")
    return Wanted(known.move, Who.STAFF, choice.reason)


async def _held(session: AsyncSession, decision_id: uuid.UUID) -> DeskDecision | None:
    return await session.get(
        DeskDecision, decision_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def _settle(
    session: AsyncSession, made: DeskDecision, case: Case, state: DeskState, why: str | None = None
) -> None:
    made.state, made.settled_at, made.why = state, clock.now(), why
    case.pending = False
    await session.flush()


def _detail(made: DeskDecision) -> dict[str, str | int]:
    return {"decision": made.decision, "desk": str(made.id)}
