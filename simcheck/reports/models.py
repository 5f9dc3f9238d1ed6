"""The tables that jobs fill, so that the country's figures are read in no time."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base


class CountryDay(Base):
    """How many subscriptions a day's last count found. `province` "": of none that is known."""

    __tablename__ = "country_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(primary_key=True)
    province: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True, autoincrement=False)
    subscriptions: Mapped[int] = mapped_column(sa.BigInteger())


class CountryReasonDay(Base):
    """How many of them had a reason; one may have several."""

    __tablename__ = "country_reason_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(primary_key=True)
    province: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True, autoincrement=False)
    subscriptions: Mapped[int] = mapped_column(sa.BigInteger())


class Counted(Base):
    """When each count was made last, and the newest run that it has seen."""

    __tablename__ = "report_counted"

    what: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    counted_at: Mapped[datetime]
    run_at: Mapped[datetime | None]


class FlowDay(Base):
    """How many rows of a kind (`kinds.KINDS`, `kinds.BANDS`) a day has. `carrier` "": of no carrier."""

    __tablename__ = "flow_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(sa.BigInteger())


class PersonPattern(Base):
    """A person whose SIMs stand out: how many they are, at how many carriers and in how many
    provinces; and in how many provinces they were activated within the window of the thresholds that
    begins on `burst_on`.
    """

    __tablename__ = "person_pattern"
    __table_args__ = (
        sa.Index("person_pattern_subscriptions_idx", "subscriptions"),
        sa.Index("person_pattern_burst_idx", "burst_provinces"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=sa.text("gen_random_uuid()"))
    id_token: Mapped[bytes] = mapped_column(unique=True)
    subscriptions: Mapped[int] = mapped_column(sa.Integer())
    carriers: Mapped[int] = mapped_column(sa.Integer())
    provinces: Mapped[int] = mapped_column(sa.Integer())
    burst_provinces: Mapped[int] = mapped_column(sa.Integer())
    burst_on: Mapped[date | None]


class SalePattern(Base):
    """A point of sale that stands out: its subscriptions, those that are contested, and those that were sold
    to people who have many of this place.
    """

    __tablename__ = "sale_pattern"

    carrier: Mapped[str] = mapped_column(primary_key=True)
    point_of_sale: Mapped[str] = mapped_column(primary_key=True)
    subscriptions: Mapped[int] = mapped_column(sa.Integer())
    mismatches: Mapped[int] = mapped_column(sa.Integer())
    contested: Mapped[int] = mapped_column(sa.Integer())
    repeated: Mapped[int] = mapped_column(sa.Integer())


class InvariantCheck(Base):
    """What a check of an equality (`invariants.INVARIANTS`) found: both sums, and how many lines are off."""

    __tablename__ = "invariant_check"

    name: Mapped[str] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(primary_key=True)
    counted: Mapped[int] = mapped_column(sa.BigInteger())
    accounted: Mapped[int] = mapped_column(sa.BigInteger())
    off: Mapped[int] = mapped_column(sa.BigInteger())
    seconds: Mapped[float] = mapped_column(sa.Double())


class CaseLife(Base):
    """How many cases there are: every one, by its state or (closed) the reason, and by how long it has been
    open (`kinds.BANDS`) or took (`kinds.TOOK`).
    """

    __tablename__ = "case_life"

    carrier: Mapped[str] = mapped_column(primary_key=True)
    province: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    age: Mapped[str] = mapped_column(primary_key=True)
    cases: Mapped[int] = mapped_column(sa.BigInteger())


class DeliveryDay(Base):
    """How many notices were made on a day, by kind, channel and what became of them since."""

    __tablename__ = "delivery_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    notices: Mapped[int] = mapped_column(sa.BigInteger())


class OpenData(Base):
    """What the public was given on a day, of the figures counted on `counted_on`: it stays as it was given.

    `content` is what `open_data.Given` says; groups of fewer than `least` are hidden in it.
    """

    __tablename__ = "open_data"

    day: Mapped[date] = mapped_column(primary_key=True)
    counted_on: Mapped[date]
    made_at: Mapped[datetime]
    least: Mapped[int] = mapped_column(sa.Integer())
    content: Mapped[dict[str, Any]]
