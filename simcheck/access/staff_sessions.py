"""Who sits at a desk, for a while: a random token in the browser, its keyed digest in the table.

A session is over after some time without a sign of life, at the end of a working day (both are settings),
when it is revoked, and as soon as the account is disabled or has other roles than when it began.
"""

from __future__ import annotations

import secrets
import uuid
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import roles
from simcheck.access.models import Account, Means, StaffSession
from simcheck.access.roles import Permission, Role, Side
from simcheck.config import Settings
from simcheck.errors import NotFoundError
from simcheck.privacy import Keyring
from simcheck.service import Service

_TOKEN_BYTES, _MOST_TOKEN = 32, 100
_SIGN_OF_LIFE = timedelta(seconds=30)  # so seldom is it written down

# The session of a token that is not over, with its account as that is now.
READ = sa.text("""
SELECT staff_session.id, staff_session.seen_at, person.username, person.carrier, person.name, person.roles,
       person.must_change, staff_session.means
FROM staff_session JOIN person USING (username)
WHERE digest = :digest AND revoked_at IS NULL AND expires_at > :now AND seen_at > :idle_since
  AND disabled_at IS NULL AND person.roles = staff_session.roles
""").bindparams(sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)),
                sa.bindparam("idle_since", type_=sa.TIMESTAMP(timezone=True)))  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in, with what their account says now. `carrier` is None for the ministry's."""

    session_id: uuid.UUID
    username: str
    name: str = field(repr=False)
    roles: tuple[Role, ...]
    carrier: str | None
    means: Means
    must_change: bool = False

    @property
    def actor(self) -> str:
        """The name that stands behind what they do, in the audit chain too."""
        return f"person:{self.username}"

    @property
    def side(self) -> Side:
        """For whom they work."""
        return Side.CARRIER if self.carrier else Side.MINISTRY

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        """What they may do."""
        return roles.permissions_of(self.roles)

    def transaction(self, service: Service) -> AbstractAsyncContextManager[AsyncSession]:
        """The edge for this person: a carrier's sees its carrier's rows, the ministry's all."""
        return service.database.transaction(self.actor, self.carrier, ministry=self.carrier is None)


@dataclass(frozen=True)
class Started:
    """A new session, and the token that its browser is to keep; nobody can be told the token again."""

    token: str = field(repr=False)
    person: Person
    seconds: int


@dataclass(frozen=True)
class Open:
    """A session that is not over, as its owner sees it."""

    id: uuid.UUID
    agent: str
    made_at: datetime
    seen_at: datetime


async def start(session: AsyncSession, service: Service, account: Account, agent: str) -> Started:
    """A session of somebody who proved who they are."""
    token, now, whole = secrets.token_urlsafe(_TOKEN_BYTES), clock.now(), _whole(service.settings)
    person = Person(
        uuid.uuid4(), account.username, _name(service.keyring, account.username, account.name),
        tuple(Role(role) for role in account.roles), account.carrier, Means(account.means),
        account.must_change,
    )  # fmt: skip
    session.add(
        StaffSession(
            id=person.session_id, digest=_digest(service.keyring, token), username=account.username,
            carrier=account.carrier, means=account.means, roles=list(account.roles), agent=agent, made_at=now,
            seen_at=now, expires_at=now + whole,
        )
    )  # fmt: skip
    account.signed_in_at = now
    await session.flush()
    audit.record(
        session, "sign_in.done", f"person/{account.username}", {"means": account.means, "agent": agent}
    )
    return Started(token, person, int(whole.total_seconds()))


async def read(
    session: AsyncSession, service: Service, token: str | None, *, sign_of_life: bool = True
) -> Person | None:
    """Whose token this is, and a sign of life of the session; None where it is over, or never was.

    The transaction needs the ministry's scope: whose rows may be seen is not known before.
    """
    if not token or len(token) > _MOST_TOKEN or not token.isascii():
        return None
    now, settings = clock.now(), service.settings
    words = {"digest": _digest(service.keyring, token), "now": now, "idle_since": now - _idle(settings)}
    row = (await session.execute(READ, words)).one_or_none()
    if row is None or (row.means == Means.LOCAL and not settings.staff_local):
        return None
    if sign_of_life and row.seen_at < now - _SIGN_OF_LIFE:
        seen = sa.update(StaffSession).where(StaffSession.id == row.id).values(seen_at=now)
        await session.execute(seen)
    return Person(
        row.id, row.username, _name(service.keyring, row.username, row.name),
        tuple(Role(role) for role in row.roles), row.carrier, Means(row.means), row.must_change,
    )  # fmt: skip


async def listed(session: AsyncSession, service: Service, username: str) -> list[Open]:
    """Somebody's sessions that are not over, the one that was used last first."""
    now = clock.now()
    wanted = sa.select(StaffSession).where(
        StaffSession.username == username, StaffSession.revoked_at.is_(None), StaffSession.expires_at > now,
        StaffSession.seen_at > now - _idle(service.settings),
    ).order_by(StaffSession.seen_at.desc(), StaffSession.id)  # fmt: skip
    return [Open(each.id, each.agent, each.made_at, each.seen_at) for each in await session.scalars(wanted)]


async def revoke(session: AsyncSession, username: str, session_id: uuid.UUID) -> None:
    """End one session of somebody. Raises `NotFoundError` where they have no such one that is not over."""
    ended = (
        sa.update(StaffSession)
        .where(
            StaffSession.id == session_id,
            StaffSession.username == username,
            StaffSession.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
        .returning(StaffSession.id)
    )
    if await session.scalar(ended) is None:
        raise NotFoundError("There is no such session, or it is over.")
    audit.record(session, "sign_in.ended", f"person/{username}")


async def revoke_all(session: AsyncSession, username: str) -> None:
    """End all sessions of somebody. What it is done for is audited by whoever does it."""
    ended = sa.update(StaffSession).where(
        StaffSession.username == username, StaffSession.revoked_at.is_(None)
    )
    await session.execute(ended.values(revoked_at=clock.now()))


async def forget_over(session: AsyncSession, after: timedelta = timedelta(days=30)) -> None:
    """Drop sessions that were over so long ago."""
    await session.execute(sa.delete(StaffSession).where(StaffSession.expires_at < clock.now() - after))


def _idle(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.staff_idle_minutes)


def _whole(settings: Settings) -> timedelta:
    return timedelta(hours=settings.staff_hours)


def _digest(keyring: Keyring, token: str) -> bytes:
    return keyring.token("staff_session", token)


def _name(keyring: Keyring, username: str, sealed: bytes) -> str:
    return keyring.open(sealed, Account.place("name", username)).decode()
