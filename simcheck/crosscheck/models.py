"""The tables of runs, and the one row that each subscription has after them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of
from simcheck.register.models import RegisterSnapshot
from simcheck.uploads.models import NOTHING, Batch

_LIVE = sa.text("state IN ('due', 'checking', 'publishing')")


class RunKind(StrEnum):
    """Why a run is made: a batch came in, or a new snapshot of the register."""

    BATCH = "batch"
    REGISTER = "register"


class RunState(StrEnum):
    """How far a run is."""

    DUE = "due"
    CHECKING = "checking"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"


class BucketState(StrEnum):
    """How far a run's bucket is."""

    DUE = "due"
    DONE = "done"


class Run(Base):
    """A cross-check of a carrier's batch: when it came in, or again after a new register snapshot."""

    __tablename__ = "run"
    __table_args__ = (
        one_of("kind", RunKind),
        one_of("state", RunState),
        sa.Index(None, "batch_id", "register_id", unique=True, postgresql_where=_LIVE),
        sa.Index(None, "changed_at", postgresql_where=_LIVE),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str]
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code), index=True)
    batch_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Batch.id))
    register_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(RegisterSnapshot.id))
    state: Mapped[str]
    buckets: Mapped[int] = mapped_column(sa.Integer())
    rows: Mapped[int | None] = mapped_column(sa.BigInteger())
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)
    rules: Mapped[str | None]
    failure: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))  # to publish it
    due_at: Mapped[datetime | None]  # after a failure, not before
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class RunBucket(Base):
    """One bucket of a run, taken by a worker under a lease."""

    __tablename__ = "run_bucket"
    __table_args__ = (
        one_of("state", BucketState),
        sa.Index(None, "lease_until", postgresql_where=sa.text("state = 'due'")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    run_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Run.id, ondelete="CASCADE"), primary_key=True)
    bucket: Mapped[int] = mapped_column(sa.Integer(), primary_key=True, autoincrement=False)
    carrier: Mapped[str | None]
    state: Mapped[str]
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    rows: Mapped[int | None] = mapped_column(sa.BigInteger())
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)
    done_at: Mapped[datetime | None]


class Subscription(Base):
    """One slim row a SIM and carrier. `verdict` is the place in `rules.VERDICTS`, `reasons` a mask,
    `batch_id`, `bucket` and `row` say where its declared cells are in the lake; `facts` is the digest of what
    a decision about it rests on, `run_id` the run that wrote it last, which may be another carrier's.
    `contested`: its person has disowned it, or two people claim it. `province` is the code of one of today's
    provinces (`normalise.provinces`), `point_of_sale` the carrier's word for where it was sold. Since
    `named_since` the record names the person that it names now: what was before may be another person's.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        sa.Index(
            None, "contract_token", postgresql_using="hash",
            postgresql_where=sa.text("contract_token IS NOT NULL"),
        ),
        sa.Index(
            None, "id_token", postgresql_using="hash", postgresql_where=sa.text("id_token IS NOT NULL")
        ),
        sa.Index(
            "subscription_sale_idx", "point_of_sale", "carrier",
            postgresql_where=sa.text("point_of_sale IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 85}},
    )  # fmt: skip

    msisdn_token: Mapped[bytes] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(primary_key=True)
    id_token: Mapped[bytes | None]
    contract_token: Mapped[bytes | None]
    verdict: Mapped[int] = mapped_column(sa.SmallInteger())
    reasons: Mapped[int] = mapped_column(sa.BigInteger())
    name_score: Mapped[float | None] = mapped_column(sa.REAL())
    status: Mapped[str | None]
    under_order: Mapped[bool] = mapped_column(server_default=sa.false())
    contested: Mapped[bool] = mapped_column(server_default=sa.false())
    claimants: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("1"))
    activated_on: Mapped[date | None]
    sim_changed_at: Mapped[datetime | None]
    device_changed_at: Mapped[datetime | None]
    bucket: Mapped[int] = mapped_column(sa.Integer())
    facts: Mapped[bytes]
    cells: Mapped[int] = mapped_column(sa.BigInteger())
    row: Mapped[int] = mapped_column(sa.BigInteger())
    batch_id: Mapped[uuid.UUID]
    run_id: Mapped[uuid.UUID]
    changed_at: Mapped[datetime]
    province: Mapped[str | None]
    point_of_sale: Mapped[str | None]
    named_since: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class SubscriptionEnd(Base):
    """A number that its carrier declares no more, or declares as over, and since when; `forgotten_at`: what
    hung on it was removed when its time was over.
    """

    __tablename__ = "subscription_end"
    __table_args__ = (sa.Index(None, "ended_at", postgresql_where=sa.text("forgotten_at IS NULL")),)

    carrier: Mapped[str] = mapped_column(primary_key=True)
    msisdn_token: Mapped[bytes] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]
    forgotten_at: Mapped[datetime | None]
