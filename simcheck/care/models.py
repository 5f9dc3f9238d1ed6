"""The tables of data protection: purges and their counts, orders to preserve, people's requests."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of
from simcheck.uploads.models import NOTHING


class RequestKind(StrEnum):
    """What a person asks for: a copy of their data, who looked at it, that it be put right, that it be
    erased, or that it be used no more (withdrawing, restricting, objecting).
    """

    COPY = "copy"
    LOOKED = "looked"
    CORRECT = "correct"
    ERASE = "erase"
    RESTRICT = "restrict"


class RequestState(StrEnum):
    """How far a request is."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"


class RequestMeans(StrEnum):
    """How it came: on the holders' pages, or written down by staff."""

    PAGE = "page"
    STAFF = "staff"


class RequestOutcome(StrEnum):
    """What became of it."""

    DONE = "done"
    IN_PART = "in_part"
    REFUSED = "refused"


class PurgeRun(Base):
    """One purge. `policy` is the version of the retention table that it went by; `whole`: nothing that was
    due is left but what is held.
    """

    __tablename__ = "purge_run"
    __table_args__ = (
        sa.CheckConstraint("(ended_at IS NULL) = (whole IS NULL)", name="ended"),
        sa.Index(None, "begun_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    begun_by: Mapped[str]
    policy: Mapped[str]
    whole: Mapped[bool | None]


class PurgeCount(Base):
    """What a purge found of a kind: `due` things older than `older_than` were there before; of them `held`
    may not go yet, `removed` are gone, `remaining` are still there. `detail`: rows by table, and why what is
    held is held.
    """

    __tablename__ = "purge_count"
    __table_args__ = (sa.CheckConstraint("due = held + removed + remaining", name="sum"),)

    run_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(PurgeRun.id), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    older_than: Mapped[datetime]
    due: Mapped[int] = mapped_column(sa.BigInteger())
    held: Mapped[int] = mapped_column(sa.BigInteger())
    removed: Mapped[int] = mapped_column(sa.BigInteger())
    remaining: Mapped[int] = mapped_column(sa.BigInteger())
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)


class Preservation(Base):
    """An authority's order that nothing of a number (`msisdn_token`) or person (`id_token`) is removed.
    `basis` names the order by its reference, and nobody.
    """

    __tablename__ = "preservation"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(msisdn_token, id_token) = 1", name="of"),
        sa.CheckConstraint("num_nonnulls(lifted_by, lifted_at) IN (0, 2)", name="lifted"),
        sa.Index(None, "msisdn_token", postgresql_where=sa.text("lifted_at IS NULL")),
        sa.Index(None, "id_token", postgresql_where=sa.text("lifted_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    msisdn_token: Mapped[bytes | None]
    id_token: Mapped[bytes | None]
    basis: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]


class PreservedRecord(Base):
    """A subscription's row (`record`) as it was until `kept_at`, when its carrier changed it or declared it
    no more while an order preserved it. `batch_id`, `bucket` and `row` say where its declared cells are in
    the lake, until they are copied to `cells`, sealed.
    """

    __tablename__ = "preserved_record"
    __table_args__ = (
        sa.Index(None, "preservation_id"),
        sa.Index(None, "msisdn_token"),
        sa.Index("preserved_record_waiting_idx", "id", postgresql_where=sa.text("cells IS NULL")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    preservation_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Preservation.id))
    carrier: Mapped[str]
    msisdn_token: Mapped[bytes]
    kept_at: Mapped[datetime]
    record: Mapped[dict[str, Any]]
    batch_id: Mapped[uuid.UUID]
    bucket: Mapped[int] = mapped_column(sa.Integer())
    row: Mapped[int] = mapped_column(sa.BigInteger())
    cells: Mapped[bytes | None]


class PersonRequest(Base):
    """A request of a person about their own data: of whoever proved to hold a number (`msisdn_token`), or to
    be a person (`id_token`).

    `telephone` (the national number to which the answer is announced), `words` (what was written) and
    `answer` are sealed; `form` makes one request of one form. `late`: one of its clocks ran out.
    """

    __tablename__ = "person_request"
    __table_args__ = (
        one_of("kind", RequestKind),
        one_of("state", RequestState),
        one_of("means", RequestMeans),
        one_of("outcome", RequestOutcome),
        sa.CheckConstraint("num_nonnulls(msisdn_token, id_token) = 1", name="of"),
        sa.CheckConstraint(
            "(state = 'received') = (acknowledged_at IS NULL AND answered_at IS NULL)", name="acknowledged"
        ),
        sa.CheckConstraint(
            "num_nonnulls(answered_at, answered_by, outcome)"
            " = CASE WHEN state = 'answered' THEN 3 ELSE 0 END",
            name="answered",
        ),
        sa.CheckConstraint("num_nonnulls(extended_at, extended_why) IN (0, 2)", name="extended"),
        sa.Index(None, "msisdn_token", postgresql_where=sa.text("msisdn_token IS NOT NULL")),
        sa.Index(None, "id_token", postgresql_where=sa.text("id_token IS NOT NULL")),
        sa.Index(
            "person_request_open_idx", "answer_by", "number", postgresql_where=sa.text("answered_at IS NULL")
        ),
        sa.Index(None, "answered_at", postgresql_where=sa.text("answered_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), unique=True)
    kind: Mapped[str]
    state: Mapped[str]
    means: Mapped[str]
    language: Mapped[str]
    carrier: Mapped[str | None] = mapped_column(sa.ForeignKey(Carrier.code))
    msisdn_token: Mapped[bytes | None]
    id_token: Mapped[bytes | None]
    telephone: Mapped[bytes | None]
    words: Mapped[bytes | None]
    form: Mapped[uuid.UUID] = mapped_column(unique=True)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    acknowledge_by: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    answer_by: Mapped[datetime]
    extended_at: Mapped[datetime | None]
    extended_why: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    outcome: Mapped[str | None]
    answer: Mapped[bytes | None]
    late: Mapped[bool] = mapped_column(server_default=sa.false())


class RequestFile(Base):
    """A file of an answer: `name` is `copy.html`, `copy.json`; `content` is sealed, bound to the request."""

    __tablename__ = "request_file"

    request_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey(PersonRequest.id, ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(index=True)
