"""The tables of policies and clocks."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of
from simcheck.enforcement.words import Happened, Trigger
from simcheck.uploads.models import NOTHING

_RUNS = sa.text("ended_at IS NULL AND paused_at IS NULL AND next_at IS NOT NULL")

# Over, and what was ordered holds.
_NOT_UNDONE = sa.text("step IN (1, 2) AND ended_at IS NOT NULL")


class PolicyState(StrEnum):
    """How far a version is. An approved one is in force from its day on, until a later one is."""

    DRAFT = "draft"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class PolicyVersion(Base):
    """A policy document (`policy.read` reads its `text`). `digest` is the text's SHA-256. Names are actors.

    Text, day and maker never change; what is once approved or withdrawn is no draft again.
    """

    __tablename__ = "policy"
    __table_args__ = (
        one_of("state", PolicyState),
        sa.CheckConstraint("approved_by <> made_by", name="four_eyes"),
        sa.CheckConstraint("num_nonnulls(approved_by, approved_at) IN (0, 2)", name="signed"),
        sa.CheckConstraint("state <> 'approved' OR approved_by IS NOT NULL", name="approved"),
        sa.CheckConstraint("state <> 'draft' OR approved_by IS NULL", name="draft"),
        sa.CheckConstraint(
            "num_nonnulls(withdrawn_by, withdrawn_at) = CASE state WHEN 'withdrawn' THEN 2 ELSE 0 END",
            name="withdrawn",
        ),
    )

    version: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    digest: Mapped[bytes]
    valid_from: Mapped[date]
    state: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]


class Clock(Base):
    """The clock of a subscription: on which track it is, how far, and what is due next.

    `started_at` is what the first step counts from, `event_at` the event that began it (of handsets the
    newest change that nobody has answered). `step` (`words.Step`) was reached at `step_at`. It stands still
    since `paused_at`; `shift` is how long it has stood since the moment that the next step counts from. Of
    notices since the start, `notice_days` is on how many local days one was delivered or every way was tried
    in vain, `told_at` the newest of those, `warned_at` the newest one that warned of suspension. `next_step`
    is due at `next_at` where it is `proven`: everything that the
    policy wants for it is there. All three are written by the arithmetic (`clocks.py`), and right where
    `reckoned`; `looked_at` is when notices were counted last. `version` grows with everything that happens.
    """

    __tablename__ = "clock"
    __table_args__ = (
        one_of("trigger", Trigger),
        sa.CheckConstraint("step BETWEEN 0 AND 3", name="step"),
        sa.CheckConstraint("(step = 0) = (step_at IS NULL)", name="reached"),
        sa.CheckConstraint("next_step > step", name="next"),
        sa.CheckConstraint("num_nonnulls(next_step, next_at) IN (0, 2)", name="due"),
        sa.CheckConstraint("num_nonnulls(ended_at, end_reason) IN (0, 2)", name="ended"),
        sa.CheckConstraint("ended_at IS NULL OR next_at IS NULL", name="over"),
        sa.Index("clock_due_idx", "next_at", postgresql_where=_RUNS),
        sa.Index("clock_unreckoned_idx", "carrier", "msisdn_token", postgresql_where=sa.text("NOT reckoned")),
        sa.Index("clock_not_undone_idx", "carrier", "msisdn_token", postgresql_where=_NOT_UNDONE),
        sa.Index("clock_policy_idx", "policy_version", postgresql_where=sa.text("ended_at IS NULL")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    carrier: Mapped[str] = mapped_column(primary_key=True)
    msisdn_token: Mapped[bytes] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    province: Mapped[str | None]
    trigger: Mapped[str]
    track: Mapped[str]
    policy_version: Mapped[str] = mapped_column(sa.ForeignKey(PolicyVersion.version))
    started_at: Mapped[datetime]
    event_at: Mapped[datetime | None]
    step: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    step_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    shift: Mapped[timedelta] = mapped_column(server_default=sa.text("'0'::interval"))
    notice_days: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    told_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    proven: Mapped[bool] = mapped_column(server_default=sa.false())
    next_step: Mapped[int | None] = mapped_column(sa.SmallInteger())
    next_at: Mapped[datetime | None]
    reckoned: Mapped[bool] = mapped_column(server_default=sa.false())
    looked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("1"))


class ClockEvent(Base):
    """One thing that happened to a clock. A clock is what its events make it (`machine.fold`)."""

    __tablename__ = "clock_event"
    __table_args__ = (one_of("kind", Happened), sa.Index(None, "msisdn_token", "carrier"))

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    carrier: Mapped[str]
    msisdn_token: Mapped[bytes]
    case_id: Mapped[uuid.UUID | None]
    at: Mapped[datetime]
    kind: Mapped[str]
    step: Mapped[int | None] = mapped_column(sa.SmallInteger())
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)
    actor: Mapped[str]
