"""The tables that jobs fill, so that the country's figures are read in no time."""

from __future__ import annotations

import uuid
from datetime import date, datetime

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
