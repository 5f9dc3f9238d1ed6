"""The tables of who may do what: tenants, client systems, keys, limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base


class Carrier(Base):
    """A tenant. Its code stands in every `carrier` column."""

    __tablename__ = "carrier"
    __table_args__ = (sa.CheckConstraint("code ~ '^[a-z][a-z0-9_-]{1,31}$'", name="code"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    added_at: Mapped[datetime]


class Client(Base):
    """A system that may ask for tokens: a carrier's, or (without carrier) a relying service."""

    __tablename__ = "client"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(secret_hash, public_keys) >= 1", name="proof"),
        sa.CheckConstraint("rate > 0", name="rate"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    carrier: Mapped[str | None] = mapped_column(sa.ForeignKey(Carrier.code), index=True)
    name: Mapped[str]
    scopes: Mapped[list[str]]
    secret_hash: Mapped[str | None]
    public_keys: Mapped[dict[str, Any] | None]
    rate: Mapped[float | None] = mapped_column(sa.Double())
    added_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ClientAssertion(Base):
    """A client assertion that was used, until it expires: each is good once."""

    __tablename__ = "client_assertion"

    client: Mapped[str] = mapped_column(sa.ForeignKey(Client.id, ondelete="CASCADE"), primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SigningKey(Base):
    """A key that access tokens are signed with. `private` is sealed; the newest that is not retired signs."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(primary_key=True)
    private: Mapped[bytes]
    public: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class RateBucket(Base):
    """A token bucket: `level` tokens at the moment `at`; `granted` is what the last who asked was told."""

    __tablename__ = "rate_bucket"
    __table_args__ = {"prefixes": ["UNLOGGED"], "postgresql_with": {"fillfactor": 70}}  # noqa: RUF012

    key: Mapped[bytes] = mapped_column(primary_key=True)
    level: Mapped[float] = mapped_column(sa.Double())
    granted: Mapped[bool]
    at: Mapped[datetime]
