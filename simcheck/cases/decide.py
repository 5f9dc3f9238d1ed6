"""A move that a person makes in one case: asked, answered, decided; with its history and its audit row.

What people write may name other people: it is sealed, and bound to its case. In clear stand words of ours.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases import codes, targets
from simcheck.cases.models import Answer, Case, CaseEvent
from simcheck.cases.states import ACTS, OF_PERSONS, Move, State, Who, allowed
from simcheck.crosscheck.models import Subscription
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.privacy import Keyring
from simcheck.webhooks import notify

MOST_NOTE_BYTES = 64 << 10
_REASON = re.compile(r"[a-z][a-z0-9_]{2,39}")
# The evidence that is in a case, by side.
SIDES_HEARD = sa.text("SELECT DISTINCT detail ->> 'side' FROM case_event WHERE case_id = :case")


class Side(StrEnum):
    """Of two people who claim a number: the one whom the record names, and the other one."""

    RECORDED = "recorded"
    OTHER = "other"


@dataclass(frozen=True)
class Wanted:
    """A move that somebody wants to make.

    `reason` is a word of ours (lower case letters, digits and _), `note` what the person wrote or sent: it
    is sealed. `side` says for whom of two claimants a piece of evidence speaks. `version` is the version of
    the case that the person had seen. `answer` is what a holder says with it.
    """

    move: str
    who: Who
    reason: str
    version: int | None = None
    note: bytes | None = None
    side: Side | None = None
    answer: Answer | None = None


async def decide(
    session: AsyncSession, keyring: Keyring, case_id: uuid.UUID, wanted: Wanted, *, referral: timedelta
) -> Case:
    """Make a move in a case; returns the case as it is then.

    `referral` is how long the register's owner has to answer. Raises `NotFoundError` for a case that is not
    there (or another carrier's), and as `require_allowed`.
    """
    case, subscription = await locked(session, case_id)
    move = await require_allowed(session, case, wanted)
    await _make(session, keyring, case, subscription, move, wanted, referral)
    return case


async def locked(session: AsyncSession, case_id: uuid.UUID) -> tuple[Case, Subscription | None]:
    """A case as it stands now, and its subscription, both locked until the commit. Raises `NotFoundError`."""
    case = await session.get(Case, case_id)
    if case is None:
        raise NotFoundError("There is no such case.")
    subscription = await _locked_subscription(session, case.carrier, case.msisdn_token)
    await session.refresh(case, with_for_update={"key_share": True})
    return case, subscription


async def require_allowed(session: AsyncSession, case: Case, wanted: Wanted) -> Move:
    """The move, if it may be made in the case now.

    Raises `ConflictError` when the case was changed since `version`, when the move is not one for this state,
    or when a dispute is to be settled before both sides were heard; `InvalidError` for words that cannot be
    used.
    """
    _require_usable(wanted)
    if wanted.version is not None and wanted.version != case.version:
        raise ConflictError(
            f"The case was changed meanwhile: it is {case.state}, version {case.version}. Look at it again."
        )
    move = allowed(wanted.move, wanted.who, State(case.state))
    if move is None:
        raise ConflictError(f"{wanted.move} is no move of the {wanted.who} in a case that is {case.state}.")
    if case.state == State.DISPUTED and move.binds:
        heard = set(await session.scalars(SIDES_HEARD, {"case": case.id}))
        if not heard >= set(Side):
            raise ConflictError("Two people claim this number. Hear both sides first: add their evidence.")
    if move.holds is not None and move.holds == case.held:
        raise ConflictError("The case is on hold already." if case.held else "The case is not on hold.")
    if move.name == "suspend" and case.held:
        raise ConflictError("The case is on hold: no order may be made. Release it first.")
    return move


async def begin(
    session: AsyncSession, keyring: Keyring, carrier: str, msisdn_token: bytes, wanted: Wanted,
    *, referral: timedelta,
) -> Case:  # fmt: skip
    """Make a move about a subscription that may have no open case: a new one begins with it.

    So can a holder disown a number whose record agrees with the register. Raises as `decide`, and
    `NotFoundError` where the carrier declares no such subscription.
    """
    _require_usable(wanted)
    subscription = await _locked_subscription(session, carrier, msisdn_token)
    if subscription is None:
        raise NotFoundError("There is no such subscription.")
    here = (Case.carrier == carrier, Case.msisdn_token == msisdn_token, Case.closed_at.is_(None))
    open_id = await session.scalar(sa.select(Case.id).where(*here))
    if open_id is not None:
        return await decide(session, keyring, open_id, wanted, referral=referral)
    move = allowed(wanted.move, wanted.who, None)
    if move is None:
        raise ConflictError(f"{wanted.move} needs an open case, and there is none.")
    [state] = move.to
    at = clock.now()
    case = Case(
        id=uuid.uuid4(), code=await _free_code(session), carrier=carrier, msisdn_token=msisdn_token,
        id_token=subscription.id_token, contract_token=subscription.contract_token, state=state,
        acts=ACTS[state], verdict=subscription.verdict, reasons=subscription.reasons, opened_at=at,
        changed_at=at, version=0, contradicted=False,
    )  # fmt: skip
    await _make(session, keyring, case, subscription, move, wanted, referral, new=True)
    return case


async def _make(
    session: AsyncSession, keyring: Keyring, case: Case, subscription: Subscription | None, move: Move,
    wanted: Wanted, referral: timedelta, *, new: bool = False,
) -> None:  # fmt: skip
    """Change the case, and tell it everywhere: history, audit chain, webhooks, the subscription."""
    at, actor, before = clock.now(), actor_of(session), None if new else case.state
    state = next(iter(move.to)) if move.to else State(case.state)
    case.state, case.acts, case.changed_at, case.version = state, ACTS[state], at, case.version + 1
    if move.to:
        case.due_at = at + referral if state is State.REFERRED else None
    if move.closes:
        case.closed_at, case.close_reason = at, move.closes
        leave_desk(case)
    if move.binds:
        case.decision, case.decided_by, case.decided_at = move.name, actor, at
        case.decided_facts = subscription.facts if subscription else None
        case.contradicted = False
        if subscription:
            subscription.contested = move.name in OF_PERSONS
    if move.holds is not None:
        case.held = move.holds
    case.answer = wanted.answer or case.answer
    targets.follow(case, at, anew=new)
    session.add(case)
    await session.flush()
    detail = {"verdict": case.verdict, "reasons": case.reasons, "who": wanted.who.value}
    session.add(
        CaseEvent(
            case_id=case.id, carrier=case.carrier, at=at, actor=actor, move=move.name, from_state=before,
            to_state=state, reason=wanted.reason,
            detail={**detail, "side": wanted.side.value} if wanted.side else detail,
            evidence=None if wanted.note is None else keyring.seal(wanted.note, bound_to(case.id)),
        )
    )  # fmt: skip
    await session.flush()
    said = {"move": move.name, "reason": wanted.reason, "from": before, "to": state.value}
    audit.record(session, "case.moved", f"case/{case.id}", said, stream=f"case/{case.carrier}")
    told = {"case": str(case.id), "state": state.value, "version": case.version}
    await notify(session, case.carrier, "case.changed", f"case/{case.id}/{case.version}", told)


def leave_desk(case: Case) -> None:
    """What a closed case is not any more. Who had it last stays."""
    case.claimed_by = case.claimed_until = case.snoozed_until = None
    case.held = case.escalated = False


def bound_to(case_id: uuid.UUID) -> str:
    """What the evidence of a case is bound to, so that it cannot be put into another one."""
    return f"case_event/evidence/{case_id}"


def _require_usable(wanted: Wanted) -> None:
    if not _REASON.fullmatch(wanted.reason):
        raise InvalidError(
            "reason: a word of 3 to 40 lower case letters, digits and _. Write the rest as note."
        )
    if wanted.note is not None and len(wanted.note) > MOST_NOTE_BYTES:
        raise InvalidError(f"note: at most {MOST_NOTE_BYTES:,} bytes.")
    if wanted.move == "evidence" and wanted.note is None:
        raise InvalidError("Evidence needs a note: what is there to be seen.")
    if wanted.side is not None and wanted.move != "evidence":
        raise InvalidError("Only evidence speaks for a side.")


async def _locked_subscription(
    session: AsyncSession, carrier: str, msisdn_token: bytes
) -> Subscription | None:
    """The subscription, locked before its case as runs lock them; so its facts stay until the commit."""
    return await session.get(Subscription, (msisdn_token, carrier), with_for_update={"key_share": True})


async def _free_code(session: AsyncSession) -> str:
    """A code that no case of the carrier has; of all others' the index makes sure."""
    while True:
        code = codes.draw()
        if not await session.scalar(sa.select(sa.exists().where(Case.code == code))):
            return code
