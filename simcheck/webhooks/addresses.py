"""The addresses of a carrier's systems: added, listed, removed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import ConflictError, NotFoundError
from simcheck.privacy import Keyring
from simcheck.webhooks import signing
from simcheck.webhooks.address import require_usable
from simcheck.webhooks.models import Webhook, WebhookDelivery

MOST = 20  # addresses of a carrier


async def add(
    session: AsyncSession, keyring: Keyring, carrier: str, client: str, url: str, events: Sequence[str],
    *, private: bool,
) -> tuple[Webhook, str]:  # fmt: skip
    """Have events told to a URL from now on: the address, and its secret, which is shown this once.

    Raises `InvalidError` for a URL that events do not go to, `ConflictError` for one too many.
    """
    require_usable(url, private=private)
    await session.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtext('webhooks/' || :c))"), {"c": carrier}
    )
    if await session.scalar(sa.select(sa.func.count()).where(Webhook.carrier == carrier)) >= MOST:  # type: ignore[operator]
        raise ConflictError(f"A carrier has at most {MOST} addresses. Remove one first.")
    made, secret = uuid.uuid4(), signing.new_secret()
    webhook = Webhook(
        id=made, carrier=carrier, client=client, url=url, events=sorted(set(events)), active=True,
        secret=keyring.seal(secret.encode(), bound_to(made)), added_at=clock.now(),
    )  # fmt: skip
    session.add(webhook)
    await session.flush()
    audit.record(session, "webhook.added", f"webhook/{made}", {"events": webhook.events})
    return webhook, secret


async def listed(session: AsyncSession, carrier: str) -> list[Webhook]:
    """A carrier's addresses, the oldest first."""
    query = sa.select(Webhook).where(Webhook.carrier == carrier).order_by(Webhook.added_at, Webhook.id)
    return list(await session.scalars(query))


async def find(session: AsyncSession, webhook_id: uuid.UUID) -> Webhook:
    """An address. Raises `NotFoundError`, also for another carrier's."""
    found = await session.get(Webhook, webhook_id)
    if found is None:
        raise NotFoundError("There is no such webhook.")
    return found


async def remove(session: AsyncSession, webhook_id: uuid.UUID) -> None:
    """Tell an address nothing more; what is on its way to it is dropped. Raises `NotFoundError`."""
    gone = await session.execute(sa.delete(Webhook).where(Webhook.id == webhook_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise NotFoundError("There is no such webhook.")
    audit.record(session, "webhook.removed", f"webhook/{webhook_id}")


async def deliveries(session: AsyncSession, webhook_id: uuid.UUID, limit: int) -> list[WebhookDelivery]:
    """What an address was told, or is to be told, the newest first. Raises `NotFoundError`."""
    await find(session, webhook_id)
    query = sa.select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    return list(await session.scalars(query.order_by(WebhookDelivery.made_at.desc()).limit(limit)))


def bound_to(webhook_id: uuid.UUID) -> str:
    """What the secret of an address is bound to."""
    return f"webhook/secret/{webhook_id}"
