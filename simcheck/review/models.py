"""The tables of the desk: decisions that do not bind yet, saved views, decisions about many cases, second
reviews."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
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


class BulkState(StrEnum):
    """How far a proposal is. `DRAFT`: its proposer looks at it; `PROPOSED`: it waits for a second person;
    `APPROVED`: it is carried out, batch by batch. All others are ends.
    """

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STOPPED = "stopped"


class BulkProposal(Base):
    """One decision for all cases of a filter (`query`, as `filters.write` writes it).

    `cases` is how many there were, `sample` some of them drawn by lot, both when it was drafted. `note` is
    sealed, bound to the proposal. `second`: a second person has to approve. `why` is why it was refused.
    `decided` and `skipped` count what the `batches` did so far. Names are actors.
    """

    __tablename__ = "bulk_proposal"
    __table_args__ = (
        one_of("state", BulkState),
        sa.CheckConstraint("approved_by <> proposed_by", name="four_eyes"),
        sa.CheckConstraint("second OR decision NOT IN ('suspend', 'not_the_holder')", name="second"),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'done', 'stopped') OR approved_by IS NOT NULL OR NOT second",
            name="approved",
        ),
        sa.CheckConstraint(
            "(begun_at IS NOT NULL) = (state IN ('approved', 'done', 'stopped'))", name="begun"
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (state IN ('draft', 'proposed', 'approved'))", name="settled"
        ),
        sa.Index(None, "proposed_at", "id"),
        sa.Index("bulk_proposal_open_idx", "state", postgresql_where=sa.text("settled_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    query: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str]
    note: Mapped[bytes | None]
    cases: Mapped[int] = mapped_column(sa.Integer())
    sample: Mapped[list[uuid.UUID]] = mapped_column(pg.ARRAY(sa.Uuid()))
    second: Mapped[bool]
    state: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    begun_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    why: Mapped[str | None]
    batches: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    decided: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    skipped: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))


class BulkCase(Base):
    """A case that a proposal is about, in the version that it had. `outcome` (`bulk_moves.Outcome`) is what
    its batch did with it.
    """

    __tablename__ = "bulk_case"
    __table_args__ = (
        sa.CheckConstraint("(outcome IS NULL) = (batch IS NULL)", name="batch"),
        sa.Index("bulk_case_left_idx", "proposal_id", "case_id",
                 postgresql_where=sa.text("outcome IS NULL")),
    )  # fmt: skip

    proposal_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(BulkProposal.id), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(sa.Integer())
    outcome: Mapped[str | None]
    batch: Mapped[int | None] = mapped_column(sa.Integer())


class RightOne(StrEnum):
    """Which of two decisions a supervisor finds right."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"


class DoubleReview(Base):
    """A decided case that was drawn to be judged again, as it was when it was decided first.

    `state_then`, `verdict`, `reasons` and `answer` are the case's, `batch_id`, `bucket` and `row` the place
    of its declared cells then. `first_also` approved what `first_by` proposed in bulk. `note` is sealed,
    bound to the review. `right_one` is a supervisor's word where the two do not agree. Names are actors.
    """

    __tablename__ = "double_review"
    __table_args__ = (
        sa.UniqueConstraint("case_id", "version"),
        one_of("right_one", RightOne),
        sa.CheckConstraint("num_nonnulls(batch_id, bucket, row) IN (0, 3)", name="place"),
        sa.CheckConstraint("num_nonnulls(claimed_by, claimed_until) IN (0, 2)", name="claimed"),
        sa.CheckConstraint(
            "num_nonnulls(second_by, second_decision, second_reason, second_at) IN (0, 4)", name="judged"
        ),
        sa.CheckConstraint(
            "num_nonnulls(right_one, settled_by, settled_at) IN (0, 3) AND (settled_by IS NULL OR "
            "NOT agrees)",
            name="settled",
        ),
        sa.CheckConstraint(
            "claimed_by <> first_by AND claimed_by <> coalesce(first_also, '')", name="other_eyes"
        ),
        sa.CheckConstraint("second_by <> first_by AND second_by <> coalesce(first_also, '')", name="blind"),
        sa.CheckConstraint(
            "settled_by <> first_by AND settled_by <> coalesce(first_also, '') AND settled_by <> second_by",
            name="third",
        ),
        sa.Index("double_review_waiting_idx", "first_at", "id",
                 postgresql_where=sa.text("second_by IS NULL")),
        sa.Index("double_review_apart_idx", "second_at", "id", postgresql_where=sa.text(
            "second_by IS NOT NULL AND NOT agrees AND settled_by IS NULL")),
        sa.Index(None, "first_at", postgresql_where=sa.text("second_by IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    case_id: Mapped[uuid.UUID]
    carrier: Mapped[str]
    version: Mapped[int] = mapped_column(sa.Integer())
    state_then: Mapped[str]
    verdict: Mapped[int] = mapped_column(sa.SmallInteger())
    reasons: Mapped[int] = mapped_column(sa.BigInteger())
    answer: Mapped[str | None]
    batch_id: Mapped[uuid.UUID | None]
    bucket: Mapped[int | None] = mapped_column(sa.Integer())
    row: Mapped[int | None] = mapped_column(sa.BigInteger())
    first_by: Mapped[str]
    first_also: Mapped[str | None]
    first_decision: Mapped[str]
    first_reason: Mapped[str]
    first_at: Mapped[datetime]
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    second_by: Mapped[str | None]
    second_decision: Mapped[str | None]
    second_reason: Mapped[str | None]
    second_at: Mapped[datetime | None]
    note: Mapped[bytes | None]
    agrees: Mapped[bool | None] = mapped_column(
        sa.Computed("first_decision = second_decision", persisted=True)
    )
    right_one: Mapped[str | None]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
