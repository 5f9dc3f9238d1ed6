"""What stands around every request: its id, the limits of its body, headers, one log line, metrics.

Pure ASGI, so that streamed answers and bodies pass through unbuffered. Nothing of a request but its method,
its route's pattern and its answer's status is logged or counted: addresses and bodies carry personal data.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simcheck import log
from simcheck.api import problems
from simcheck.config import Settings
from simcheck.errors import SimcheckError, SlowBodyError, TooLargeError

# Routes that take files, with the larger limit.
LARGE = ("/v1/batches", "/v1/uploads", "/portal/uploads")
ANSWERS = re.compile(r"/(v1|portal)/orders/[0-9a-f-]{36}/outcomes")  # files that come back
QUIET = {"/healthz", "/readyz", "/metrics"}  # asked every few seconds: not logged when all is well
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Frame:
    """The outermost middleware. Makes `request_id`, and answers what nothing inside it answered."""

    def __init__(self, app: ASGIApp, settings: Settings, registry: CollectorRegistry) -> None:
        self.app, self.settings = app, settings
        labels = ("method", "route")
        self._answers = Counter("simcheck_requests", "Answers.", (*labels, "status"), registry=registry)
        self._seconds = Histogram(
            "simcheck_request_seconds", "Time to the end of the answer.", labels, registry=registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30),
        )  # fmt: skip
        self._headers = dict(HEADERS)
        if settings.issuer.startswith("https:"):
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (or the start and end of the server)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        log.bind(request_id=request_id)

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._guarded(scope, receive, send_framed, lambda: status)
        finally:
            self._account(scope, status, time.monotonic() - began)
            log.unbind()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, status: Any) -> None:
        limit = self.settings.body_bytes
        if scope["path"].startswith(LARGE) or ANSWERS.fullmatch(scope["path"]):
            limit = self.settings.upload_bytes
        body = _Body(receive, limit, self.settings.body_seconds)
        try:
            body.promise(Headers(scope=scope).get("content-length"))
            await self.app(scope, body.receive, send)
        except SimcheckError as error:
            if status():
                raise
            await _told(scope, error)(scope, receive, send)
        except Exception as error:
            log.logger().error("defect", exc_info=error)
            if status():
                return  # the answer had begun; cut short, it is seen as broken
            await problems.of_defect()(scope, receive, send)

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._answers.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)
        if route not in QUIET or status >= 400:
            log.logger().info("request", method=method, route=route, status=status, seconds=seconds)


def _told(scope: Scope, error: SimcheckError) -> Response:
    """An error that no route was asked about: by a page where a door says so (`app.state.tell`)."""
    tell = getattr(scope["app"].state, "tell", None)
    page: Response | None = tell(Request(scope), error) if tell else None
    return page or problems.of_error(error)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _request_id(told: str | None) -> str:
    """The caller's id when it is a UUID, else a new one: what it says otherwise could be anything."""
    try:
        return str(uuid.UUID(told))
    except (ValueError, TypeError):
        return str(uuid.uuid4())


class _Body:
    """A request's body, cut off when it is too large or stops coming."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive, self._limit, self._seconds = receive, limit, seconds
        self._bytes, self._complete = 0, False

    def promise(self, content_length: str | None) -> None:
        """Refuse what says beforehand that it is too large."""
        if content_length and content_length.isdecimal():
            self._require(int(content_length))

    async def receive(self) -> Message:
        """The next part. After the last one, whatever comes (a disconnect) is waited for without end."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            raise SlowBodyError(f"Nothing came for {self._seconds:g} seconds. Send it again.") from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            self._require(self._bytes)
        else:
            self._complete = True
        return message

    def _require(self, size: int) -> None:
        if size > self._limit:
            raise TooLargeError(f"This route takes at most {self._limit:,} bytes.")
