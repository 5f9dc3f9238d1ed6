"""What a carrier asks about its batches. The session shows it its own alone: the rest is not found."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.errors import NotFoundError
from simcheck.lake.encryption import MANIFEST, Dataset
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from simcheck.uploads.load import dataset_of
from simcheck.uploads.models import Batch, BatchState
from simcheck.uploads.receive import place_of_name

ENDED = frozenset({BatchState.DONE, BatchState.REFUSED})  # nothing more becomes of these


async def one(session: AsyncSession, batch: uuid.UUID) -> Batch:
    """A batch. Raises NotFoundError."""
    found = await session.get(Batch, batch)
    if found is None:
        raise NotFoundError("There is no such batch.")
    return found


async def newest(
    session: AsyncSession, count: int, before: datetime | None = None, state: BatchState | None = None
) -> list[Batch]:
    """The newest batches first, at most `count`, received before a moment, in a state."""
    wanted = sa.select(Batch).order_by(Batch.received_at.desc(), Batch.id).limit(count)
    if before is not None:
        wanted = wanted.where(Batch.received_at < before)
    if state is not None:
        wanted = wanted.where(Batch.state == state)
    return list(await session.scalars(wanted))


def name_of(batch: Batch, keyring: Keyring) -> str | None:
    """What its sender called the file."""
    if batch.file_name is None:
        return None
    return keyring.open(batch.file_name, place_of_name(batch.id)).decode()


def remarks(batch: Batch, store: Store, keyring: Keyring) -> tuple[list[str], list[str]]:
    """Headers that were ignored, and warnings: known once the batch was read, until its dataset is purged.

    Raises SealError.
    """
    name = dataset_of(batch.carrier, batch.id)
    if batch.state not in {BatchState.CHECKING, BatchState.DONE} or not store.has(f"{name}/{MANIFEST}"):
        return [], []
    manifest = Dataset.open(store, keyring, name).manifest
    return manifest["ignored"], manifest["warnings"]
