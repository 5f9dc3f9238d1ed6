"""The tables of webhooks: where to tell, and what is on its way."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from simcheck.access.models import Carrier
from simcheck.db.base import Base, one_of


class DeliveryState(StrEnum):
    """How far a webhook's delivery is."""

    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Webhook(Base):
    """Where a carrier wants to be told of events. The secret that signs them is sealed, bound to the row."""

    __tablename__ = "webhook"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str] = mapped_column(sa.ForeignKey(Carrier.code), index=True)
    client: Mapped[str]
    url: Mapped[str]
    secret: Mapped[bytes]
    events: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(server_default=sa.true())
    added_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One event on its way to one address. The payload holds ids, no personal data."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        sa.Index(None, "webhook_id", "event", "subject", unique=True),  # told once, however often noticed
        sa.Index(None, "due_at", postgresql_where=sa.text("state = 'due'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    carrier: Mapped[str]
    webhook_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Webhook.id, ondelete="CASCADE"))
    event: Mapped[str]
    subject: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(sa.Integer(), server_default=sa.text("0"))
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    last_status: Mapped[int | None] = mapped_column(sa.Integer())
    delivered_at: Mapped[datetime | None]
