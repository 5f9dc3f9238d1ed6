"""The tables of cases and their history."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of
from simcheck.uploads.models import NOTHING

_OPEN = sa.text("closed_at IS NULL")
_CLOSED = sa.text("closed_at IS NOT NULL")


class Acts(StrEnum):
    """Whose turn it is."""

    CARRIER = "carrier"
    HOLDER = "holder"
    STAFF = "staff"
    REGISTER_OWNER = "register_owner"


class Case(Base):
    """What has to be put right about one subscription. One is open at a time.

    `decided_facts` is the digest of what a human decision was made on: while it stays the same, runs
    respect the decision. `province` is the subscription's.
    """

    __tablename__ = "case"
    __table_args__ = (
        one_of("acts", Acts),
        sa.CheckConstraint("(closed_at IS NULL) = (close_reason IS NULL)", name="closed"),
        sa.CheckConstraint("num_nonnulls(decision, decided_by, decided_at) IN (0, 3)", name="decision"),
        sa.Index("case_one_open_idx", "msisdn_token", "carrier", unique=True, postgresql_where=_OPEN),
        sa.Index("case_closed_idx", "msisdn_token", "carrier", postgresql_where=_CLOSED),
        sa.Index(None, "carrier", "opened_at", "id"),
        sa.Index(None, "opened_at", postgresql_where=_OPEN),
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
