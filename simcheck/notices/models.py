"""The tables of notices: how far each case's are, campaigns, and how many an address had on a day."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.db.base import Base, one_of


class TrackState(StrEnum):
    """How far the notices of a case are."""

    WAITING = "waiting"  # for a campaign
    ACTIVE = "active"
    UNREACHABLE = "unreachable"  # no address; looked at again
    PAUSED = "paused"  # somebody else's turn
    DONE = "done"  # all were sent, and the case is still open
    ENDED = "ended"  # the case is closed


class CampaignState(StrEnum):
    """How far a campaign is. It is done when everybody in it had a first notice, or need not."""

    DRAFT = "draft"
    RELEASED = "released"
    DONE = "done"
    CANCELLED = "cancelled"


class Campaign(Base):
    """Notices that somebody lets go: of a carrier, of a group, or of all. Counted before, in a draft.

    `sms`, `emails`, `parts` and `cost_vnd` are those of the first notices, `whole_cost_vnd` what it costs if
    nobody answers.
    """

    __tablename__ = "campaign"
    __table_args__ = (one_of("state", CampaignState),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str | None]
    reason_group: Mapped[str | None]
    template: Mapped[str]
    state: Mapped[str]
    tracks: Mapped[int] = mapped_column(sa.BigInteger())
    unreachable: Mapped[int] = mapped_column(sa.BigInteger())
    sms: Mapped[int] = mapped_column(sa.BigInteger())
    emails: Mapped[int] = mapped_column(sa.BigInteger())
    parts: Mapped[int] = mapped_column(sa.BigInteger())
    cost_vnd: Mapped[int] = mapped_column(sa.BigInteger())
    whole_cost_vnd: Mapped[int] = mapped_column(sa.BigInteger())
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class NoticeTrack(Base):
    """How far the notices of a case are. A case that comes back begins a new `round`.

    `count` notices were sent in this round, the first at `first_at`, the newest at `last_at`; the next is due
    at `next_at`.
    """

    __tablename__ = "notice_track"
    __table_args__ = (
        one_of("state", TrackState),
        sa.Index(None, "next_at", postgresql_where=sa.text("state IN ('active', 'unreachable')")),
        sa.Index(None, "carrier", "reason_group", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index(None, "campaign_id", postgresql_where=sa.text("campaign_id IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    carrier: Mapped[str]
    msisdn_token: Mapped[bytes]
    reason_group: Mapped[str]
    state: Mapped[str]
    campaign_id: Mapped[uuid.UUID | None]
    round: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("1"))
    count: Mapped[int] = mapped_column(sa.SmallInteger(), server_default=sa.text("0"))
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]


class NoticeDay(Base):
    """How many notices an address had on a local day."""

    __tablename__ = "notice_day"
    __table_args__ = ({"postgresql_with": {"fillfactor": 85}},)

    day: Mapped[date] = mapped_column(primary_key=True)
    address_token: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(sa.SmallInteger())
