"""Files that arrive in pieces: what was counted of an upload is kept, and the client goes on from there.

A piece is sealed as a part that begins where the upload stands. It is put in its place and counted in one
step, under the row's lock: so of two who send the same piece one is told that it came too late, and a part
that was put there but never counted (a killed process) is replaced by the next that begins at its place.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import ConflictError, DigestError, GoneError, InvalidError, NotFoundError
from simcheck.privacy import Keyring
from simcheck.uploads import vault
from simcheck.uploads.models import Batch, BatchKind, Upload
from simcheck.uploads.receive import MOST_NAME, Arrived, receive
from simcheck.uploads.receive import idempotency_key as checked_key

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Said:
    """What the client said of its file: `metadata` as it wrote it, and what we understood of that."""

    metadata: str = ""
    kind: BatchKind = BatchKind.SNAPSHOT
    file_name: str | None = None
    sha256: str | None = None
    idempotency_key: str | None = None


def said(metadata: str, values: Mapping[str, str]) -> Said:
    """What the values of an upload's metadata say; others than ours are kept and ignored.

    Raises InvalidError.
    """
    kind, sha256 = values.get("kind", BatchKind.SNAPSHOT), values.get("sha256")
    if kind not in list(BatchKind):
        raise InvalidError("Upload-Metadata: kind is snapshot or delta.")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise InvalidError("Upload-Metadata: sha256 has 64 hexadecimal digits.")
    name = values.get("filename") or values.get("name")
    return Said(
        metadata, BatchKind(kind), re.split(r"[/\\]", name)[-1][:MOST_NAME] or None if name else None,
        sha256.lower() if sha256 else None, checked_key(values.get("idempotency_key")),
    )  # fmt: skip


async def create(
    session: AsyncSession, keyring: Keyring, carrier: str, client: str, length: int, about: Said,
    keep: timedelta,
) -> Upload:  # fmt: skip
    """A new upload of `length` bytes."""
    now, made = clock.now(), uuid.uuid4()
    upload = Upload(
        id=made, carrier=carrier, client=client, length=length, received=0, path=vault.place(carrier, made),
        metadata_=keyring.seal(json.dumps(vars(about)).encode(), _place(made)), made_at=now,
        expires_at=now + keep,
    )  # fmt: skip
    session.add(upload)
    audit.record(session, "upload.created", f"upload/{made}", {"bytes": length})
    return upload


async def find(session: AsyncSession, upload: uuid.UUID, client: str, *, locked: bool = False) -> Upload:
    """The client's own upload. Raises NotFoundError, also for another client's; GoneError when it expired."""
    wanted = sa.select(Upload).where(Upload.id == upload, Upload.client == client)
    found = await session.scalar(wanted.with_for_update() if locked else wanted)
    if found is None:
        raise NotFoundError("There is no such upload.")
    if found.expires_at <= clock.now():
        raise GoneError("The upload has expired. Begin a new one.")
    return found


def about(upload: Upload, keyring: Keyring) -> Said:
    """What the client said of the file."""
    if upload.metadata_ is None:
        return Said()
    return Said(**json.loads(keyring.open(upload.metadata_, _place(upload.id))))


async def add(
    session: AsyncSession, upload: uuid.UUID, client: str, start: int, size: int, put: Callable[[], None],
    keep: timedelta,
) -> Upload:  # fmt: skip
    """Count a piece of `size` bytes from `start` on; `put` puts its part in place.

    Raises ConflictError when the upload does not stand at `start` any more, and as `find`.
    """
    found = await find(session, upload, client, locked=True)
    if found.received != start:
        raise ConflictError(f"The upload stands at byte {found.received}, not at {start}.")
    await asyncio.to_thread(put)
    found.received = start + size
    found.expires_at = clock.now() + keep
    return found


async def finish(
    session: AsyncSession, keyring: Keyring, upload: uuid.UUID, digest: bytes
) -> tuple[Batch, str | None]:
    """The batch of an upload that is whole, and the folder that is not needed if the file came before.

    Done twice, it gives the same. Raises DigestError for another digest than the client said, NotFoundError,
    and ConflictError as `receive`.
    """
    found = await session.get(Upload, upload, with_for_update=True)
    if found is None:
        raise NotFoundError("There is no such upload.")
    if found.batch_id is not None:
        batch = await session.get(Batch, found.batch_id)
        assert batch is not None
        return batch, None
    known = about(found, keyring)
    if known.sha256 not in {None, digest.hex()}:
        raise DigestError("The SHA-256 of what arrived is not the one that was sent. Send it again.")
    assert found.length is not None
    assert found.path is not None
    batch, new = await receive(
        session, keyring,
        Arrived(found.id, found.carrier, found.client, known.kind, digest, found.length, found.path,
                known.file_name, known.idempotency_key),
    )  # fmt: skip
    unneeded = None if new else found.path
    found.batch_id, found.path = batch.id, None
    return batch, unneeded


async def end(session: AsyncSession, upload: uuid.UUID, client: str) -> str | None:
    """Forget an upload; gives the folder that is to be removed. What became a batch stays one."""
    found = await find(session, upload, client, locked=True)
    await session.delete(found)
    audit.record(session, "upload.ended", f"upload/{found.id}")
    return found.path


async def drop(session: AsyncSession, upload: uuid.UUID, reason: str) -> None:
    """Forget an upload that cannot become a batch."""
    await session.execute(sa.delete(Upload).where(Upload.id == upload))
    audit.record(session, "upload.refused", f"upload/{upload}", {"reason": reason})


async def under_way(session: AsyncSession, client: str) -> list[Upload]:
    """What a client has begun to send and may go on with, the newest first."""
    mine = (Upload.client == client, Upload.batch_id.is_(None), Upload.expires_at > clock.now())
    return list(await session.scalars(sa.select(Upload).where(*mine).order_by(Upload.made_at.desc())))


async def unfinished(session: AsyncSession) -> list[Upload]:
    """Uploads that are whole and no batch yet: their process was killed in between."""
    whole = (Upload.received == Upload.length, Upload.batch_id.is_(None), Upload.expires_at > clock.now())
    return list(await session.scalars(sa.select(Upload).where(*whole)))


async def forget_expired(session: AsyncSession) -> set[str]:
    """Drop uploads whose time is over; gives the folders of those that became no batch."""
    ended = sa.delete(Upload).where(Upload.expires_at <= clock.now()).returning(Upload.path)
    return {path for path in await session.scalars(ended) if path}


async def known_paths(session: AsyncSession) -> set[str]:
    """Every folder of the vault that an upload names. The session needs the ministry's scope."""
    return {path for path in await session.scalars(sa.select(Upload.path)) if path}


def _place(upload: uuid.UUID) -> str:
    return f"upload/{upload}/metadata"
