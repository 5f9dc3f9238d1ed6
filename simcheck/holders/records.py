"""The subscription that a holder speaks of, and its declared record."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.crosscheck.models import Subscription
from simcheck.errors import NotFoundError
from simcheck.gate.declared import declared_record
from simcheck.service import Service


async def find(session: AsyncSession, carrier: str, msisdn_token: bytes) -> Subscription:
    """The subscription as it stands now. Raises `NotFoundError` where the carrier declares it no more."""
    found = await session.get(Subscription, (msisdn_token, carrier), populate_existing=True)
    if found is None:
        raise NotFoundError("This number is not declared any more. There is nothing to put right.")
    return found


async def declared(service: Service, of: Subscription) -> dict[str, str | None]:
    """Its cells as the carrier wrote them (`records.DECLARED_COLUMNS`). Raises `SealError`."""
    return await asyncio.to_thread(
        declared_record, service, of.carrier, of.batch_id, of.bucket, of.row
    )  # fmt: skip
