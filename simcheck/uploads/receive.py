"""A file that arrived whole becomes a batch. The same file twice is one batch, and so is the same key."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import ConflictError, InvalidError
from simcheck.privacy import Keyring
from simcheck.queue import enqueue
from simcheck.uploads.models import Batch, BatchKind, BatchState

MOST_NAME = 255  # characters of a file's name
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True)
class Arrived:
    """A whole file that stands sealed in the vault, in the folder `path`."""

    id: uuid.UUID
    carrier: str
    client: str
    kind: BatchKind
    digest: bytes
    size: int
    path: str
    file_name: str | None = None
    idempotency_key: str | None = None


def idempotency_key(shown: str | None) -> str | None:
    """The key in a header's value, with or without its quotes. Raises InvalidError."""
    if shown is None:
        return None
    key = shown[1:-1] if len(shown) > 1 and shown[0] == shown[-1] == '"' else shown
    if not _KEY.fullmatch(key):
        raise InvalidError("Idempotency-Key: 1 to 200 printable ASCII characters without spaces.")
    return key


def place_of_name(batch: uuid.UUID) -> str:
    """What the sealed name of a batch's file is bound to."""
    return f"batch/{batch}/file_name"


async def receive(session: AsyncSession, keyring: Keyring, arrived: Arrived) -> tuple[Batch, bool]:
    """The batch of a file, and whether it is new; if not, the file in `arrived.path` is not needed.

    Raises ConflictError when the key was used for another file, or the file was sent as another kind.
    """
    now = clock.now()
    name = arrived.file_name
    row = {
        "id": arrived.id, "carrier": arrived.carrier, "client": arrived.client, "kind": arrived.kind,
        "state": BatchState.RECEIVED, "digest": arrived.digest, "size": arrived.size, "path": arrived.path,
        "file_name": keyring.seal(name[:MOST_NAME].encode(), place_of_name(arrived.id)) if name else None,
        "idempotency_key": arrived.idempotency_key, "received_at": now, "changed_at": now,
    }  # fmt: skip
    inserting = pg.insert(Batch).values(row).on_conflict_do_nothing().returning(Batch)
    made = await session.scalar(inserting)
    if made is None:
        return await _earlier(session, arrived), False
    audit.record(
        session, "batch.received", f"batch/{made.id}",
        {"digest": made.digest.hex(), "bytes": made.size, "kind": made.kind},
    )  # fmt: skip
    await wake(session, arrived.carrier)
    return made, True


async def wake(session: AsyncSession, carrier: str) -> None:
    """Have the carrier's next batch read."""
    await enqueue(session, "uploads.load", queueing_lock=f"uploads.load/{carrier}", carrier=carrier)


async def _earlier(session: AsyncSession, arrived: Arrived) -> Batch:
    """The batch that came before with this key or this content."""
    mine = Batch.carrier == arrived.carrier
    if arrived.idempotency_key is not None:
        same_key = sa.select(Batch).where(mine, Batch.idempotency_key == arrived.idempotency_key)
        found = await session.scalar(same_key)
        if found is not None:
            if (found.digest, found.kind) != (arrived.digest, arrived.kind):
                raise ConflictError("This Idempotency-Key was used for another file. Use a new one.")
            return found
    same_file = sa.select(Batch).where(
        mine, Batch.digest == arrived.digest, Batch.state != BatchState.REFUSED
    )
    found = await session.scalar(same_file)
    if found is None:  # it was refused at this moment
        raise ConflictError("The same file was being refused. Send it again.")
    if found.kind != arrived.kind:
        raise ConflictError(f"This file was sent before as a {found.kind}.")
    return found
