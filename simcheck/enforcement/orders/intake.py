"""A file that a carrier sends back in one request: sealed as it comes, noted, read by a job."""

from __future__ import annotations

import asyncio
import uuid

from fastapi import Request

from simcheck.enforcement.orders import answer_files
from simcheck.enforcement.orders.models import OrderAnswer
from simcheck.errors import InvalidError, TooLargeError
from simcheck.ingest.bodies import BeforeFile, take_in
from simcheck.ingest.sender import Sender
from simcheck.lake.sealed_file import SealedWriter, sealing
from simcheck.service import Service

MOST_BYTES = 256 << 20


async def take(
    request: Request, service: Service, sender: Sender, order_id: uuid.UUID,
    before_file: BeforeFile | None = None,
) -> OrderAnswer:  # fmt: skip
    """Keep the file in a request until a job has read it; the same file again is the one that came before.

    Raises as `take_in` and `answer_files.receive`, `TooLargeError`, `InvalidError` for an empty one, and
    ClientDisconnect. Nothing is kept of what cannot be used.
    """
    answer_id = uuid.uuid4()
    folder = answer_files.place(sender.carrier, answer_id)
    kept: OrderAnswer | None = None
    try:
        with sealing(service.store, service.keyring, folder) as writer:
            least = service.settings.body_rate
            intake = await take_in(request, least, lambda content: _write(writer, content), before_file)
            if not intake.size:
                raise InvalidError("Choose a file that is not empty.")
        async with sender.transaction() as session:
            kept = await answer_files.receive(session, order_id, answer_id, intake.digest, intake.size)
        return kept
    finally:
        if kept is None or kept.id != answer_id:
            await asyncio.to_thread(service.store.remove_folder, folder)


def _write(writer: SealedWriter, content: bytes) -> None:
    if writer.size + len(content) > MOST_BYTES:
        raise TooLargeError(f"A file that comes back has at most {MOST_BYTES:,} bytes.")
    writer.write(content)
