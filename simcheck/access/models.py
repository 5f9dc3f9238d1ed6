"""The tables of who may do what: tenants, client systems, people and their sessions, keys, limits."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.roles import Role, Side
from simcheck.db.base import Base, one_of


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


class Means(StrEnum):
    """How somebody proves who they are: by a password and a second step, or at an identity provider."""

    LOCAL = "local"
    OIDC = "oidc"


def _roles(side: Side) -> str:
    return ", ".join(f"'{role}'" for role in Role if role.side is side)


class Account(Base):
    """An account of somebody at a desk: of the ministry, or of a carrier.

    `name`, `email` and `totp_secret` are sealed. `claim_token` finds an account of kind oidc by what the
    provider says of a person. `totp_step` is the period of the last one-time code that counted, `recovery`
    the digests of recovery codes that are left.
    """

    __tablename__ = "person"
    __table_args__ = (
        sa.CheckConstraint("username ~ '^[a-z][a-z0-9._-]{1,63}$'", name="username"),
        one_of("means", Means),
        sa.CheckConstraint(
            "cardinality(roles) > 0 AND roles <@ CASE WHEN carrier IS NULL"
            f" THEN ARRAY[{_roles(Side.MINISTRY)}] ELSE ARRAY[{_roles(Side.CARRIER)}] END",
            name="roles",
        ),
        sa.CheckConstraint(
            "means = 'local' AND num_nonnulls(password_hash) = 1 AND num_nonnulls(claim_token) = 0"
            " OR means = 'oidc' AND num_nonnulls(claim_token) = 1"
            " AND num_nonnulls(password_hash, totp_secret) = 0",
            name="proof",
        ),
    )

    username: Mapped[str] = mapped_column(primary_key=True)
    carrier: Mapped[str | None] = mapped_column(sa.ForeignKey(Carrier.code), index=True)
    means: Mapped[str]
    name: Mapped[bytes]
    email: Mapped[bytes | None]
    roles: Mapped[list[str]]
    password_hash: Mapped[str | None]
    must_change: Mapped[bool] = mapped_column(server_default=sa.text("false"))
    claim_token: Mapped[bytes | None] = mapped_column(unique=True)
    totp_secret: Mapped[bytes | None]
    totp_step: Mapped[int | None] = mapped_column(sa.BigInteger())
    recovery: Mapped[list[bytes]] = mapped_column(
        pg.ARRAY(sa.LargeBinary()), server_default=sa.text("'{}'::bytea[]")
    )
    added_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    @staticmethod
    def place(column: str, username: str) -> str:
        """What a sealed column of an account is bound to."""
        return f"person/{column}/{username}"


class StaffSession(Base):
    """Somebody who has signed in at a desk. `digest` is of the token that the browser holds, `roles` are
    those of the account when it began: with others the session is over. `agent` is the kind of browser.
    """

    __tablename__ = "staff_session"
    __table_args__ = (
        sa.Index("staff_session_username_idx", "username", postgresql_where=sa.text("revoked_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    digest: Mapped[bytes] = mapped_column(unique=True)
    username: Mapped[str] = mapped_column(sa.ForeignKey(Account.username))
    carrier: Mapped[str | None] = mapped_column(sa.ForeignKey(Carrier.code))
    means: Mapped[str]
    roles: Mapped[list[str]]
    agent: Mapped[str]
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


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
