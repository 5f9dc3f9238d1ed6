"""The tables of the desk: decisions that do not bind yet, saved views."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of


class DeskState(StrEnum):
    """How far a decision is. `OVERTAKEN`: the case had changed before it bound, so it was not made."""

    PENDING = "pending"
    BOUND = "bound"
    UNDONE = "undone"
    OVERTAKEN = "overtaken"


class DeskDecision(Base):
    """What somebody decided in a case of this `version`; it binds at `binds_at` unless it is undone before.

    `decision` and `reason` stand in `decisions.toml`; `note` is sealed, bound to the case. `made_by` is the
    actor. `why` says why it was overtaken.
    """

    __tablename__ = "desk_decision"
    __table_args__ = (
        one_of("state", DeskState),
        sa.CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled"),
        sa.Index("desk_decision_pending_idx", "case_id", unique=True,
                 postgresql_where=sa.text("state = 'pending'")),
        sa.Index(None, "case_id"),
        sa.Index("desk_decision_due_idx", "binds_at", postgresql_where=sa.text("state = 'pending'")),
        sa.Index(None, "made_by", "made_at"),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    case_id: Mapped[uuid.UUID]
    carrier: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str]
    note: Mapped[bytes | None]
    version: Mapped[int] = mapped_column(sa.Integer())
    state: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    binds_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    why: Mapped[str | None]


class SavedView(Base):
    """A filter (as `filters.write` writes it) and an order (`queue.Sort`) under a name. A `shared` one is
    seen by everybody, and changed by its owner alone.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.UniqueConstraint("owner", "name"),
        sa.Index("saved_view_shared_idx", "name", unique=True, postgresql_where=sa.text("shared")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    owner: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    sort: Mapped[str]
    shared: Mapped[bool]
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
