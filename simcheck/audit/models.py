"""The tables of the audit chain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base


class Entry(Base):
    """One act. `hash` is over everything else in the row, `previous` is the hash of the row before."""

    __tablename__ = "audit"
    __table_args__ = (
        sa.CheckConstraint("actor <> ''", name="actor"),
        sa.Index(None, "at", "stream", "seq"),
        sa.Index(None, "actor", "at"),
        sa.Index(None, "act", "at"),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]
    previous: Mapped[bytes]
    hash: Mapped[bytes]


class Head(Base):
    """The last row of a stream."""

    __tablename__ = "audit_head"
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}  # noqa: RUF012

    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger())
    hash: Mapped[bytes]


class Checkpoint(Base):
    """A signed statement of all heads: `heads` is {stream: [seq, hash in hexadecimal]}."""

    __tablename__ = "audit_checkpoint"

    seq: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    heads: Mapped[dict[str, Any]]
    previous: Mapped[bytes]
    hash: Mapped[bytes]
    signature: Mapped[bytes]


class Check(Base):
    """A look through the whole chain. Without `done_at` it is still to be done; then `rows` were right, and
    `stream`, `seq` and `cause` name the first one that was not, if any.
    """

    __tablename__ = "audit_check"
    __table_args__ = (
        sa.CheckConstraint("(done_at IS NULL) = (rows IS NULL)", name="done"),
        sa.CheckConstraint(
            "num_nonnulls(stream, seq, cause) IN (0, 3) AND (stream IS NULL OR done_at IS NOT NULL)",
            name="fault",
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    rows: Mapped[int | None] = mapped_column(sa.BigInteger())
    stream: Mapped[str | None]
    seq: Mapped[int | None] = mapped_column(sa.BigInteger())
    cause: Mapped[str | None]
