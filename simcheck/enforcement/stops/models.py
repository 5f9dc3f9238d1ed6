"""The tables of what stands in the way of orders: bars (legal holds, protected lines) and appeals."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of

_STANDS = sa.text("lifted_at IS NULL")


class BarKind(StrEnum):
    """Why nothing may be ordered: a court or an inquiry says so (of a number or a person); an emergency
    service's line; a line that lives or supply hang on (hospitals, power, water).
    """

    LEGAL_HOLD = "legal_hold"
    EMERGENCY = "emergency"
    VITAL = "vital"


class AppealState(StrEnum):
    """How far an appeal is."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class AppealMeans(StrEnum):
    """By which door an appeal came: the holder's page, a carrier's system or portal, a desk."""

    PAGE = "page"
    API = "api"
    PORTAL = "portal"
    DESK = "desk"


class OrderBar(Base):
    """No order may be made about a number (`msisdn_token`), or about any number of a person (`id_token`).

    `basis` names the decision or list by its reference, and nobody. It holds from `starts_at` to `ends_at`
    (null: until it is lifted); see `standing.STANDS` for one that nobody has confirmed yet. Whoever confirms
    is not who asked, and so it is with lifting one that was confirmed. Names are actors.
    """

    __tablename__ = "order_bar"
    __table_args__ = (
        one_of("kind", BarKind),
        sa.CheckConstraint("num_nonnulls(msisdn_token, id_token) = 1", name="of"),
        sa.CheckConstraint("kind = 'legal_hold' OR id_token IS NULL", name="line"),
        sa.CheckConstraint("ends_at > starts_at", name="span"),
        sa.CheckConstraint("num_nonnulls(confirmed_by, confirmed_at) IN (0, 2)", name="confirmed"),
        sa.CheckConstraint("confirmed_by <> asked_by", name="four_eyes"),
        sa.CheckConstraint("num_nonnulls(lift_asked_by, lift_asked_at) IN (0, 2)", name="lift_asked"),
        sa.CheckConstraint("num_nonnulls(lifted_by, lifted_at) IN (0, 2)", name="lifted"),
        sa.CheckConstraint(
            "lifted_at IS NULL OR confirmed_at IS NULL"
            " OR lift_asked_by IS NOT NULL AND lifted_by <> lift_asked_by",
            name="lifted_by_two",
        ),
        sa.Index(
            "order_bar_one_idx", "kind", "msisdn_token", "id_token", unique=True, postgresql_where=_STANDS,
            postgresql_nulls_not_distinct=True,
        ),
        sa.Index(None, "msisdn_token", postgresql_where=_STANDS),
        sa.Index(None, "id_token", postgresql_where=_STANDS),
        sa.Index(None, "asked_at"),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str]
    msisdn_token: Mapped[bytes | None]
    id_token: Mapped[bytes | None]
    basis: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    lift_asked_by: Mapped[str | None]
    lift_asked_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]


class Appeal(Base):
    """An objection to what was ordered about a subscription, or is about to be. `number` is what people call
    it by; `step` is how far its clock was.

    `telephone` (the national number, by which the answer goes) and `words` are sealed until they are
    forgotten. It is to be answered by `answer_by`; `escalated_at` says that it was not. `reason` is a word of
    ours. Names are actors.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        one_of("state", AppealState),
        one_of("means", AppealMeans),
        sa.CheckConstraint(
            "num_nonnulls(settled_by, settled_at) = CASE state WHEN 'open' THEN 0 ELSE 2 END", name="settled"
        ),
        sa.CheckConstraint("(state = 'rejected') = (reason IS NOT NULL)", name="reason"),
        sa.CheckConstraint("settled_by <> made_by", name="four_eyes"),
        sa.Index(
            "appeal_one_open_idx", "msisdn_token", "carrier", unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(None, "msisdn_token", "carrier"),
        sa.Index("appeal_due_idx", "answer_by", "number", postgresql_where=sa.text("state = 'open'")),
        sa.Index(None, "settled_at", postgresql_where=sa.text("settled_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), unique=True)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    msisdn_token: Mapped[bytes]
    case_id: Mapped[uuid.UUID | None]
    state: Mapped[str]
    means: Mapped[str]
    language: Mapped[str]
    step: Mapped[int] = mapped_column(sa.SmallInteger())
    telephone: Mapped[bytes | None]
    words: Mapped[bytes | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    escalated_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    reason: Mapped[str | None]
