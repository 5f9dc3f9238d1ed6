"""Resumable uploads: tus 1.0.0 (https://tus.io/protocols/resumable-upload) with the extensions creation,
creation-with-upload, checksum, expiration and termination.

`Upload-Metadata` may say `filename`, `kind` (snapshot, delta), `sha256` (of the whole file, in hexadecimal)
and `idempotency_key`. The answer to the last piece names the batch in a `Link` with the relation `item`; so
does every later HEAD. An upload belongs to the sender that began it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from simcheck.errors import (
    ConflictError,
    DigestError,
    InvalidError,
    MediaTypeError,
    SimcheckError,
    SlowBodyError,
    TooLargeError,
)
from simcheck.ingest.bodies import BLOCK_BYTES, pieces
from simcheck.ingest.sender import Sender
from simcheck.lake.sealed_file import SealedFile, SealedWriter, sealing
from simcheck.service import Service
from simcheck.uploads import resume, vault
from simcheck.uploads.models import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = ("sha1", "sha256")
CONTENT = "application/offset+octet-stream"
PART_BYTES = 64 << 20  # of one request are kept at a time, so that a broken one keeps what came
MOST_METADATA = 4096
CHECKSUM_MISMATCH = 460  # the protocol's own
_NUMBER = re.compile(r"\d{1,15}")

COMMON = {"Tus-Resumable": VERSION}  # headers of every answer


class _ChecksumError(SimcheckError):
    """A piece is not what its checksum says: none of it was kept."""

    code = "checksum_mismatch"
    http_status = CHECKSUM_MISMATCH
    retry = True


class _VersionError(SimcheckError):
    """Another version of the protocol than ours."""

    code = "tus_version"
    http_status = 412


@dataclass(frozen=True)
class Tus:
    """The protocol behind one door. Uploads stand under the path `uploads`, batches under `batches`; `told`
    makes the answer of an error.
    """

    uploads: str
    batches: str
    told: Callable[[Request, SimcheckError], Response]

    def options(self, service: Service) -> Response:
        """What this server can do."""
        return empty(204, {
            "Tus-Version": VERSION, "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(service.settings.upload_bytes),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        })  # fmt: skip

    async def create(self, request: Request, service: Service, sender: Sender) -> Response:
        """Begin an upload, with or without its first bytes."""
        return await self._answered(request, lambda: self._create(request, service, sender))

    async def where(
        self, request: Request, service: Service, sender: Sender, upload: uuid.UUID
    ) -> Response:  # fmt: skip
        """How much of an upload is kept."""
        return await self._answered(request, lambda: self._where(request, service, sender, upload))

    async def go_on(
        self, request: Request, service: Service, sender: Sender, upload: uuid.UUID
    ) -> Response:  # fmt: skip
        """The next bytes of an upload."""
        return await self._answered(request, lambda: self._go_on(request, service, sender, upload))

    async def end(
        self, request: Request, service: Service, sender: Sender, upload: uuid.UUID
    ) -> Response:  # fmt: skip
        """Give an upload up. What became a batch stays one."""
        return await self._answered(request, lambda: self._end(request, service, sender, upload))

    async def _answered(self, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
        """Every answer names the version; what goes wrong is told as elsewhere behind the door."""
        try:
            return await work()
        except SimcheckError as error:
            if error.http_status >= 500:
                raise
            answer = self.told(request, error)
            answer.headers.update(COMMON | {"Tus-Version": VERSION})
            return answer
        except ClientDisconnect:
            return empty(400)  # nobody reads it

    async def _create(self, request: Request, service: Service, sender: Sender) -> Response:
        _require_speaking(request)
        length = _length(request, service.settings.upload_bytes)
        written = request.headers.get("upload-metadata", "")
        about = resume.said(written, metadata(written))
        with_content = request.headers.get("content-type") == CONTENT
        if not with_content and request.headers.get("content-length", "0") != "0":
            raise MediaTypeError(f"The first bytes of an upload are of the type {CONTENT}.")
        check = _checksum(request) if with_content else None
        async with sender.transaction() as session:
            upload = await resume.create(
                session, service.keyring, sender.carrier, sender.name, length, about, _keep(service)
            )
        location = {"Location": f"{self.uploads}/{upload.id}"}
        if with_content:
            upload = await _Piece(service, sender, upload, check).take(
                pieces(request, service.settings.body_rate)
            )
            location["Upload-Offset"] = str(upload.received)
        more = await self._finished(service, sender, upload)
        return empty(201, location | _expiry(upload.expires_at) | more)

    async def _where(
        self, request: Request, service: Service, sender: Sender, upload: uuid.UUID
    ) -> Response:  # fmt: skip
        _require_speaking(request)
        async with sender.transaction() as session:
            found = await resume.find(session, upload, sender.name)
        headers = {"Upload-Offset": str(found.received), "Upload-Length": str(found.length)}
        written = resume.about(found, service.keyring).metadata
        if written:
            headers["Upload-Metadata"] = written
        return empty(200, headers | _expiry(found.expires_at) | self._link(found.batch_id))

    async def _go_on(
        self, request: Request, service: Service, sender: Sender, upload: uuid.UUID
    ) -> Response:  # fmt: skip
        _require_speaking(request)
        if request.headers.get("content-type") != CONTENT:
            raise MediaTypeError(f"The bytes of an upload are of the type {CONTENT}.")
        start, check = _number(request, "upload-offset"), _checksum(request)
        async with sender.transaction() as session:
            found = await resume.find(session, upload, sender.name)
        if found.received != start:
            raise ConflictError(f"The upload stands at byte {found.received}, not at {start}.")
        found = await _Piece(service, sender, found, check).take(pieces(request, service.settings.body_rate))
        more = await self._finished(service, sender, found)
        return empty(204, {"Upload-Offset": str(found.received)} | _expiry(found.expires_at) | more)

    async def _end(
        self, request: Request, service: Service, sender: Sender, upload: uuid.UUID
    ) -> Response:  # fmt: skip
        _require_speaking(request)
        async with sender.transaction() as session:
            folder = await resume.end(session, upload, sender.name)
        if folder:
            await asyncio.to_thread(service.store.remove_folder, folder)
        return empty(204)

    async def _finished(self, service: Service, sender: Sender, upload: Upload) -> dict[str, str]:
        """Once an upload is whole, it becomes a batch; the headers that name it."""
        if upload.received != upload.length:
            return {}
        async with sender.transaction() as session:
            upload = await resume.find(session, upload.id, sender.name)
        if upload.batch_id is not None:
            return self._link(upload.batch_id)
        file = SealedFile(service.store, service.keyring, str(upload.path), upload.length or 0)
        digest = await asyncio.to_thread(vault.digest_of, file)
        try:
            async with sender.transaction() as session:
                batch, unneeded = await resume.finish(session, service.keyring, upload.id, digest)
        except (DigestError, ConflictError) as error:
            async with sender.transaction() as session:
                await resume.drop(session, upload.id, error.code)
            await asyncio.to_thread(service.store.remove_folder, str(upload.path))
            raise
        if unneeded:
            await asyncio.to_thread(service.store.remove_folder, unneeded)
        return self._link(batch.id)

    def _link(self, batch: uuid.UUID | None) -> dict[str, str]:
        return {"Link": f'<{self.batches}/{batch}>; rel="item"'} if batch else {}


class _Piece:
    """The bytes of one request on their way into an upload, a part at a time."""

    def __init__(
        self, service: Service, sender: Sender, upload: Upload, check: tuple[str, bytes] | None
    ) -> None:
        self.service, self.sender, self.upload = service, sender, upload
        self.check = check
        self.hash = hashlib.new(check[0], usedforsecurity=False) if check else None
        self._part = ExitStack()
        self._writer: SealedWriter | None = None

    async def take(self, source: AsyncIterator[bytes]) -> Upload:
        """Keep what comes; of a request that breaks off, what came (with a checksum, nothing)."""
        waiting, broken = bytearray(), None
        try:
            try:
                async for piece in source:
                    waiting += piece
                    if len(waiting) >= BLOCK_BYTES:
                        await self._write(bytes(waiting))
                        waiting.clear()
            except (ClientDisconnect, SlowBodyError) as error:
                broken = error
            if broken is None or self.hash is None:
                await self._write(bytes(waiting))
                self._compare()
                await self._count()
        finally:
            await asyncio.to_thread(self._discard)
        if broken is not None:
            raise broken
        return self.upload

    async def _write(self, content: bytes) -> None:
        if not content:
            return
        if self._writer is None:
            place = sealing(
                self.service.store, self.service.keyring, str(self.upload.path), self.upload.received
            )
            self._writer = self._part.enter_context(place)
        if self.upload.received + self._writer.size + len(content) > (self.upload.length or 0):
            raise TooLargeError("More bytes came than Upload-Length says.")
        await asyncio.to_thread(self._take, self._writer, content)
        if self.hash is None and self._writer.size >= PART_BYTES:
            await self._count()

    def _take(self, writer: SealedWriter, content: bytes) -> None:
        if self.hash is not None:
            self.hash.update(content)
        writer.write(content)

    def _compare(self) -> None:
        if self.hash is not None and self.check is not None and self.hash.digest() != self.check[1]:
            raise _ChecksumError("The checksum does not fit. Nothing was kept; send these bytes again.")

    async def _count(self) -> None:
        """Put the part in its place and count it."""
        if self._writer is None:
            return
        size = self._writer.size
        async with self.sender.transaction() as session:
            self.upload = await resume.add(
                session, self.upload.id, self.sender.name, self.upload.received, size, self._part.close,
                _keep(self.service),
            )  # fmt: skip
        self._writer = None

    def _discard(self) -> None:
        """Let go of a part that was not counted."""
        if self._writer is not None:
            failed = _DiscardedError()
            self._part.__exit__(type(failed), failed, None)
            self._writer = None


class _DiscardedError(Exception):
    """Ends the writing of a part that is not wanted."""


def _require_speaking(request: Request) -> None:
    """Raise `_VersionError` for a client of another version of the protocol."""
    if request.headers.get("tus-resumable") != VERSION:
        raise _VersionError(f"Send the header Tus-Resumable: {VERSION}.")


def _length(request: Request, most: int) -> int:
    if "upload-defer-length" in request.headers:
        raise InvalidError("Upload-Defer-Length is not among this server's extensions. Send Upload-Length.")
    length = _number(request, "upload-length")
    if length > most:
        raise TooLargeError(f"An upload has at most {most:,} bytes.")
    return length


def _number(request: Request, name: str) -> int:
    shown = request.headers.get(name, "")
    if not _NUMBER.fullmatch(shown):
        raise InvalidError(f"{name}: a number of bytes.")
    return int(shown)


def metadata(written: str) -> dict[str, str]:
    """Upload-Metadata: pairs of a key and a value in base64, between commas. Raises InvalidError."""
    if len(written) > MOST_METADATA:
        raise InvalidError(f"Upload-Metadata: at most {MOST_METADATA} characters.")
    values = {}
    for pair in written.split(",") if written.strip() else ():
        key, _, value = pair.strip().partition(" ")
        try:
            values[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise InvalidError("Upload-Metadata: KEY BASE64, KEY BASE64, …") from None
    return values


def _checksum(request: Request) -> tuple[str, bytes] | None:
    """Upload-Checksum: the algorithm and the digest. Raises InvalidError."""
    shown = request.headers.get("upload-checksum")
    if shown is None:
        return None
    algorithm, _, value = shown.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise InvalidError(f"Upload-Checksum: the algorithm is one of {', '.join(ALGORITHMS)}.")
    try:
        return algorithm, base64.b64decode(value, validate=True)
    except binascii.Error:
        raise InvalidError("Upload-Checksum: ALGORITHM BASE64.") from None


def _keep(service: Service) -> timedelta:
    return timedelta(hours=service.settings.upload_hours)


def _expiry(moment: datetime) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(moment, usegmt=True)}


def empty(status: int, headers: dict[str, str] | None = None) -> Response:
    """An answer of the protocol, which has no body."""
    return Response(status_code=status, headers=COMMON | (headers or {}))
