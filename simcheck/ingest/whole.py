"""A file that comes in one request becomes a batch."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from fastapi import Request

from simcheck.errors import ConflictError
from simcheck.ingest.bodies import BeforeFile, Intake, take_in
from simcheck.ingest.sender import Sender
from simcheck.lake.sealed_file import sealing
from simcheck.service import Service
from simcheck.uploads import vault
from simcheck.uploads.models import Batch, BatchKind
from simcheck.uploads.receive import Arrived, receive


async def take(
    request: Request, service: Service, sender: Sender, kind_of: Callable[[Intake], BatchKind],
    key: str | None = None, before_file: BeforeFile | None = None,
) -> tuple[Batch, bool]:  # fmt: skip
    """The batch of the file in a request, and whether it is new: the same file twice is one batch.

    `kind_of` says what the file is, from what came with it; `key` is an idempotency key. Nothing is kept of
    what cannot be used. Raises as `take_in`, `receive`, `kind_of`, and ClientDisconnect.
    """
    batch = uuid.uuid4()
    folder = vault.place(sender.carrier, batch)
    try:
        with sealing(service.store, service.keyring, folder) as writer:
            intake = await take_in(request, service.settings.body_rate, writer.write, before_file)
            kind = kind_of(intake)
    except BaseException:
        await asyncio.to_thread(service.store.remove_folder, folder)
        raise
    arrived = Arrived(
        batch, sender.carrier, sender.name, kind, intake.digest, intake.size, folder, intake.file_name, key
    )
    try:
        async with sender.transaction() as session:
            kept, new = await receive(session, service.keyring, arrived)
    except ConflictError:  # of any other failure it is not known whether the batch was kept
        await asyncio.to_thread(service.store.remove_folder, folder)
        raise
    if not new:
        await asyncio.to_thread(service.store.remove_folder, folder)
    return kept, new
