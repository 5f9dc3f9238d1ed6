"""A file in a request's body, sealed as it comes in: nothing of it waits in clear, in memory only a little.

The framework's own forms would write large files to a temporary folder, so multipart is read here, with the
same parser.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from simcheck.errors import DigestError, InvalidError, MediaTypeError, SlowBodyError

BLOCK_BYTES = 1 << 20  # are sealed at once, in a thread
GRACE = 60.0  # seconds before a slow client is held to a rate
MOST_FIELD_BYTES = 1024
MOST_HEADER_BYTES = 8192  # of one part of a form
_FORMS = {"application/x-www-form-urlencoded"}
_SHA256 = re.compile(r"(?i)sha-256=:?([A-Za-z0-9+/]{43}=):?")

Take = Callable[[bytes], None]
# Called with a form's fields so far, before anything of its file is kept; what it raises ends the reading.
BeforeFile = Callable[[Mapping[str, str]], None]


async def pieces(request: Request, least_rate: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises SlowBodyError below `least_rate` bytes a second, ClientDisconnect."""
    began, size = time.monotonic(), 0
    async for piece in request.stream():
        size += len(piece)
        seconds = time.monotonic() - began
        if seconds > GRACE and size < least_rate * seconds:
            raise SlowBodyError(f"Less than {least_rate} bytes a second came. Send it again.")
        if piece:
            yield piece


async def in_blocks(source: AsyncIterator[bytes], take: Take) -> None:
    """Hand the body on in large blocks, to a thread: encrypting and writing would hold up other requests."""
    waiting = bytearray()
    async for piece in source:
        waiting += piece
        if len(waiting) >= BLOCK_BYTES:
            await asyncio.to_thread(take, bytes(waiting))
            waiting.clear()
    if waiting:
        await asyncio.to_thread(take, bytes(waiting))


@dataclass
class Intake:
    """What is learnt of a file while it comes in: `size` bytes, its SHA-256, a form's other `fields`."""

    file_name: str | None
    fields: dict[str, str] = field(default_factory=dict)
    size: int = 0
    _file: hashlib._Hash = field(default_factory=hashlib.sha256)
    _body: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the file so far."""
        return self._file.digest()

    def take_file(self, content: bytes, write: Take) -> None:
        """More of the file."""
        self._file.update(content)
        self.size += len(content)
        write(content)

    def check(self, promised: list[bytes]) -> None:
        """Raise DigestError unless the body (or the file in it) has each of these digests."""
        if any(digest not in (self._body.digest(), self.digest) for digest in promised):
            raise DigestError("The SHA-256 of what arrived is not the one that was sent. Send it again.")

    def take_body(self, content: bytes) -> None:
        """More of the body around it."""
        self._body.update(content)


async def take_in(
    request: Request, least_rate: int, write: Take, before_file: BeforeFile | None = None
) -> Intake:
    """Read a body, the file itself or a form with the file in it; `write` is called with the file's bytes.

    With `before_file` the body is a form, whose fields stand before its file. The headers Content-Digest,
    Repr-Digest (RFC 9530) and Digest (RFC 3230) are held against what came.
    Raises MediaTypeError, InvalidError, DigestError, SlowBodyError, and what `write` and `before_file` raise.
    """
    promised = digests(request)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaTypeError("Send the file as it is, a .gz as a .gz, without Content-Encoding.")
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind.decode("latin-1").lower() in _FORMS:
        raise MediaTypeError("Send the file as the body, or as the part `file` of multipart/form-data.")
    intake = Intake(_file_name(request.headers.get("content-disposition", "")))
    if kind == b"multipart/form-data":
        form = _Form(intake, write, options.get(b"boundary", b""), before_file)
        await in_blocks(pieces(request, least_rate), form.feed)
        form.end()
    elif before_file is not None:
        raise MediaTypeError("Send the page's own form.")
    else:
        await in_blocks(pieces(request, least_rate), lambda content: _raw(intake, content, write))
    intake.check(promised)
    return intake


def _raw(intake: Intake, content: bytes, write: Take) -> None:
    intake.take_body(content)
    intake.take_file(content, write)


def digests(request: Request) -> list[bytes]:
    """The SHA-256 digests that the headers promise. Raises InvalidError for one that cannot be read."""
    found = []
    for name in ("content-digest", "repr-digest", "digest"):
        shown = request.headers.get(name)
        if shown is None or "sha-256=" not in shown.lower():
            continue  # other algorithms may be ignored (RFC 9530, 2)
        written = _SHA256.search(shown)
        if written is None:
            raise InvalidError(f"{name}: write sha-256=:BASE64:")
        try:
            found.append(base64.b64decode(written[1], validate=True))
        except binascii.Error:
            raise InvalidError(f"{name}: write sha-256=:BASE64:") from None
    return found


def _file_name(disposition: str) -> str | None:
    """The file name in a Content-Disposition, without folders."""
    message = Message()
    message["Content-Disposition"] = disposition
    name = message.get_filename()
    return re.split(r"[/\\]", name)[-1][:255] or None if name else None


class _Form:
    """A multipart body: the part `file` is handed on, short fields are kept. Runs in a thread."""

    def __init__(
        self, intake: Intake, write: Take, boundary: bytes, before_file: BeforeFile | None = None
    ) -> None:
        if not 0 < len(boundary) <= 70:  # RFC 2046, 5.1.1
            raise InvalidError("multipart/form-data without a boundary.")
        self._intake, self._write, self._before_file = intake, write, before_file
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._files, self._ended = 0, False
        self._parser = MultipartParser(boundary, {
            "on_part_begin": self._begin, "on_header_field": self._header_field,
            "on_header_value": self._header_value, "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished, "on_part_data": self._data, "on_end": self._all,
        })  # fmt: skip

    def feed(self, content: bytes) -> None:
        """More of the body. Raises InvalidError."""
        self._intake.take_body(content)
        try:
            self._parser.write(content)
        except MultipartParseError:
            raise InvalidError("The body is not multipart/form-data.") from None

    def end(self) -> None:
        """The body is over. Raises InvalidError for half a form, or one without a file."""
        if not self._ended:
            raise InvalidError("The body ends in the middle of the form. Send it again.")
        if not self._files:
            raise InvalidError("The form has no part `file`.")

    def _begin(self) -> None:
        self._headers, self._name, self._value = {}, b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._require_short(len(self._name), MOST_HEADER_BYTES)

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._require_short(len(self._value), MOST_HEADER_BYTES)

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""
        self._require_short(len(self._headers), 16)

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        name = parse_options_header(disposition)[1].get(b"name", b"").decode("utf-8", "replace")
        if name == "file":
            self._files += 1
            if self._files > 1:
                raise InvalidError("The form has two parts `file`. Send one batch a file.")
            if self._before_file is not None:
                self._before_file(self._intake.fields)
            self._field = None
            self._intake.file_name = _file_name(disposition.decode("utf-8", "replace"))
        elif name in self._intake.fields:
            raise InvalidError("A field stands in the form twice.")
        else:
            self._field = name
            self._require_short(len(self._intake.fields) + 1, 16)
            self._intake.fields[name] = ""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._intake.take_file(data[start:end], self._write)
            return
        value = self._intake.fields[self._field] + data[start:end].decode("utf-8", "replace")
        self._require_short(len(value), MOST_FIELD_BYTES)
        self._intake.fields[self._field] = value

    def _all(self) -> None:
        self._ended = True

    def _require_short(self, size: int, most: int) -> None:
        if size > most:
            raise InvalidError("A field of the form is too long, or there are too many.")
