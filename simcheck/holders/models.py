"""The tables of holders: challenges, sessions, corrections, confirmations."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of


class SessionKind(StrEnum):
    """What a session rests on: the number in hand, or an identity that a provider vouches for."""

    POSSESSION = "possession"
    IDENTITY = "identity"


class Outcome(StrEnum):
    """What became of a correction. `WAITING`: the register did not answer yet."""

    WAITING = "waiting"
    AGREES = "agrees"
    DIFFERS = "differs"


class Means(StrEnum):
    """By which way a holder spoke."""

    PAGE = "page"
    SMS = "sms"
    SIGN_IN = "sign_in"


class Challenge(Base):
    """A one-time code that was asked for. Without `case_id` nothing fits, and nothing is sent: the two look
    the same from outside. `digest` is of the code, null until it is sent; `number` is sealed.
    """

    __tablename__ = "holder_challenge"
    __table_args__ = (
        sa.Index(
            "holder_challenge_unsent_idx", "made_at",
            postgresql_where=sa.text("case_id IS NOT NULL AND handled_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    case_id: Mapped[uuid.UUID | None]
    msisdn_token: Mapped[bytes]
    number: Mapped[bytes]
    language: Mapped[str]
    digest: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    handled_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]


class HolderSession(Base):
    """Somebody who proved to hold a number (then with its case and carrier), or to be a person. `digest` is
    of the token that the browser holds; `number` is sealed.
    """

    __tablename__ = "holder_session"
    __table_args__ = (
        one_of("kind", SessionKind),
        sa.CheckConstraint(
            "kind = 'identity' AND num_nonnulls(id_token) = 1"
            " AND num_nonnulls(carrier, case_id, msisdn_token, number) = 0"
            " OR kind = 'possession' AND num_nonnulls(id_token) = 0"
            " AND num_nonnulls(carrier, case_id, msisdn_token, number) = 4",
            name="rests",
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    digest: Mapped[bytes] = mapped_column(unique=True)
    kind: Mapped[str]
    carrier: Mapped[str | None] = mapped_column(sa.ForeignKey(Carrier.code))
    case_id: Mapped[uuid.UUID | None]
    msisdn_token: Mapped[bytes | None]
    number: Mapped[bytes | None]
    id_token: Mapped[bytes | None]
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class Correction(Base):
    """What a holder says that the record should be: `cells`, sealed until they are no longer needed. `form`
    is drawn with the form that was sent, so that sending it twice is one correction. `verdict` and `reasons`
    are of the re-check; `batch_id` and `row` say which declared record it corrects.
    """

    __tablename__ = "correction"
    __table_args__ = (
        one_of("outcome", Outcome),
        sa.CheckConstraint("(outcome = 'waiting') = (settled_at IS NULL)", name="settled"),
        sa.CheckConstraint("num_nonnulls(acknowledged_at, acknowledged_by) IN (0, 2)", name="acknowledged"),
        sa.UniqueConstraint("carrier", "form"),
        sa.Index(None, "made_at"),
        sa.Index("correction_waiting_idx", "made_at", postgresql_where=sa.text("outcome = 'waiting'")),
        sa.Index(
            "correction_owed_idx", "carrier", "settled_at", "id",
            postgresql_where=sa.text("outcome = 'agrees' AND acknowledged_at IS NULL"),
        ),
        sa.Index(
            "correction_kept_idx", sa.text("coalesce(acknowledged_at, settled_at)"),
            postgresql_where=sa.text("cells IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    case_id: Mapped[uuid.UUID] = mapped_column(index=True)
    msisdn_token: Mapped[bytes]
    form: Mapped[uuid.UUID]
    batch_id: Mapped[uuid.UUID]
    row: Mapped[int] = mapped_column(sa.BigInteger())
    cells: Mapped[bytes | None]
    outcome: Mapped[str]
    verdict: Mapped[int | None] = mapped_column(sa.SmallInteger())
    reasons: Mapped[int | None] = mapped_column(sa.BigInteger())
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]


class Confirmation(Base):
    """A holder's word that the record is right, of the facts as they were then (`subscription.facts`)."""

    __tablename__ = "confirmation"
    __table_args__ = (
        one_of("means", Means),
        sa.Index(None, "msisdn_token", "carrier", "facts", "means", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    msisdn_token: Mapped[bytes]
    case_id: Mapped[uuid.UUID | None]
    facts: Mapped[bytes]
    means: Mapped[str]
    at: Mapped[datetime]
