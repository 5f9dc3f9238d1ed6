"""Blind double review: some decided cases are judged again by somebody who does not know the first decision.

Which ones is drawn by a keyed hash of the case and its version: nobody at the desk can tell beforehand, and
nobody can draw again. A second judgement changes nothing in the case. Where the two differ, the case's
history says so and a supervisor, who is neither of both, says which one is right. That nobody judges twice is
asked by each statement and held by the table's checks.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.decide import MOST_NOTE_BYTES
from simcheck.cases.models import Case
from simcheck.cases.states import MOVES
from simcheck.crosscheck.models import Subscription
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages.alphabets import clean
from simcheck.privacy import Keyring
from simcheck.review import acts, words
from simcheck.review.models import BulkProposal, DeskDecision, DoubleReview, RightOne
from simcheck.service import Service

# A hold stops orders and judges nothing; all other moves of the desk say something of the case.
_JUDGING = {move.name for move in MOVES if move.to}
# The same number as `_lot` draws.
LOT = """('x' || encode(substr(sha256(:key || uuid_send("case".id) || int4send(version)), 1, 4), 'hex'))
    ::bit(32)::bigint % 1000"""
DRAW = sa.text(f"""
INSERT INTO double_review (id, case_id, carrier, version, state_then, verdict, reasons, answer, batch_id,
                           bucket, row, first_by, first_also, first_decision, first_reason, first_at)
SELECT gen_random_uuid(), "case".id, "case".carrier, version, state, "case".verdict, "case".reasons, answer,
       batch_id, bucket, row, :first_by, :first_also, :decision, :reason, :at
FROM bulk_plan JOIN "case" ON "case".id = bulk_plan.id
LEFT JOIN subscription
    ON subscription.carrier = "case".carrier AND subscription.msisdn_token = "case".msisdn_token
WHERE outcome = 'decided' AND {LOT} < :share
ON CONFLICT (case_id, version) DO NOTHING
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))  # noqa: S608  (no input of anybody)
# The one that waits longest and is in nobody else's hands; the person themselves judged none of it.
TAKE = sa.text("""
UPDATE double_review SET claimed_by = current_setting('app.actor'), claimed_until = :until
WHERE id = (
    SELECT id FROM double_review
    WHERE second_by IS NULL
      AND first_by <> current_setting('app.actor')
      AND coalesce(first_also, '') <> current_setting('app.actor')
      AND (claimed_until IS NULL OR claimed_until <= :at OR claimed_by = current_setting('app.actor'))
    ORDER BY claimed_by = current_setting('app.actor') DESC NULLS LAST, first_at, id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("until", type_=sa.TIMESTAMP(timezone=True)),
)
JUDGE = sa.text("""
UPDATE double_review SET second_by = current_setting('app.actor'), second_decision = :decision,
    second_reason = :reason, second_at = :at, note = :note, claimed_by = NULL, claimed_until = NULL
WHERE id = :id AND second_by IS NULL AND claimed_by = current_setting('app.actor') AND claimed_until > :at
  AND first_by <> current_setting('app.actor') AND coalesce(first_also, '') <> current_setting('app.actor')
RETURNING agrees
""").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)), sa.bindparam("note", type_=sa.LargeBinary())
)
SETTLE = sa.text("""
UPDATE double_review SET right_one = :right_one, settled_by = current_setting('app.actor'), settled_at = :at
WHERE id = :id AND NOT agrees AND settled_by IS NULL
  AND current_setting('app.actor') NOT IN (first_by, coalesce(first_also, ''), second_by)
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))


@dataclass(frozen=True)
class Judgement:
    """What a second reviewer would decide: a code of `decisions()` and one of its reasons."""

    decision: str
    reason: str
    note: str | None = field(default=None, repr=False)


def decisions() -> Mapping[str, words.DecisionWords]:
    """What a second reviewer may choose from, by code."""
    return {code: each for code, each in words.decisions().items() if each.move in _JUDGING}


def as_it_is(case: Case, subscription: Subscription | None) -> dict[str, Any]:
    """What a second reviewer has to see of a case, before a decision changes it."""
    place = {} if subscription is None else {
        "batch_id": subscription.batch_id, "bucket": subscription.bucket, "row": subscription.row,
    }  # fmt: skip
    return place | {
        "case_id": case.id, "carrier": case.carrier, "version": case.version, "state_then": case.state,
        "verdict": case.verdict, "reasons": case.reasons, "answer": case.answer,
    }  # fmt: skip


def draw(session: AsyncSession, service: Service, then: Mapping[str, Any], made: DeskDecision) -> bool:
    """Have a decided case judged again, if the lot falls on it; whether it did."""
    share = service.settings.double_per_mille
    if made.decision not in decisions() or _lot(service.keyring, then["case_id"], then["version"]) >= share:
        return False
    session.add(
        DoubleReview(
            **then, first_by=made.made_by, first_decision=made.decision, first_reason=made.reason,
            first_at=made.made_at,
        )
    )  # fmt: skip
    return True


