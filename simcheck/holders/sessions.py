"""Who is at the other end, for a while: a random token in the browser, its keyed digest in the table.

A session is over after 20 minutes without a sign of life, after 60 minutes in any case, and when it is
revoked.
"""

from __future__ import annotations

import secrets
import uuid
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.models import Case
from simcheck.errors import InvalidError
from simcheck.holders.models import HolderSession, SessionKind
from simcheck.normalise import citizen_ids, dates
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.privacy import Keyring
from simcheck.reasons import Reason
from simcheck.service import Service

IDLE, WHOLE = timedelta(minutes=20), timedelta(minutes=60)
_TOKEN_BYTES, _MOST_TOKEN = 32, 100
# A session that is not over gives a sign of life by being asked for.
SEEN = sa.text("""
UPDATE holder_session SET seen_at = :now
WHERE digest = :digest AND revoked_at IS NULL AND expires_at > :now AND seen_at > :idle_since
RETURNING id, kind, carrier, case_id, msisdn_token, number, id_token
""").bindparams(sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)),
                sa.bindparam("idle_since", type_=sa.TIMESTAMP(timezone=True)))  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """Who proved to hold a number (`carrier`, `case_id`, `msisdn_token`, `number`: the national significant
    one), or to be a person (`id_token`); the other fields are None.
    """

    session_id: uuid.UUID
    kind: SessionKind
    carrier: str | None = None
    case_id: uuid.UUID | None = None
    msisdn_token: bytes | None = None
    number: int | None = field(default=None, repr=False)
    id_token: bytes | None = None

    @property
    def actor(self) -> str:
        """The name that stands behind what the holder does, in the audit chain too."""
        return f"holder:{self.session_id}"

    def transaction(self, service: Service) -> AbstractAsyncContextManager[AsyncSession]:
        """The edge for this holder: of a number, its carrier's rows; of an identity, all carriers' rows."""
        return service.database.transaction(self.actor, self.carrier, ministry=self.carrier is None)


@dataclass(frozen=True)
class Started:
    """A new session, and the token that its browser is to keep; nobody can be told the token again."""

    token: str = field(repr=False)
    holder: Holder
    expires_at: datetime


async def start_possession(session: AsyncSession, keyring: Keyring, case: Case, number: int) -> Started:
    """A session of whoever proved to hold the case's number (its national significant number)."""
    holder = Holder(
        uuid.uuid4(), SessionKind.POSSESSION, case.carrier, case.id, case.msisdn_token, number
    )  # fmt: skip
    return await _start(session, keyring, holder)


async def start_identity(session: AsyncSession, keyring: Keyring, id_number: str) -> Started:
    """A session of a person, by the 12-digit personal number that an identity provider vouches for.

    Raises `InvalidError` where it is no such number.
    """
    token = id_token_of(keyring, id_number)
    if token is None:
        raise InvalidError("The identity provider gave no 12-digit personal number. Sign in again.")
    return await _start(session, keyring, Holder(uuid.uuid4(), SessionKind.IDENTITY, id_token=token))


def id_token_of(keyring: Keyring, id_number: str) -> bytes | None:
    """What records of a person are found by; None where this is no 12-digit personal number as it is
    written: nothing in it is repaired.
    """
    read = citizen_ids.normalise(
        pa.array([id_number]), None, dates.normalise(pa.nulls(1, pa.string()), clock.now().date()), None
    )
    key, repaired = int(read.key[0]), int(read.flags[0]) & Reason.ID_FORMAT_REPAIRED.mask
    return keyring.token("id", key) if 0 < key < CMND_BASE and not repaired else None


async def read(session: AsyncSession, keyring: Keyring, token: str | None) -> Holder | None:
    """Whose token this is, and a sign of life of the session; None where it is over, or never was.

    The transaction needs the ministry's scope: whose rows may be seen is not known before.
    """
    if not token or len(token) > _MOST_TOKEN or not token.isascii():
        return None
    now = clock.now()
    words = {"digest": _digest(keyring, token), "now": now, "idle_since": now - IDLE}
    row = (await session.execute(SEEN, words)).one_or_none()
    if row is None:
        return None
    number = None if row.number is None else int(keyring.open(row.number, _bound_to(row.id)))
    return Holder(
        row.id, SessionKind(row.kind), row.carrier, row.case_id, row.msisdn_token, number, row.id_token
    )


async def revoke(session: AsyncSession, holder: Holder) -> None:
    """End a session: its token is nobody's from now on."""
    ended = sa.update(HolderSession).where(
        HolderSession.id == holder.session_id, HolderSession.revoked_at.is_(None)
    )
    await session.execute(ended.values(revoked_at=clock.now()))
    audit.record(session, "session.ended", f"session/{holder.session_id}")


async def forget_over(session: AsyncSession, after: timedelta = timedelta(days=1)) -> None:
    """Drop sessions that were over so long ago."""
    await session.execute(sa.delete(HolderSession).where(HolderSession.expires_at < clock.now() - after))


async def _start(session: AsyncSession, keyring: Keyring, holder: Holder) -> Started:
    token, now = secrets.token_urlsafe(_TOKEN_BYTES), clock.now()
    sealed = None
    if holder.number is not None:
        sealed = keyring.seal(str(holder.number).encode(), _bound_to(holder.session_id))
    session.add(
        HolderSession(
            id=holder.session_id, digest=_digest(keyring, token), kind=holder.kind, carrier=holder.carrier,
            case_id=holder.case_id, msisdn_token=holder.msisdn_token, number=sealed,
            id_token=holder.id_token, made_at=now, seen_at=now, expires_at=now + WHOLE,
        )
    )  # fmt: skip
    await session.flush()
    subject = f"session/{holder.session_id}"
    audit.record(session, "session.started", subject, {"kind": holder.kind.value}, stream="session")
    return Started(token, holder, now + WHOLE)


def _digest(keyring: Keyring, token: str) -> bytes:
    return keyring.token("holder_session", token)


def _bound_to(session_id: uuid.UUID) -> str:
    return f"holder_session/number/{session_id}"
