"""One delivery: taken under a lease, sent with no transaction open, its outcome noted.

A message that the receiver may have had is sent again with the same id: it is told at least once.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.privacy import Keyring
from simcheck.tls import trusted
from simcheck.webhooks import signing
from simcheck.webhooks.address import AddressRefusedError, resolve
from simcheck.webhooks.addresses import bound_to
from simcheck.webhooks.models import DeliveryState, Webhook, WebhookDelivery

SECONDS = 10.0  # for the whole of one try
LEASE = timedelta(seconds=60)
# After try n: 10 s, 1 min, 5 min, 30 min, 2 h, 6 h, 12 h, each with up to a half more; then it is given up.
PAUSES = tuple(timedelta(seconds=each) for each in (10, 60, 300, 1800, 7200, 21_600, 43_200))
ATTEMPTS = len(PAUSES) + 1
KEPT = timedelta(days=30)  # what was delivered or given up

DUE = sa.text(
    "SELECT id FROM webhook_delivery WHERE state = 'due' AND due_at <= :at ORDER BY due_at LIMIT 1000"
).bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
FORGET = sa.text("DELETE FROM webhook_delivery WHERE state <> 'due' AND made_at < :before").bindparams(
    sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True))
)


@dataclass(frozen=True)
class Message:
    """What is sent, and where."""

    delivery: uuid.UUID
    attempt: int
    url: str
    body: bytes
    headers: dict[str, str]


async def take(session: AsyncSession, keyring: Keyring, delivery_id: uuid.UUID) -> Message | None:
    """Take a delivery that is due, so that nobody else sends it for a minute; None when it is not due."""
    at = clock.now()
    query = (
        sa.select(WebhookDelivery, Webhook)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state == DeliveryState.DUE)
        .where(WebhookDelivery.due_at <= at)
        .with_for_update(of=WebhookDelivery, skip_locked=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    delivery, webhook = found
    delivery.attempts += 1
    delivery.due_at = at + LEASE
    said = {
        "type": delivery.event, "timestamp": delivery.made_at.isoformat(), "data": delivery.payload,
    }  # fmt: skip
    body = json.dumps(said, separators=(",", ":")).encode()
    secret = keyring.open(webhook.secret, bound_to(webhook.id)).decode()
    signed = signing.headers(secret, str(delivery.id), at, body)
    return Message(delivery.id, delivery.attempts, webhook.url, body, signed)


async def send(message: Message, *, private: bool, trust: ssl.SSLContext | None = None) -> int | None:
    """Send a message: the status of the answer; None where there was none.

    Nothing of the answer but its status is read, and no redirect is followed. `trust` names who vouches for
    the receiver (by itself: `tls.trusted`).
    """
    try:
        async with asyncio.timeout(SECONDS):
            return await _sent(message, private=private, trust=trust or trusted())
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, AddressRefusedError):
        return None


async def _sent(message: Message, *, private: bool, trust: ssl.SSLContext) -> int:
    place = await resolve(message.url, private=private)
    parts = urlsplit(message.url)
    address = f"[{place.address}]" if ":" in place.address else place.address
    target = urlunsplit((parts.scheme, f"{address}:{place.port}", parts.path or "/", parts.query, ""))
    headers = {
        **message.headers, "Host": parts.netloc, "Content-Type": "application/json",
        "User-Agent": "simcheck-webhooks",
    }  # fmt: skip
    async with (
        httpx.AsyncClient(follow_redirects=False, trust_env=False, verify=trust, timeout=SECONDS) as client,
        client.stream(
            "POST", target, content=message.body, headers=headers, extensions={"sni_hostname": place.host}
        ) as answer,
    ):
        return answer.status_code


async def note(session: AsyncSession, message: Message, status: int | None) -> datetime | None:
    """Note the outcome of a try; when to try again, None where it is not.

    2xx is delivered; 410 (gone) is given up at once; all else is tried again, up to `ATTEMPTS` times.
    """
    delivery = await session.get(WebhookDelivery, message.delivery, with_for_update=True)
    if delivery is None or delivery.attempts != message.attempt or delivery.state != DeliveryState.DUE:
        return None  # the address was removed, or the lease ran out and somebody else has it
    at = clock.now()
    delivery.last_status = status
    if status is not None and 200 <= status < 300:
        delivery.state, delivery.delivered_at = DeliveryState.DELIVERED, at
        return None
    if status == 410 or delivery.attempts >= ATTEMPTS:
        delivery.state = DeliveryState.GIVEN_UP
        return None
    pause = PAUSES[delivery.attempts - 1]
    delivery.due_at = at + pause + pause * (secrets.randbelow(1000) / 2000)
    return delivery.due_at
