"""The drop folder: files are taken from it, become batches like any other, and go to `done` or `refused`."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid

from sqlalchemy.dialects import postgresql as pg

from carriers.registry import codes
from jobs.schedule import sweep
from simcheck import clock, log
from simcheck.access.models import Carrier
from simcheck.errors import ConflictError, NotFoundError
from simcheck.lake.sealed_file import sealing
from simcheck.service import Service
from simcheck.uploads import drop, find, vault
from simcheck.uploads.drop import DONE, REFUSED, Dropped
from simcheck.uploads.models import BatchState
from simcheck.uploads.receive import Arrived, receive

ACTOR = "job:drop.sweep"
CLIENT = "drop"  # who sent a batch that came by the folder


@sweep("drop.sweep", "* * * * * */10")
async def find_dropped(service: Service) -> None:
    """Take what was dropped, and put away what is at its end. Done twice, or killed, it ends the same."""
    settings = service.settings
    if settings.drop is None:
        return
    known = codes()
    await asyncio.to_thread(drop.take, settings.drop, known, clock.now(), settings.drop_seconds)
    for dropped in await asyncio.to_thread(drop.taken, settings.drop, known):
        if dropped.mark.exists():
            await _put_away(service, dropped)
        else:
            await _receive(service, dropped)


async def _receive(service: Service, dropped: Dropped) -> None:
    made = uuid.uuid4()
    folder = vault.place(dropped.carrier, made)
    try:
        digest, size = await asyncio.to_thread(_seal, service, dropped, folder)
    except OSError:
        await asyncio.to_thread(dropped.end, REFUSED, "This is not a file. Put the file itself here.")
        return
    if size > service.settings.upload_bytes:
        await asyncio.to_thread(service.store.remove_folder, folder)
        words = f"The file has more than {service.settings.upload_bytes:,} bytes. Send it in parts."
        await asyncio.to_thread(dropped.end, REFUSED, words)
        return
    arrived = Arrived(made, dropped.carrier, CLIENT, dropped.kind, digest, size, folder, dropped.name)
    try:
        async with service.database.transaction(ACTOR, dropped.carrier) as session:
            tenant = {"code": dropped.carrier, "added_at": clock.now()}
            await session.execute(pg.insert(Carrier).values(tenant).on_conflict_do_nothing())
            batch, new = await receive(session, service.keyring, arrived)
    except ConflictError as error:
        await asyncio.to_thread(service.store.remove_folder, folder)
        await asyncio.to_thread(dropped.end, REFUSED, str(error))
        return
    if not new:
        await asyncio.to_thread(service.store.remove_folder, folder)
    await asyncio.to_thread(dropped.mark.write_text, str(batch.id))
    log.logger().info("file taken", carrier=dropped.carrier, batch=batch.id)


def _seal(service: Service, dropped: Dropped, folder: str) -> tuple[bytes, int]:
    """Put the file in the vault: its SHA-256 and size; it is not read far beyond the limit."""
    digest = hashlib.sha256()
    with os.fdopen(dropped.open(), "rb") as file, sealing(service.store, service.keyring, folder) as writer:
        while (block := file.read(1 << 20)) and writer.size <= service.settings.upload_bytes:
            digest.update(block)
            writer.write(block)
        return digest.digest(), writer.size


async def _put_away(service: Service, dropped: Dropped) -> None:
    try:
        wanted = uuid.UUID(await asyncio.to_thread(dropped.mark.read_text))
        async with service.database.transaction(ACTOR, dropped.carrier) as session:
            batch = await find.one(session, wanted)
    except (ValueError, NotFoundError):  # a mark that was cut off: the file is received once more
        await asyncio.to_thread(dropped.mark.unlink)
        return
    if batch.state == BatchState.DONE:
        await asyncio.to_thread(dropped.end, DONE, f"Batch {batch.id}: {batch.rows:,} rows, checked.")
    elif batch.state == BatchState.REFUSED:
        await asyncio.to_thread(dropped.end, REFUSED, f"Batch {batch.id}: {batch.refusal}")
