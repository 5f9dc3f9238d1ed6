"""The table of feedback files."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.crosscheck.models import Run
from simcheck.db.base import Base
from simcheck.uploads.models import Batch


class Feedback(Base):
    """A feedback file: of a batch, or (without one) standing for the whole carrier."""

    __tablename__ = "feedback"
    __table_args__ = (
        sa.CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
        sa.Index(None, "carrier", "made_at"),
        # A batch's file is made once, however often its job is woken.
        sa.Index(None, "run_id", unique=True, postgresql_where=sa.text("batch_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    batch_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Batch.id), index=True)
    run_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Run.id))
    rows: Mapped[int] = mapped_column(sa.BigInteger())
    path: Mapped[str]
    made_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    purged_at: Mapped[datetime | None]
