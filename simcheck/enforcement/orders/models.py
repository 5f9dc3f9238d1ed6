"""The tables of orders to carriers: proposals and orders, their lines, what carriers answered, the brake."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of

EVERYWHERE = "all"  # the scope of a brake for the whole country
_NOTHING = sa.text("'[]'::jsonb")


class OrderAct(StrEnum):
    """What a carrier is told to do: no outgoing calls, no calls at all, end the contract; or undo these."""

    ONE_WAY = "one_way"
    TWO_WAY = "two_way"
    TERMINATE = "terminate"
    RESTORE = "restore"


class OrderState(StrEnum):
    """How far an order is. `PROPOSED` waits for a second person, `APPROVED` for its file, `SENT` for the
    carrier's word that it has it, `ACKNOWLEDGED` for outcomes. All others are ends.
    """

    PROPOSED = "proposed"
    APPROVED = "approved"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    REJECTED = "rejected"
    STOPPED = "stopped"


class LineState(StrEnum):
    """How far a line is. `DROPPED`: a guard was shut, or nobody approved it; `OVERTAKEN`: the record agrees,
    and a restoration followed before the carrier had answered; `UNKNOWN`: the carrier does not know what it
    did.
    """

    PROPOSED = "proposed"
    DROPPED = "dropped"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OVERTAKEN = "overtaken"


# Of a line (by its name in a statement) that was overtaken: whether the carrier may have carried it out.
MAY_HOLD = f"""({{0}}.state = '{LineState.OVERTAKEN}'
    AND coalesce({{0}}.outcome, 'unknown') IN ('done', 'already', 'unknown'))"""


class AnswerState(StrEnum):
    """How far a file that a carrier sent back is."""

    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"


# Of a line that is one of these, something may still come: no other line of the subscription may be.
_LIVE = sa.text("state IN ('proposed', 'sent', 'unknown')")


class OrderBatch(Base):
    """A proposal, and the order that it becomes: one act, one carrier. `lines` are those that were not
    dropped.

    `reason` says why it was rejected or stopped. `due_at` is when the carrier's next answer is due, `tries`
    how often it was reminded, `escalated_at` when people were told. `digest` and `size` are those of its
    file, which is gone since `purged_at`; `forgotten` of its lines went with what their numbers left behind.
    Names are actors.
    """

    __tablename__ = "order_batch"
    __table_args__ = (
        one_of("act", OrderAct),
        one_of("state", OrderState),
        sa.CheckConstraint("approved_by <> proposed_by", name="four_eyes"),
        sa.CheckConstraint(
            "act = 'restore' OR state IN ('proposed', 'rejected') OR approved_by IS NOT NULL", name="approved"
        ),
        sa.CheckConstraint(
            "(sent_at IS NOT NULL) = (state IN ('sent', 'acknowledged', 'done'))", name="sent"
        ),
        sa.CheckConstraint("num_nonnulls(sent_at, digest, size) IN (0, 3)", name="file"),
        sa.CheckConstraint("(state IN ('rejected', 'stopped')) = (reason IS NOT NULL)", name="reason"),
        sa.Index(
            "order_batch_one_proposed_idx", "carrier", "act", "proposed_by", unique=True,
            postgresql_where=sa.text("state = 'proposed'"),
        ),
        sa.Index(None, "proposed_at", "id"),
        sa.Index(None, "carrier", "proposed_at", "id"),
        sa.Index("order_batch_approved_idx", "approved_at", postgresql_where=sa.text("state = 'approved'")),
        sa.Index("order_batch_due_idx", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    act: Mapped[str]
    state: Mapped[str]
    lines: Mapped[int] = mapped_column(sa.Integer())
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    digest: Mapped[bytes | None]
    size: Mapped[int | None] = mapped_column(sa.BigInteger())
    file_name: Mapped[str | None]
    media_type: Mapped[str | None]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    escalated_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    done_at: Mapped[datetime | None]
    forgotten: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    purged_at: Mapped[datetime | None]


class OrderLine(Base):
    """One subscription in a proposal or order. `number` is sealed, there once the order goes out. Without a
    case it is about a handset that was changed.

    `evidence` says on what it rests: policy, track, step, when it was due, the notices' dates; `reason` is a
    word of ours. `outcome` is a guard's name where the line was dropped, else what the carrier answered.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        one_of("act", OrderAct),
        one_of("state", LineState),
        sa.CheckConstraint(
            "(state IN ('proposed', 'sent', 'overtaken')) OR outcome IS NOT NULL", name="outcome"
        ),
        sa.Index(
            "order_line_one_live_idx", "carrier", "msisdn_token", unique=True, postgresql_where=_LIVE
        ),
        sa.Index(
            "order_line_overtaken_idx", "carrier", "msisdn_token",
            postgresql_where=sa.text("state = 'overtaken'"),
        ),
        sa.Index(None, "case_id"),
        sa.Index(None, "msisdn_token", "carrier"),
        {"postgresql_with": {"fillfactor": 80}},
    )  # fmt: skip

    order_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(OrderBatch.id), primary_key=True)
    line: Mapped[int] = mapped_column(sa.Integer(), primary_key=True, autoincrement=False)
    carrier: Mapped[str]
    msisdn_token: Mapped[bytes]
    number: Mapped[bytes | None]
    case_id: Mapped[uuid.UUID | None]
    act: Mapped[str]
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    state: Mapped[str]
    outcome: Mapped[str | None]
    outcome_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]


class OrderAnswer(Base):
    """A file that a carrier sent back: `rows` of it, `accepted` of them, and which were `refused`, each as
    [row, word]. It is kept until it was read. `reason` says why a whole file was refused.
    """

    __tablename__ = "order_answer"
    __table_args__ = (
        one_of("state", AnswerState),
        sa.UniqueConstraint("order_id", "digest"),
        sa.Index("order_answer_waiting_idx", "received_at", postgresql_where=sa.text("state = 'waiting'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    order_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(OrderBatch.id))
    carrier: Mapped[str]
    received_at: Mapped[datetime]
    received_by: Mapped[str]
    digest: Mapped[bytes]
    size: Mapped[int] = mapped_column(sa.BigInteger())
    state: Mapped[str]
    rows: Mapped[int | None] = mapped_column(sa.Integer())
    accepted: Mapped[int | None] = mapped_column(sa.Integer())
    refused: Mapped[list[Any]] = mapped_column(pg.JSONB(), server_default=_NOTHING)
    reason: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class Brake(Base):
    """Orders stand still, of a carrier (`scope`, its code) or of all, until a person releases it: `count`
    were due on `day`, above the `cap`, or somebody pulled it. A release lets `allowed` lines go on
    `released_day`.
    """

    __tablename__ = "brake"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(released_by, released_at, released_day, allowed) IN (0, 4)", name="released"
        ),
        sa.Index("brake_one_on_idx", "scope", unique=True, postgresql_where=sa.text("released_at IS NULL")),
        sa.Index(None, "released_day"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    scope: Mapped[str]
    pulled_by: Mapped[str]
    pulled_at: Mapped[datetime]
    reason: Mapped[str]
    day: Mapped[date]
    count: Mapped[int] = mapped_column(sa.Integer())
    cap: Mapped[int] = mapped_column(sa.Integer())
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]
    released_day: Mapped[date | None]
    allowed: Mapped[int | None] = mapped_column(sa.Integer())