async def draw_many(session: AsyncSession, service: Service, proposal: BulkProposal, at: datetime) -> None:
    """The same for the cases that a batch is about to decide."""
    if proposal.decision not in decisions():
        return
    made = {"first_by": proposal.proposed_by, "first_also": proposal.approved_by,
            "decision": proposal.decision, "reason": proposal.reason, "at": at}  # fmt: skip
    lot = {"key": _key(service.keyring), "share": service.settings.double_per_mille}
    await session.execute(DRAW, made | lot)


async def take(session: AsyncSession, service: Service) -> DoubleReview | None:
    """Take the next case to be judged again, or the one that is in one's hands; None where none is left."""
    at = clock.now()
    until = at + timedelta(minutes=service.settings.claim_minutes)
    found = await session.scalar(TAKE, {"at": at, "until": until})
    if found is None:
        return None
    review = await one(session, found)
    audit.record(session, "double.seen", f"double/{found}")
    return review


async def judge(
    session: AsyncSession, service: Service, review_id: uuid.UUID, judgement: Judgement
) -> bool:  # fmt: skip
    """Judge a case that one took; whether the first decision was the same.

    Raises `InvalidError` for a decision, reason or note that cannot be used, `NotFoundError`, and
    `ConflictError` where it is not in one's hands (any more).
    """
    known = decisions().get(judgement.decision)
    if known is None or judgement.reason not in known.reasons:
        raise InvalidError("Choose a decision, and one of its reasons.")
    note = _sealed(service.keyring, review_id, judgement.note)
    said = {"decision": judgement.decision, "reason": judgement.reason}
    made = {"id": review_id, "at": clock.now(), "note": note}
    agrees = await session.scalar(JUDGE, said | made)
    if agrees is None:
        await one(session, review_id)
        raise ConflictError("You do not have this case (any more). Take the next one.")
    audit.record(session, "double.judged", f"double/{review_id}", said | {"agrees": agrees})
    if not agrees:
        await _tell(session, review_id, "doubted", judgement.reason)
    return bool(agrees)


async def settle(session: AsyncSession, review_id: uuid.UUID, right_one: RightOne) -> None:
    """Say which of two judgements is right.

    Raises `NotFoundError`, and `ConflictError` where there is nothing to be settled (any more), or one of the
    two is one's own.
    """
    if not await session.scalar(SETTLE, {"id": review_id, "at": clock.now(), "right_one": right_one.value}):
        found = await one(session, review_id)
        if actor_of(session) in {found.first_by, found.first_also, found.second_by}:
            raise ConflictError("One of the two judgements is yours. Somebody else has to settle it.")
        raise ConflictError("There is nothing to be settled (any more).")
    audit.record(session, "double.settled", f"double/{review_id}", {"right": right_one.value})
    await _tell(session, review_id, "settled", None)


async def one(session: AsyncSession, review_id: uuid.UUID) -> DoubleReview:
    """A review as it stands now. Raises `NotFoundError`."""
    found = await session.get(DoubleReview, review_id, populate_existing=True)
    if found is None:
        raise NotFoundError("There is no such review.")
    return found


async def apart(session: AsyncSession, most: int = 100) -> Sequence[DoubleReview]:
    """The supervisor's list: judgements that differ and are not settled, the oldest first."""
    query = (
        sa.select(DoubleReview)
        .where(DoubleReview.second_by.is_not(None), ~DoubleReview.agrees, DoubleReview.settled_by.is_(None))
        .order_by(DoubleReview.second_at, DoubleReview.id).limit(most)
    )  # fmt: skip
    return (await session.scalars(query)).all()


async def waiting(session: AsyncSession) -> int:
    """How many cases wait to be judged by whoever asks."""
    who = actor_of(session)
    query = sa.select(sa.func.count()).where(
        DoubleReview.second_by.is_(None), DoubleReview.first_by != who,
        sa.func.coalesce(DoubleReview.first_also, "") != who,
    )  # fmt: skip
    return await session.scalar(query) or 0


def _key(keyring: Keyring) -> bytes:
    return keyring.token("draw", "double_review")


def _lot(keyring: Keyring, case_id: uuid.UUID, version: int) -> int:
    """A number from 0 to 999 that nobody without the keyring can foresee."""
    message = _key(keyring) + case_id.bytes + version.to_bytes(4, "big", signed=True)
    return int.from_bytes(hashlib.sha256(message).digest()[:4], "big") % 1000


def _sealed(keyring: Keyring, review_id: uuid.UUID, note: str | None) -> bytes | None:
    text = clean(note or "", lines=True).encode()
    if len(text) > MOST_NOTE_BYTES:
        raise InvalidError(f"note: at most {MOST_NOTE_BYTES:,} bytes.")
    return keyring.seal(text, bound_to(review_id)) if text else None


def bound_to(review_id: uuid.UUID) -> str:
    """What a second reviewer's note is bound to."""
    return f"double_review/note/{review_id}"


async def _tell(session: AsyncSession, review_id: uuid.UUID, act: str, reason: str | None) -> None:
    """Into the case's history."""
    review = await one(session, review_id)
    case = await session.get(Case, review.case_id)
    if case is not None:
        await acts.tell(session, case, act, reason=reason, detail={"double": str(review_id)})
