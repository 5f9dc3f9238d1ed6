"""The table of the citizen register's snapshots."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of


class SnapshotState(StrEnum):
    """How far a snapshot is. Exactly one is current."""

    IMPORTING = "importing"
    SEALED = "sealed"
    CURRENT = "current"
    RETIRED = "retired"
    PURGED = "purged"


class RegisterSnapshot(Base):
    """The citizen register as it was at `as_of`, in `buckets` files under `path` of the lake."""

    __tablename__ = "register_snapshot"
    __table_args__ = (
        one_of("state", SnapshotState),
        sa.Index(
            "register_snapshot_one_current_idx", "state", unique=True,
            postgresql_where=sa.text("state = 'current'"),
        ),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    state: Mapped[str]
    digest: Mapped[bytes | None]
    rows: Mapped[int | None] = mapped_column(sa.BigInteger())
    buckets: Mapped[int | None] = mapped_column(sa.Integer())
    path: Mapped[str]
    as_of: Mapped[datetime | None]
    imported_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
