"""The tables of questions and of what was written about them."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of


class Queue(StrEnum):
    """Who answers a question."""

    CARRIER = "carrier"
    STAFF = "staff"


class QuestionState(StrEnum):
    """How far a question is."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class Back(StrEnum):
    """The way by which the answer goes back."""

    SMS = "sms"
    EMAIL = "email"


class Question(Base):
    """A question. `number` is what people call it by. `carrier` is set exactly while a carrier is to answer;
    `about` is the carrier whose number it is about, whoever answers. `proved`: whoever asks showed that they
    hold the number. `address` is where the answer goes, sealed, until it is forgotten; `form` makes one
    question of one form.
    """

    __tablename__ = "question"
    __table_args__ = (
        one_of("queue", Queue),
        one_of("state", QuestionState),
        one_of("channel", Back),
        sa.CheckConstraint("(queue = 'carrier') = (carrier IS NOT NULL)", name="carrier"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        sa.Index(None, "carrier", "number"),
        sa.Index(None, "opened_at"),
        sa.Index("question_due_idx", "due_at", postgresql_where=sa.text("state = 'open'")),
        sa.Index("question_kept_idx", "closed_at", postgresql_where=sa.text("address IS NOT NULL")),
        sa.Index("question_idle_idx", "changed_at", postgresql_where=sa.text("state = 'answered'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), unique=True)
    carrier: Mapped[str | None] = mapped_column(sa.ForeignKey(Carrier.code))
    about: Mapped[str | None]
    queue: Mapped[str]
    state: Mapped[str]
    channel: Mapped[str]
    language: Mapped[str]
    case_id: Mapped[uuid.UUID | None]
    msisdn_token: Mapped[bytes | None] = mapped_column(index=True)
    proved: Mapped[bool]
    address: Mapped[bytes | None]
    form: Mapped[uuid.UUID] = mapped_column(unique=True)
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    overdue: Mapped[bool] = mapped_column(server_default=sa.false())


class QuestionMessage(Base):
    """One thing that was written: by the holder, or as an answer. `text` is sealed, bound to the question."""

    __tablename__ = "question_message"

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    question_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Question.id), index=True)
    carrier: Mapped[str | None]
    at: Mapped[datetime]
    actor: Mapped[str]
    is_answer: Mapped[bool]
    text: Mapped[bytes]
