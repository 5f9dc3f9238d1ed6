"""The tables of messages: what is to be sent, in which parts, what became of it, and what came in.

A message's state follows from those of its parts (`outcomes.ROLL_UP`). A part says `due` until its outcome is
known, also while its message is `sending`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of
from simcheck.messages.words import Channel


class State(StrEnum):
    """How far a message or one of its parts is.

    `sent`: the other side has taken it. `unknown`: it may have gone, nobody told us. `expired`: its time was
    over. `cancelled`: it was called off before it left. The last four and `delivered` are ends; so are `sent`
    and `unknown` once nothing more is to be heard (`Message.settled_at`).
    """

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class PartState(StrEnum):
    """The states that a part is stored with."""

    DUE = "due"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class InboundState(StrEnum):
    """Whether somebody has looked at a message that came in."""

    NEW = "new"
    DONE = "done"


class Message(Base):
    """One message to one address. Address, subject and text are sealed, bound to the row; they go when their
    time is over.

    `due_at` is when it is worked on next; while it is `sending`, the end of its lease. `attempts` counts
    claims: an outcome belongs to one of them.
    """

    __tablename__ = "message"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("state", State),
        sa.CheckConstraint("parts > 0", name="parts"),
        sa.Index("message_due_idx", "channel", sa.text("urgent DESC"), "due_at",
                 postgresql_where=sa.text("state = 'due'")),
        sa.Index("message_moving_idx", "due_at",
                 postgresql_where=sa.text("state IN ('sending', 'unknown') AND settled_at IS NULL")),
        sa.Index("message_open_idx", "expires_at", postgresql_where=sa.text("settled_at IS NULL")),
        sa.Index("message_untold_idx", "settled_at",
                 postgresql_where=sa.text("settled_at IS NOT NULL AND NOT told_on")),
        sa.Index(None, "case_id", postgresql_where=sa.text("case_id IS NOT NULL")),
        sa.Index(None, "made_at", postgresql_using="brin"),
        {"postgresql_with": {"fillfactor": 70}},
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str | None]
    case_id: Mapped[uuid.UUID | None]
    msisdn_token: Mapped[bytes | None]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    channel: Mapped[str]
    language: Mapped[str]
    template: Mapped[str]
    urgent: Mapped[bool] = mapped_column(server_default=sa.false())
    state: Mapped[str]
    address: Mapped[bytes | None]
    address_token: Mapped[bytes]
    subject: Mapped[bytes | None]
    text: Mapped[bytes | None]
    html: Mapped[bytes | None]
    parts: Mapped[int] = mapped_column(sa.SmallInteger())
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    told_on: Mapped[bool] = mapped_column(server_default=sa.false())
    attempts: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    failure: Mapped[str | None]
    link: Mapped[str | None]


class MessagePart(Base):
    """What travels by itself: an SMS of at most 140 octets, or a whole email.

    `smsc_id` is the other side's name for it as it was given; `smsc_key` the form in which it is looked up
    (`receipts.key_of`). `refusals` counts how often it was refused for now, `resends` how often it was sent
    again after nobody had answered. `status` is the newest word of a receipt.
    """

    __tablename__ = "message_part"
    __table_args__ = (
        one_of("state", PartState),
        sa.Index("message_part_unknown_idx", "message_id", postgresql_where=sa.text("state = 'unknown'")),
        sa.Index(None, "smsc_key", postgresql_where=sa.text("smsc_key IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    message_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey(Message.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True)
    state: Mapped[str]
    link: Mapped[str | None]
    smsc_id: Mapped[str | None]
    smsc_key: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    refusals: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    resends: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    submitted_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    status: Mapped[str | None]
    failure: Mapped[str | None]
    done_at: Mapped[datetime | None]


class Receipt(Base):
    """What the other side told about a part, as it came. `message_id` and `number` are empty until it is
    known which part is meant; `reference` is our own number for it, where the other side gives it back.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        sa.Index("receipt_unmatched_idx", "smsc_key", postgresql_where=sa.text("message_id IS NULL")),
        sa.Index(None, "at", postgresql_using="brin"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    link: Mapped[str]
    smsc_id: Mapped[str]
    smsc_key: Mapped[str]
    state: Mapped[str]
    failure: Mapped[str | None]
    address_token: Mapped[bytes | None]
    reference: Mapped[int | None] = mapped_column(sa.Integer())
    at: Mapped[datetime]
    message_id: Mapped[uuid.UUID | None]
    number: Mapped[int | None] = mapped_column(sa.SmallInteger())


class Inbound(Base):
    """A message that a person sent to us. Sender and text are sealed, bound to the row.

    `digest` is a keyed digest of sender and text: one that the other side sends again because it did not hear
    our acknowledgement (`acknowledged`) is known by it.
    """

    __tablename__ = "inbound"
    __table_args__ = (
        one_of("state", InboundState),
        sa.Index("inbound_new_idx", "received_at", postgresql_where=sa.text("state = 'new'")),
        sa.Index("inbound_unacknowledged_idx", "digest", postgresql_where=sa.text("NOT acknowledged")),
        sa.Index(None, "received_at", postgresql_using="brin"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    link: Mapped[str]
    sender: Mapped[bytes]
    sender_token: Mapped[bytes]
    recipient: Mapped[str]
    text: Mapped[bytes]
    digest: Mapped[bytes]
    received_at: Mapped[datetime]
    acknowledged: Mapped[bool] = mapped_column(server_default=sa.false())
    state: Mapped[str]


class InboundPart(Base):
    """A part of a longer message that came in. The text is sealed, bound to sender, reference and number.
    `link` is the SMS centre: its links share what comes.

    `inbound_id` is the whole that it was joined into; it is kept a while after that, so that it is known when
    it comes again.
    """

    __tablename__ = "inbound_part"

    link: Mapped[str] = mapped_column(primary_key=True)
    sender_token: Mapped[bytes] = mapped_column(primary_key=True)
    reference: Mapped[int] = mapped_column(sa.Integer(), primary_key=True)
    total: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True)
    number: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True)
    recipient: Mapped[str]
    sender: Mapped[bytes]
    text: Mapped[bytes]
    digest: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(index=True)
    inbound_id: Mapped[uuid.UUID | None]


class LinkBeat(Base):
    """A sender process's newest sign of life for one of its links.

    `rate` is what the link may send now, `set_rate` what it is set up for, `per_second` what it took between
    the last two signs, all in parts a second. `failures` is a running share, `latency` a running mean in
    seconds. `taken`, `failed` and `throttled` are counted since the process began. `resting`: it failed so
    often that it is left alone for a while.
    """

    __tablename__ = "link_beat"
    __table_args__ = (
        one_of("channel", Channel),
        {"prefixes": ["UNLOGGED"], "postgresql_with": {"fillfactor": 50}},
    )

    process: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    link: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    up: Mapped[bool]
    resting: Mapped[bool]
    rate: Mapped[float] = mapped_column(sa.Double())
    set_rate: Mapped[float] = mapped_column(sa.Double())
    failures: Mapped[float] = mapped_column(sa.Double())
    latency: Mapped[float] = mapped_column(sa.Double())
    in_hand: Mapped[int] = mapped_column(sa.Integer())
    taken: Mapped[int] = mapped_column(sa.BigInteger())
    failed: Mapped[int] = mapped_column(sa.BigInteger())
    throttled: Mapped[int] = mapped_column(sa.BigInteger())
    per_second: Mapped[float] = mapped_column(sa.Double())
    at: Mapped[datetime]
