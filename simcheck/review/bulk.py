"""One decision for all cases of a filter: drafted, proposed, approved by somebody else, carried out.

A draft fixes which cases are meant, each in its version, and a sample drawn by lot. From then on cases only
leave: what was changed, taken or closed since, or does not fit the filter any more, is skipped. Who may
approve is asked by the statement that approves, and held by the table itself. Why so:
docs/decisions/0018-bulk-and-double-review.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.decide import MOST_NOTE_BYTES
from simcheck.cases.models import Case
from simcheck.cases.targets import Severity
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SamePersonError
from simcheck.messages.alphabets import clean
from simcheck.queue import enqueue
from simcheck.reasons import Reason
from simcheck.review import filters, words
from simcheck.review.bulk_moves import Outcome, outcome
from simcheck.review.filters import Filter, Open
from simcheck.review.models import BulkCase, BulkProposal, BulkState
from simcheck.service import Service

SAMPLE = 20
# Moves that turn a case against its holder: a second person, whatever the size. The table's check names their
# decisions.
ALWAYS_SECOND = {"suspend", "disowned"}
# Of two people who claim one number, somebody has to be named: that is no matter of a list.
ONE_BY_ONE = {"dispute"}
PAGE = 25

# Who acts is what the database was told at the edge, not what a caller hands in.
APPROVE = sa.text("""
UPDATE bulk_proposal SET state = 'approved', approved_by = current_setting('app.actor'), begun_at = :at
WHERE id = :id AND state = 'proposed' AND expires_at > :at
  AND proposed_by <> current_setting('app.actor')
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
REFUSE = sa.text("""
UPDATE bulk_proposal SET state = 'refused', why = :why, settled_by = current_setting('app.actor'),
                         settled_at = :at
WHERE id = :id AND state = 'proposed' AND proposed_by <> current_setting('app.actor')
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
PROPOSE = sa.text("""
UPDATE bulk_proposal SET state = CASE WHEN second THEN 'proposed' ELSE 'approved' END,
                         begun_at = CASE WHEN NOT second THEN :at END, expires_at = :until
WHERE id = :id AND state = 'draft' AND expires_at > :at AND proposed_by = current_setting('app.actor')
RETURNING id
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("until", type_=sa.TIMESTAMP(timezone=True)),
)
WITHDRAW = sa.text("""
UPDATE bulk_proposal SET state = 'withdrawn', settled_by = current_setting('app.actor'), settled_at = :at
WHERE id = :id AND state IN ('draft', 'proposed') AND proposed_by = current_setting('app.actor')
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Waits for the batch that runs now.
STOP = sa.text("""
UPDATE bulk_proposal SET state = 'stopped', settled_by = current_setting('app.actor'), settled_at = :at
WHERE id = :id AND state = 'approved'
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
EXPIRE = sa.text("""
UPDATE bulk_proposal SET state = 'expired', settled_at = :at
WHERE state IN ('draft', 'proposed') AND expires_at <= :at
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Of what never ran, how many and which sample is kept: the rest told nothing.
FORGET = sa.text("DELETE FROM bulk_case WHERE proposal_id = :id")


@dataclass(frozen=True)
class Wish:
    """What somebody wants decided in all cases of a filter: a decision of `decisions()` and one of its
    reasons; `note` may be anything that they want to keep with it.
    """

    filter: Filter
    decision: str
    reason: str
    note: str | None = field(default=None, repr=False)


class Effect(NamedTuple):
    """So many cases, in this state now, with this outcome."""

    state: str
    outcome: Outcome
    cases: int


class Share(NamedTuple):
    """So many cases of a carrier, or with a reason (by its name)."""

    value: str
    cases: int


def decisions() -> Mapping[str, words.DecisionWords]:
    """What can be decided in bulk, by code."""
    return {code: each for code, each in words.decisions().items() if each.move not in ONE_BY_ONE}


async def draft(session: AsyncSession, service: Service, wish: Wish) -> BulkProposal:
    """Fix the cases of a filter, and a sample of them, for a decision. Nobody else is told yet.

    Raises `InvalidError` for a decision, reason, note or filter that cannot be used, or with more cases than
    `bulk_cap`; `ConflictError` where there is none.
    """
    _require_usable(wish)
    settings, proposal_id, at = service.settings, uuid.uuid4(), clock.now()
    who = actor_of(session).removeprefix("person:")
    fits = wish.filter.predicate(who, at)
    chosen = (
        sa.select(Case.id, Case.version, Case.severity).where(fits, Case.closed_at.is_(None))
        .limit(settings.bulk_cap + 1).cte("chosen")
    )  # fmt: skip
    count = sa.select(sa.func.count()).select_from(chosen).scalar_subquery()
    drawn = sa.select(chosen.c.id).order_by(sa.func.random()).limit(SAMPLE).subquery()
    gravest = sa.select(sa.func.coalesce(sa.func.max(chosen.c.severity), 0)).scalar_subquery()
    alone = Severity[settings.bulk_alone_severity.upper()]
    values: dict[str, Any] = {
        "id": sa.literal(proposal_id, sa.Uuid()), "query": sa.literal(filters.write(wish.filter)),
        "decision": sa.literal(wish.decision), "reason": sa.literal(wish.reason),
        "note": sa.literal(_sealed(service, proposal_id, wish.note), sa.LargeBinary()), "cases": count,
        "sample": sa.select(sa.func.coalesce(
            sa.func.array_agg(drawn.c.id), sa.cast(sa.literal("{}"), pg.ARRAY(sa.Uuid())))).scalar_subquery(),
        "second": sa.or_(
            sa.literal(words.decisions()[wish.decision].move in ALWAYS_SECOND),
            count > settings.bulk_alone_cases, gravest > int(alone)),
        "state": sa.literal(BulkState.DRAFT.value),
        "proposed_by": sa.func.current_setting("app.actor"), "proposed_at": sa.literal(at),
        "expires_at": sa.literal(at + timedelta(hours=settings.bulk_hours)),
    }  # fmt: skip
    made = sa.insert(BulkProposal).from_select(list(values), sa.select(*values.values())).cte("made")
    rows = sa.select(sa.literal(proposal_id, sa.Uuid()), chosen.c.id, chosen.c.version)
    await session.execute(
        sa.insert(BulkCase).from_select(["proposal_id", "case_id", "version"], rows).add_cte(made)
    )
    proposal = await session.get_one(BulkProposal, proposal_id)
    if proposal.cases > settings.bulk_cap:
        raise InvalidError(
            f"The filter has more than {settings.bulk_cap:,} cases, the most for one decision. Narrow it."
        )
    if not proposal.cases:
        raise ConflictError("The filter has no open case. There is nothing to decide.")
    said = {"query": proposal.query, "decision": wish.decision, "reason": wish.reason,
            "cases": proposal.cases, "second": proposal.second}  # fmt: skip
    audit.record(session, "bulk.drafted", f"bulk/{proposal_id}", said)
    return proposal


async def propose(session: AsyncSession, service: Service, proposal_id: uuid.UUID) -> BulkProposal:
    """Ask for a second person's approval of one's own draft; where none is needed, have it carried out.

    Raises `NotFoundError` for somebody else's, `ConflictError` where it is no draft (any more).
    """
    at = clock.now()
    until = at + timedelta(hours=service.settings.bulk_hours)
    if not await session.scalar(PROPOSE, {"id": proposal_id, "at": at, "until": until}):
        raise await _refusal(session, proposal_id, own=True)
    proposal = await _told(session, proposal_id, "proposed")
    if proposal.state == BulkState.APPROVED:
        await wake(session, [proposal_id])
    return proposal


async def approve(session: AsyncSession, proposal_id: uuid.UUID) -> BulkProposal:
    """Have somebody else's proposal carried out.

    Raises `NotFoundError`, `SamePersonError` for one's own, `ConflictError` where it does not wait for
    approval (any more).
    """
    if not await session.scalar(APPROVE, {"id": proposal_id, "at": clock.now()}):
        raise await _refusal(session, proposal_id, own=False)
    await wake(session, [proposal_id])
    return await _told(session, proposal_id, "approved")


async def refuse(session: AsyncSession, proposal_id: uuid.UUID, why: str) -> BulkProposal:
    """Refuse somebody else's proposal, for one of the reasons in words `refusal`. Raises as `approve`, and
    `InvalidError`.
    """
    words.require("refusal", why)
    if not await session.scalar(REFUSE, {"id": proposal_id, "at": clock.now(), "why": why}):
        raise await _refusal(session, proposal_id, own=False)
    await session.execute(FORGET, {"id": proposal_id})
    return await _told(session, proposal_id, "refused", why=why)


async def withdraw(session: AsyncSession, proposal_id: uuid.UUID) -> BulkProposal:
    """Take one's own draft or proposal back. Raises as `propose`."""
    if not await session.scalar(WITHDRAW, {"id": proposal_id, "at": clock.now()}):
        raise await _refusal(session, proposal_id, own=True)
    await session.execute(FORGET, {"id": proposal_id})
    return await _told(session, proposal_id, "withdrawn")


async def stop(session: AsyncSession, proposal_id: uuid.UUID) -> BulkProposal:
    """Stop what is being carried out, after the batch that runs now. What was decided stays.

    Raises `NotFoundError`, and `ConflictError` where nothing runs (any more).
    """
    if not await session.scalar(STOP, {"id": proposal_id, "at": clock.now()}):
        found = await one(session, proposal_id)
        raise ConflictError(f"It is {found.state}: there is nothing to be stopped.")
    return await _told(session, proposal_id, "stopped")


async def expire(session: AsyncSession) -> int:
    """End the drafts and proposals whose time is over; how many."""
    found = (await session.scalars(EXPIRE, {"at": clock.now()})).all()
    for each in found:
        await session.execute(FORGET, {"id": each})
        audit.record(session, "bulk.expired", f"bulk/{each}")
    return len(found)


async def running(session: AsyncSession) -> Sequence[uuid.UUID]:
    """The proposals that are being carried out."""
    query = sa.select(BulkProposal.id).where(BulkProposal.state == BulkState.APPROVED)
    return (await session.scalars(query)).all()


async def wake(session: AsyncSession, proposals: Sequence[uuid.UUID], after: float = 0) -> None:
    """Have the next batch of proposals done, `after` some seconds, unless it waits to be done already."""
    for each in proposals:
        await enqueue(
            session, "bulk.batch", queueing_lock=f"bulk.batch/{each}",
            at=clock.now() + timedelta(seconds=after) if after else None, proposal=str(each),
        )  # fmt: skip


async def one(session: AsyncSession, proposal_id: uuid.UUID) -> BulkProposal:
    """A proposal as it stands now. Raises `NotFoundError`."""
    found = await session.get(BulkProposal, proposal_id, populate_existing=True)
    if found is None:
        raise NotFoundError("There is no such proposal.")
    return found


async def page(
    session: AsyncSession, *, states: Sequence[BulkState] = (), before: uuid.UUID | None = None
) -> Sequence[BulkProposal]:
    """Proposals in these states (none: all), other people's drafts left out, the newest first; `before`: from
    the one after this.
    """
    mine = sa.or_(BulkProposal.state != BulkState.DRAFT, BulkProposal.proposed_by == actor_of(session))
    query = sa.select(BulkProposal).where(mine)
    if states:
        query = query.where(BulkProposal.state.in_([each.value for each in states]))
    if before is not None:
        last = await one(session, before)
        place = sa.tuple_(BulkProposal.proposed_at, BulkProposal.id)
        query = query.where(place < sa.tuple_(sa.literal(last.proposed_at), sa.literal(last.id, sa.Uuid())))
    newest = query.order_by(BulkProposal.proposed_at.desc(), BulkProposal.id.desc()).limit(PAGE)
    return (await session.scalars(newest)).all()


async def effects(session: AsyncSession, proposal: BulkProposal) -> Sequence[Effect]:
    """The dry run: what would happen now to each case that no batch has come to, and what happened to the
    others, by the state in which they are now.
    """
    becomes = sa.func.coalesce(BulkCase.outcome, outcome(proposal, clock.now())).label("becomes")
    query = (
        sa.select(Case.state, becomes, sa.func.count()).join(BulkCase, BulkCase.case_id == Case.id)
        .where(BulkCase.proposal_id == proposal.id).group_by(Case.state, becomes)
        .order_by(sa.func.count().desc(), Case.state)
    )  # fmt: skip
    return [Effect(state, Outcome(found), cases) for state, found, cases in await session.execute(query)]


async def preview(
    session: AsyncSession, filter_: Filter, who: str
) -> tuple[Sequence[Share], Sequence[Share]]:  # fmt: skip
    """The open cases of a filter by carrier, and by reason (a case counts under each of its own), the most
    first.
    """
    fits = filter_.predicate(who, clock.now())
    return await _shares(session, _DIVIDED.where(fits, Case.closed_at.is_(None)))


async def shares(session: AsyncSession, proposal: BulkProposal) -> tuple[Sequence[Share], Sequence[Share]]:
    """The same of the cases of a proposal, those too that have moved since."""
    joined = _DIVIDED.join(BulkCase, BulkCase.case_id == Case.id)
    return await _shares(session, joined.where(BulkCase.proposal_id == proposal.id))


_DIVIDED = sa.select(Case.carrier, Case.reasons, sa.func.count()).group_by(Case.carrier, Case.reasons)


async def _shares(
    session: AsyncSession, query: sa.Select[str, int, int]
) -> tuple[Sequence[Share], Sequence[Share]]:
    carriers: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for carrier, mask, cases in await session.execute(query):
        carriers[carrier] = carriers.get(carrier, 0) + cases
        for reason in Reason:
            if mask & reason.mask:
                reasons[reason.name] = reasons.get(reason.name, 0) + cases
    return _most(carriers), _most(reasons)


async def sample(session: AsyncSession, proposal: BulkProposal) -> Sequence[Case]:
    """The cases of the sample, as they are now, in the order in which they were drawn."""
    found = await session.scalars(sa.select(Case).where(Case.id.in_(proposal.sample)))
    by_id = {case.id: case for case in found}
    return [by_id[each] for each in proposal.sample if each in by_id]


def note_of(service: Service, proposal: BulkProposal) -> str:
    """What the proposer wrote. Raises `SealError`."""
    return service.keyring.open(proposal.note, _bound_to(proposal.id)).decode() if proposal.note else ""


def _most(counts: Mapping[str, int]) -> list[Share]:
    return sorted(map(Share._make, counts.items()), key=lambda each: (-each.cases, each.value))


def _require_usable(wish: Wish) -> None:
    known = decisions().get(wish.decision)
    if known is None:
        raise InvalidError(f"decision: choose one of {', '.join(decisions())}.")
    if wish.reason not in known.reasons:
        raise InvalidError(f"reason: choose one of {', '.join(known.reasons)}.")
    if wish.filter.open is not Open.YES:
        raise InvalidError("open: only open cases can be decided. Choose them alone.")


def _sealed(service: Service, proposal_id: uuid.UUID, note: str | None) -> bytes | None:
    text = clean(note or "", lines=True).encode()
    if len(text) > MOST_NOTE_BYTES:
        raise InvalidError(f"note: at most {MOST_NOTE_BYTES:,} bytes.")
    return service.keyring.seal(text, _bound_to(proposal_id)) if text else None


def _bound_to(proposal_id: uuid.UUID) -> str:
    return f"bulk_proposal/note/{proposal_id}"


async def _told(session: AsyncSession, proposal_id: uuid.UUID, act: str, **said: str) -> BulkProposal:
    audit.record(session, f"bulk.{act}", f"bulk/{proposal_id}", said)
    return await one(session, proposal_id)


async def _refusal(session: AsyncSession, proposal_id: uuid.UUID, *, own: bool) -> Exception:
    """Why a statement changed nothing."""
    found = await one(session, proposal_id)
    is_own = found.proposed_by == actor_of(session)
    if own and not is_own:
        return NotFoundError("There is no such proposal of yours.")
    if not own and is_own:
        return SamePersonError("You proposed this yourself. Somebody else has to look at it.")
    if found.state in {BulkState.DRAFT, BulkState.PROPOSED} and found.expires_at <= clock.now():
        return ConflictError("The proposal's time is over. Propose it anew.")
    return ConflictError(f"The proposal is {found.state} already. Look at it again.")
