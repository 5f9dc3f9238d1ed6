"""The brake: above a cap for a day nothing is ordered any more, until a person looks and lets go.

So nothing that went wrong (a wrong file, a wrong policy, a job that did not run for a week) becomes a storm.
What undoes a suspension is never held up.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.clock import LOCAL
from simcheck.db.engine import actor_of
from simcheck.enforcement.orders.models import EVERYWHERE, Brake
from simcheck.enforcement.policy import Policy
from simcheck.errors import ConflictError, InvalidError, NotFoundError

BY_CAP, BY_HAND = "cap", "by_hand"
# Lines that count for a day, by carrier: those that wait for approval, and those approved on it.
COUNTED = sa.text("""
SELECT carrier, sum(lines) AS lines FROM order_batch
WHERE act <> 'restore' AND (state = 'proposed' OR approved_at >= :since AND state <> 'stopped')
GROUP BY carrier
""").bindparams(sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)))
# The same of what was approved alone.
APPROVED = sa.text("""
SELECT carrier, sum(lines) AS lines FROM order_batch
WHERE act <> 'restore' AND approved_at >= :since AND state <> 'stopped'
GROUP BY carrier
""").bindparams(sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)))
# How many lines people let go on a day, by scope.
ALLOWED = sa.text("SELECT scope, max(allowed) FROM brake WHERE released_day = :day GROUP BY scope")
RELEASE = sa.text("""
UPDATE brake SET released_by = current_setting('app.actor'), released_at = :at, released_day = :day,
                 allowed = :allowed
WHERE id = :id AND released_at IS NULL
RETURNING scope
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('simcheck orders'))")


def today() -> date:
    """The local day."""
    return clock.now().astimezone(LOCAL).date()


def begins(day: date) -> datetime:
    """The moment at which a local day begins."""
    return datetime.combine(day, time(), LOCAL)


class Caps(NamedTuple):
    """How many lines of orders a day may have, of all carriers and of one: the policy says so."""

    everywhere: int
    carrier: int


def caps_of(policy: Policy) -> Caps:
    """The caps that a policy sets."""
    return Caps(policy.most_a_day, policy.most_of_a_carrier)


class Room(NamedTuple):
    """How many lines may be on a day, and how many there are; `released`: a person said so today."""

    cap: int
    counted: int
    released: bool

    @property
    def left(self) -> int:
        """How many more."""
        return max(self.cap - self.counted, 0)


class Rooms:
    """The day's rooms, of each carrier and of all together."""

    def __init__(self, caps: Caps, counted: Mapping[str, int], allowed: Mapping[str, int]) -> None:
        self._caps, self._counted, self._allowed = caps, dict(counted), allowed

    def of(self, scope: str) -> Room:
        """The room of a carrier, or of `EVERYWHERE`."""
        whole = scope == EVERYWHERE
        cap = self._caps.everywhere if whole else self._caps.carrier
        counted = sum(self._counted.values()) if whole else self._counted.get(scope, 0)
        allowed = self._allowed.get(scope)
        return Room(max(cap, allowed or 0), counted, allowed is not None)

    def take(self, carrier: str, lines: int) -> None:
        """So many more lines of a carrier."""
        self._counted[carrier] = self._counted.get(carrier, 0) + lines


async def rooms(session: AsyncSession, caps: Caps, *, approved: bool = False) -> Rooms:
    """Today's rooms. `approved`: what waits for approval does not count. Until the commit nobody else
    proposes or approves.
    """
    await session.execute(ONE_AT_A_TIME)
    day = today()
    rows = await session.execute(APPROVED if approved else COUNTED, {"since": begins(day)})
    counted = {carrier: int(lines) for carrier, lines in rows}
    allowed = {scope: int(most) for scope, most in await session.execute(ALLOWED, {"day": day})}
    return Rooms(caps, counted, allowed)


async def pull(session: AsyncSession, scope: str, reason: str, count: int = 0, cap: int = 0) -> bool:
    """Let orders of a scope stand still; whether it did not before."""
    made = (
        pg.insert(Brake)
        .values(
            id=uuid.uuid4(), scope=scope, pulled_by=actor_of(session), pulled_at=clock.now(), reason=reason,
            day=today(), count=count, cap=cap,
        )
        .on_conflict_do_nothing()
        .returning(Brake.id)
    )  # fmt: skip
    pulled = await session.scalar(made)
    if pulled is not None:
        said = {"scope": scope, "reason": reason, "count": count, "cap": cap}
        audit.record(session, "brake.pulled", f"brake/{pulled}", said)
    return pulled is not None


async def release(session: AsyncSession, brake_id: uuid.UUID, allowed: int) -> None:
    """Let go: today at most `allowed` lines of the scope, and the cap where that is more.

    Raises `InvalidError`, `NotFoundError`, `ConflictError` where it was released already.
    """
    if allowed < 0:
        raise InvalidError("allowed: a number of lines, 0 or more.")
    given = {"id": brake_id, "at": clock.now(), "day": today(), "allowed": allowed}
    scope = await session.scalar(RELEASE, given)
    if scope is None:
        if await session.get(Brake, brake_id) is None:
            raise NotFoundError("There is no such brake.")
        raise ConflictError("The brake was released already.")
    audit.record(session, "brake.released", f"brake/{brake_id}", {"scope": scope, "allowed": allowed})


async def pulled(session: AsyncSession) -> Sequence[Brake]:
    """The brakes that are on, the newest first."""
    query = sa.select(Brake).where(Brake.released_at.is_(None)).order_by(Brake.pulled_at.desc())
    return (await session.scalars(query)).all()


async def lately(session: AsyncSession, most: int = 20) -> Sequence[Brake]:
    """Brakes that were released, the newest first."""
    query = sa.select(Brake).where(Brake.released_at.is_not(None)).order_by(Brake.released_at.desc())
    return (await session.scalars(query.limit(most))).all()


async def holds(session: AsyncSession, carrier: str) -> bool:
    """Whether orders of a carrier stand still."""
    here = Brake.scope.in_([EVERYWHERE, carrier])
    return bool(await session.scalar(sa.select(sa.exists().where(here, Brake.released_at.is_(None)))))
