"""The tables of files on their way in."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of

NOTHING = sa.text("'{}'")
_MOVING = sa.text("state IN ('received', 'reading', 'checking')")


class BatchKind(StrEnum):
    """A whole picture of the carrier's subscriptions, or what changed since."""

    SNAPSHOT = "snapshot"
    DELTA = "delta"


class BatchState(StrEnum):
    """How far a batch is."""

    RECEIVED = "received"
    READING = "reading"
    CHECKING = "checking"
    DONE = "done"
    REFUSED = "refused"


class Batch(Base):
    """A subscriber file that a carrier sent. `file_name` is the client's name for it, sealed.

    `check_attempts` counts those to make a run of it that failed, `check_due_at` is when the next one is due.
    """

    __tablename__ = "batch"
    __table_args__ = (
        one_of("kind", BatchKind),
        one_of("state", BatchState),
        sa.CheckConstraint("(state = 'refused') = (refusal_code IS NOT NULL)", name="refusal"),
        sa.Index(None, "carrier", "digest", unique=True, postgresql_where=sa.text("state <> 'refused'")),
        sa.Index(
            None, "carrier", "idempotency_key", unique=True,
            postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        ),
        sa.Index(None, "carrier", "received_at"),
        sa.Index(None, "changed_at", postgresql_where=_MOVING),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    client: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    digest: Mapped[bytes]
    size: Mapped[int] = mapped_column("bytes", sa.BigInteger())
    rows: Mapped[int | None] = mapped_column(sa.BigInteger())
    idempotency_key: Mapped[str | None]
    file_name: Mapped[bytes | None]
    path: Mapped[str | None]
    refusal_code: Mapped[str | None]
    refusal: Mapped[str | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)
    run_id: Mapped[uuid.UUID | None]
    check_attempts: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    check_due_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class Upload(Base):
    """A resumable upload (tus) on its way. `metadata_` is what the client said of the file, sealed."""

    __tablename__ = "upload"
    __table_args__ = (sa.CheckConstraint("received >= 0 AND received <= length", name="received"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code), index=True)
    client: Mapped[str]
    length: Mapped[int | None] = mapped_column(sa.BigInteger())
    received: Mapped[int] = mapped_column(sa.BigInteger(), server_default=sa.text("0"))
    checksum_state: Mapped[bytes | None]
    metadata_: Mapped[bytes | None] = mapped_column("metadata")
    path: Mapped[str | None]
    batch_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Batch.id))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
