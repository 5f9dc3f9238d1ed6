"""The tables of cases and their history."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of
from simcheck.uploads.models import NOTHING

_OPEN = sa.text("closed_at IS NULL")
_CLOSED = sa.text("closed_at IS NOT NULL")
_STAFFS = sa.text("target_at IS NOT NULL")
_ANSWERED = sa.text("answer IS NOT NULL AND closed_at IS NULL")
# Cases whose clock stands come after all whose clock runs.
# A CASE, not coalesce(): under row-level security PostgreSQL asks an index for the first alone.
DEADLINE = "(CASE WHEN target_at IS NULL THEN 'infinity'::timestamptz ELSE target_at END)"


class Acts(StrEnum):
    """Whose turn it is."""

    CARRIER = "carrier"
    HOLDER = "holder"
    STAFF = "staff"
    REGISTER_OWNER = "register_owner"


class Answer(StrEnum):
    """What the holder said of the record last: it is right, it should be otherwise (and what was said does
    not agree with the register either), it is not mine; or nothing of these, but a question.
    """

    CONFIRMED = "confirmed"
    DIFFERS = "differs"
    DISOWNED = "disowned"
    ASKED = "asked"


class Case(Base):
    """What has to be put right about one subscription. One is open at a time.

    `decided_facts` is the digest of what a human decision was made on: while it stays the same, runs
    respect the decision. `version` grows with every move that changes what a decision rests on. `severity`,
    `target_at` and `clock_left` are of `targets.py`. `held`: no order may be made about it.
    `province` is the subscription's.

    Of the desk are `assignee`, `escalated`, `snoozed_until`, and `claimed_by` with the end of its lease; they
    name people by their user names. `pending`: a decision is made that does not bind yet.
    """

    __tablename__ = "case"
    __table_args__ = (
        one_of("acts", Acts),
        one_of("answer", Answer),
        sa.CheckConstraint("num_nonnulls(target_at, clock_left) = 1", name="clock"),
        sa.CheckConstraint("(target_at IS NOT NULL) = (closed_at IS NULL AND acts = 'staff')", name="target"),
        sa.CheckConstraint("num_nonnulls(claimed_by, claimed_until) IN (0, 2)", name="claimed"),
        sa.CheckConstraint("(closed_at IS NULL) = (close_reason IS NULL)", name="closed"),
        sa.CheckConstraint("num_nonnulls(decision, decided_by, decided_at) IN (0, 3)", name="decision"),
        sa.Index("case_one_open_idx", "msisdn_token", "carrier", unique=True, postgresql_where=_OPEN),
        sa.Index("case_closed_idx", "msisdn_token", "carrier", postgresql_where=_CLOSED),
        sa.Index(None, "carrier", "opened_at", "id"),
        sa.Index(None, "opened_at", postgresql_using="brin"),
        sa.Index(None, "closed_at", postgresql_where=_CLOSED),
        sa.Index("case_age_idx", "opened_at", "id", postgresql_where=_OPEN),
        sa.Index("case_deadline_idx", sa.text(DEADLINE), "id", postgresql_where=_OPEN),
        sa.Index("case_change_idx", "changed_at", "id", postgresql_where=_OPEN),
        sa.Index("case_gravity_idx", "verdict", "opened_at", "id", postgresql_where=_OPEN),
        sa.Index("case_province_idx", "province", "opened_at", "id",
                 postgresql_where=sa.text("province IS NOT NULL AND closed_at IS NULL")),
        sa.Index("case_staff_age_idx", "opened_at", "id", postgresql_where=_STAFFS),
        sa.Index("case_staff_change_idx", "changed_at", "id", postgresql_where=_STAFFS),
        sa.Index("case_staff_gravity_idx", "verdict", "opened_at", "id", postgresql_where=_STAFFS),
        sa.Index("case_answer_age_idx", "answer", "opened_at", "id", postgresql_where=_ANSWERED),
        sa.Index("case_answer_deadline_idx", "answer", sa.text(DEADLINE), "id", postgresql_where=_ANSWERED),
        sa.Index("case_answer_change_idx", "answer", "changed_at", "id", postgresql_where=_ANSWERED),
        sa.Index("case_answer_gravity_idx", "answer", "verdict", "opened_at", "id",
                 postgresql_where=_ANSWERED),
        sa.Index("case_assignee_idx", "assignee", "opened_at", "id",
                 postgresql_where=sa.text("assignee IS NOT NULL AND closed_at IS NULL")),
        sa.Index("case_escalated_idx", "opened_at", "id",
                 postgresql_where=sa.text("escalated AND closed_at IS NULL")),
        sa.Index(None, "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 85}},
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    code: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str]
    msisdn_token: Mapped[bytes]
    id_token: Mapped[bytes | None]
    contract_token: Mapped[bytes | None]
    state: Mapped[str]
    acts: Mapped[str]
    verdict: Mapped[int] = mapped_column(sa.SmallInteger())
    reasons: Mapped[int] = mapped_column(sa.BigInteger())
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_facts: Mapped[bytes | None]
    contradicted: Mapped[bool] = mapped_column(server_default=sa.false())
    version: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("1"))
    severity: Mapped[int] = mapped_column(sa.SmallInteger())
    target_at: Mapped[datetime | None]
    clock_left: Mapped[timedelta | None]
    answer: Mapped[str | None]
    held: Mapped[bool] = mapped_column(server_default=sa.false())
    assignee: Mapped[str | None]
    escalated: Mapped[bool] = mapped_column(server_default=sa.false())
    snoozed_until: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    pending: Mapped[bool] = mapped_column(server_default=sa.false())
    province: Mapped[str | None]


class CaseEvent(Base):
    """One thing that happened to a case. `evidence` is sealed, bound to the case."""

    __tablename__ = "case_event"

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(index=True)
    carrier: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    move: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)
    evidence: Mapped[bytes | None]
