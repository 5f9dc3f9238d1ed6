"""Legal holds and protected lines: one person asks for a bar, another confirms it; so it is lifted, too.

A bar that nobody has confirmed yet holds for some days (`standing.UNCONFIRMED_DAYS`), then it is nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.models import Case
from simcheck.crosscheck.models import Subscription
from simcheck.db.engine import actor_of
from simcheck.enforcement.stops.models import BarKind, OrderBar
from simcheck.enforcement.stops.standing import UNCONFIRMED_DAYS
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SamePersonError
from simcheck.holders import typed
from simcheck.privacy import Keyring

MOST_BASIS = 200
UNCONFIRMED = timedelta(days=UNCONFIRMED_DAYS)
PAGE = 200


class Asked(NamedTuple):
    """A bar that is asked for. `of` is a mobile number as people write it, or for a legal hold a person's
    12-digit ID number; `basis` the reference of what it rests on, which names nobody. It holds from
    `starts_at` (None: now) to `ends_at` (None: until it is lifted).
    """

    kind: BarKind
    of: str
    basis: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None


async def ask(session: AsyncSession, keyring: Keyring, asked: Asked) -> OrderBar:
    """Ask for a bar. It holds from now on, for a while, and for good once another person confirms it.

    Raises `InvalidError` where something cannot be read, `ConflictError` where the same is barred already.
    """
    if not asked.basis or len(asked.basis) > MOST_BASIS:
        raise InvalidError(f"basis: name what it rests on by its reference, in 1 to {MOST_BASIS} characters.")
    now = clock.now()
    starts_at = asked.starts_at or now
    if asked.ends_at is not None and asked.ends_at <= max(starts_at, now):
        raise InvalidError("until: it has to end after it begins, and after now.")
    msisdn, person = _of(keyring, asked)
    same = (
        OrderBar.kind == asked.kind, OrderBar.lifted_at.is_(None),
        OrderBar.msisdn_token.is_not_distinct_from(msisdn), OrderBar.id_token.is_not_distinct_from(person),
    )  # fmt: skip
    known = await session.scalar(sa.select(OrderBar).where(*same).with_for_update())
    if known is not None:
        if _holds(known, now):
            raise ConflictError("The same is barred already. Lift that first, or confirm it.")
        # It ended by itself: that stays written down, and makes room.
        known.lift_asked_by, known.lift_asked_at = known.lift_asked_by or "system", now
        known.lifted_by, known.lifted_at = "clock", now
        await session.flush()
    await _lock(session, msisdn, person)
    made = OrderBar(
        id=uuid.uuid4(), kind=asked.kind, msisdn_token=msisdn, id_token=person, basis=asked.basis,
        starts_at=starts_at, ends_at=asked.ends_at, asked_by=actor_of(session), asked_at=now,
    )  # fmt: skip
    session.add(made)
    await session.flush()
    said = {"kind": made.kind, "of": "person" if person else "number", "basis": made.basis}
    _record(session, "asked", made, said)
    return made


async def confirm(session: AsyncSession, bar_id: uuid.UUID) -> OrderBar:
    """Confirm another's bar. Raises `NotFoundError`, `SamePersonError`, `ConflictError` where it was
    confirmed or lifted, or its time is over.
    """
    found = await _open(session, bar_id)
    now = clock.now()
    if found.confirmed_at is not None:
        raise ConflictError("It was confirmed already.")
    if not _holds(found, max(now, found.starts_at)) or found.asked_at <= now - UNCONFIRMED:
        raise ConflictError("Its time is over. Ask for it again.")
    if found.asked_by == actor_of(session):
        raise SamePersonError("You asked for this. Somebody else has to confirm it.")
    found.confirmed_by, found.confirmed_at = actor_of(session), now
    await session.flush()
    _record(session, "confirmed", found)
    return found


async def lift(session: AsyncSession, bar_id: uuid.UUID) -> OrderBar:
    """End a bar: of one that was confirmed the first person asks for it, and another one does it. One that
    nobody confirmed is over at once.

    Raises `NotFoundError`, `SamePersonError`, `ConflictError` where it was lifted already.
    """
    found = await _open(session, bar_id)
    who, now = actor_of(session), clock.now()
    if found.confirmed_at is not None and found.lift_asked_by is None:
        found.lift_asked_by, found.lift_asked_at = who, now
        await session.flush()
        _record(session, "lift_asked", found)
        return found
    if found.lift_asked_by == who:
        raise SamePersonError("You asked for it to be lifted. Somebody else has to do it.")
    found.lifted_by, found.lifted_at = who, now
    await session.flush()
    _record(session, "lifted", found)
    return found


async def listed(session: AsyncSession, *, over: bool = False) -> Sequence[OrderBar]:
    """Bars that hold or wait, the newest first; or those that are `over`. They show nobody."""
    now = clock.now()
    gone = sa.or_(
        OrderBar.lifted_at.is_not(None), OrderBar.ends_at <= now,
        sa.and_(OrderBar.confirmed_at.is_(None), OrderBar.asked_at <= now - UNCONFIRMED),
    )  # fmt: skip
    # What is null is not over.
    query = sa.select(OrderBar).where(sa.func.coalesce(gone, sa.false()) == sa.literal(over))
    return (await session.scalars(query.order_by(OrderBar.asked_at.desc()).limit(PAGE))).all()


def _holds(bar: OrderBar, now: datetime) -> bool:
    """As `standing.STANDS`, of one that may begin later."""
    confirmed = bar.confirmed_at is not None or bar.asked_at > now - UNCONFIRMED
    return bar.lifted_at is None and confirmed and (bar.ends_at is None or bar.ends_at > now)


def _of(keyring: Keyring, asked: Asked) -> tuple[bytes | None, bytes | None]:
    """The tokens of the number, or of the person, that a bar is of."""
    found = typed.read(keyring, asked.of)
    if found.id_token is not None and asked.kind is not BarKind.LEGAL_HOLD:
        raise InvalidError("of: write a mobile number. Only a legal hold can be of a person.")
    return found.msisdn_token, found.id_token


async def _lock(session: AsyncSession, msisdn: bytes | None, person: bytes | None) -> None:
    """Wait for orders about these subscriptions that are being sent: they come before this, or see it."""
    named = sa.select(Case.carrier, Case.msisdn_token).where(
        Case.id_token == person, Case.closed_at.is_(None)
    )
    of: sa.ColumnElement[bool] = Subscription.msisdn_token == msisdn
    if msisdn is None:  # of a person: whom the record names, or its case
        here = sa.tuple_(Subscription.carrier, Subscription.msisdn_token)
        of = sa.or_(Subscription.id_token == person, here.in_(named))
    query = sa.select(Subscription.carrier).where(of)
    query = query.order_by(Subscription.msisdn_token, Subscription.carrier)
    await session.execute(query.with_for_update(key_share=True))


async def _open(session: AsyncSession, bar_id: uuid.UUID) -> OrderBar:
    found = await session.get(OrderBar, bar_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("There is no such hold.")
    if found.lifted_at is not None:
        raise ConflictError("It was lifted already.")
    return found


def _record(session: AsyncSession, verb: str, bar: OrderBar, said: Mapping[str, str] | None = None) -> None:
    audit.record(session, f"bar.{verb}", f"bar/{bar.id}", dict(said or {"kind": bar.kind}), stream="bar")
