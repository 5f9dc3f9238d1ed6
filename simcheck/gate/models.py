"""The tables of questions asked and of SIM events told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of


class SimEventKind(StrEnum):
    """What was changed, or answers a change."""

    SIM_CHANGED = "sim_changed"
    DEVICE_CHANGED = "device_changed"
    FACE_VERIFIED = "face_verified"  # the holder's face was checked again, as a new handset asks for


class OtpQuestion(Base):
    """An OTP question and its answer; with empty tokens where there was nothing to look up. `chained` is the
    id of the first question of the batch with which it was linked into the audit chain, null until then.
    """

    __tablename__ = "otp_question"
    __table_args__ = (
        sa.Index("otp_question_unchained_idx", "id", postgresql_where=sa.text("chained IS NULL")),
        sa.Index(None, "chained"),
        sa.Index(None, "at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    client: Mapped[str]
    msisdn_token: Mapped[bytes]
    id_token: Mapped[bytes]
    eligible: Mapped[bool]
    reasons: Mapped[int] = mapped_column(sa.BigInteger())
    chained: Mapped[int | None] = mapped_column(sa.BigInteger())


class SimEvent(Base):
    """A SIM or handset that was changed, told by the carrier. `event_token` is the token of its id there;
    what came before events had ids has none.
    """

    __tablename__ = "sim_event"
    __table_args__ = (
        one_of("kind", SimEventKind),
        sa.UniqueConstraint("carrier", "event_token"),
        sa.Index(None, "received_at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code))
    client: Mapped[str]
    msisdn_token: Mapped[bytes] = mapped_column(index=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    event_token: Mapped[bytes | None]
