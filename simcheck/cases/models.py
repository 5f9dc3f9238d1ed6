"""The tables of cases and their history, of feedback, and of webhooks."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.crosscheck.models import Run
from simcheck.db.base import Base, one_of
from simcheck.uploads.models import NOTHING, Batch

_OPEN = sa.text("closed_at IS NULL")


class Acts(StrEnum):
    """Whose turn it is."""

    CARRIER = "carrier"
    HOLDER = "holder"
    STAFF = "staff"
    REGISTER_OWNER = "register_owner"


class DeliveryState(StrEnum):
    """How far a webhook's delivery is."""

    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Case(Base):
    """What has to be put right about one subscription. One is open at a time.

    `decided_facts` is the digest of what a human decision was made on: while it stays the same, runs
    respect the decision.
    """

    __tablename__ = "case"
    __table_args__ = (
        one_of("acts", Acts),
        sa.CheckConstraint("(closed_at IS NULL) = (close_reason IS NULL)", name="closed"),
        sa.CheckConstraint("num_nonnulls(decision, decided_by, decided_at) IN (0, 3)", name="decision"),
        sa.Index("case_one_open_idx", "msisdn_token", "carrier", unique=True, postgresql_where=_OPEN),
        sa.Index(None, "carrier", "state"),
        sa.Index(
            None, "carrier", "contract_token",
            postgresql_where=sa.text(f"contract_token IS NOT NULL AND {_OPEN.text}"),
        ),
        sa.Index(None, "opened_at", postgresql_where=_OPEN),
        sa.Index(None, "due_at", postgresql_where=_OPEN),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    code: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    msisdn_token: Mapped[bytes] = mapped_column(index=True)
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


class CaseEvent(Base):
    """One thing that happened to a case. `evidence` is sealed, bound to the case."""

    __tablename__ = "case_event"

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Case.id), index=True)
    carrier: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    move: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)
    evidence: Mapped[bytes | None]


class Feedback(Base):
    """A feedback file: of a batch, or (without one) standing for the whole carrier."""

    __tablename__ = "feedback"
    __table_args__ = (
        sa.CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
        sa.Index(None, "carrier", "made_at"),
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


class Webhook(Base):
    """Where a carrier wants to be told of events. The secret that signs them is sealed, bound to the row."""

    __tablename__ = "webhook"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code), index=True)
    client: Mapped[str]
    url: Mapped[str]
    secret: Mapped[bytes]
    events: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(server_default=sa.true())
    added_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One event on its way to one address. The payload holds ids, no personal data."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        sa.Index(None, "due_at", postgresql_where=sa.text("state = 'due'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str]
    webhook_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Webhook.id, ondelete="CASCADE"), index=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    last_status: Mapped[int | None] = mapped_column(sa.Integer())
    delivered_at: Mapped[datetime | None]
