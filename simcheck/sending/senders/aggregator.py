"""A link by HTTP: an aggregator that takes whole texts and cuts them itself.

    POST url   Authorization: Bearer …   Idempotency-Key: <message>/1
    {"to": "+84…", "from": "SIMCHECK", "text": "…", "reference": "<message>/1", "ttl": seconds}
    -> 2xx {"id": "…"}

What aggregators name otherwise is said by the link's settings. The key is the same for every try, so that one
who knows such keys sends nothing twice; where there was no answer it is still not sent again by itself.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from simcheck import clock
from simcheck.sending.senders import NotSent, Part, Rejected, Submitted, Throttled, Unknown
from simcheck.sending.settings import AggregatorSettings

ATTEMPTS = 3  # to reach it, within one try
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before one that could not be reached is tried again
_MOST_BYTES = 64 << 10  # of an answer
_FEWER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_LOGIN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_FOR_NOW = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY}


class AggregatorLink:
    """One account at one aggregator; a `senders.SmsSender`."""

    whole = True

    def __init__(self, settings: AggregatorSettings) -> None:
        self.name, self.window, self.settings = settings.name, settings.window, settings
        trust = ssl.create_default_context(cafile=settings.tls_authority) if settings.tls_authority else True
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {settings.token.get_secret_value()}"}, verify=trust,
            timeout=settings.answer_seconds, follow_redirects=False, trust_env=False,
            limits=httpx.Limits(max_connections=settings.window, max_keepalive_connections=settings.window),
        )  # fmt: skip
        self._down_until, self._pause = 0.0, FIRST_PAUSE

    @property
    def up(self) -> bool:
        """Whether it is worth a try now."""
        return time.monotonic() >= self._down_until

    async def run(self) -> None:
        """Nothing has to be kept up; connections are closed when this is cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._http.aclose()

    async def submit(self, part: Part) -> Submitted:
        """Hand over the whole message. Raises `NotSent`, `Throttled`, `Rejected` or `Unknown`."""
        status, answer = await self._ask(self._body(part), part.key)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            told = answer.get(self.settings.id_field)
            return Submitted(str(told) if isinstance(told, str | int) else "")
        code = f"http_{status}"
        if status in _FEWER:
            raise Throttled(code)
        if status in _LOGIN:  # a setting of ours is wrong: no message is lost by it
            self._rest()
            raise NotSent(code)
        if status in _FOR_NOW:
            raise Rejected(code, permanent=False)
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Rejected(code, permanent=True)
        raise Unknown(code)

    def _body(self, part: Part) -> dict[str, Any]:
        left = int((part.expires_at - clock.now()).total_seconds())
        return {
            "to": f"+{part.address}", "from": self.settings.source, "text": part.text, "reference": part.key,
            "ttl": max(left, 1),
        }  # fmt: skip

    async def _ask(self, body: Mapping[str, Any], key: str) -> tuple[int, Mapping[str, Any]]:
        tries = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS), wait=wait_random_exponential(0.1, max=1), reraise=True,
            retry=retry_if_exception_type((httpx.ConnectError, httpx.ConnectTimeout)),
        )  # fmt: skip
        try:
            told: tuple[int, Mapping[str, Any]] = await tries(self._once, body, key)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            self._rest()
            raise NotSent("no_connection") from None
        except (httpx.HTTPError, ssl.SSLError, OSError):
            raise Unknown("no_answer") from None
        self._pause = FIRST_PAUSE
        return told

    async def _once(self, body: Mapping[str, Any], key: str) -> tuple[int, Mapping[str, Any]]:
        url, headers = str(self.settings.url), {"Idempotency-Key": key}
        async with self._http.stream("POST", url, json=body, headers=headers) as answer:
            content = b""
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > _MOST_BYTES:
                    break
        try:
            read = httpx.Response(answer.status_code, content=content).json()
        except ValueError:
            read = None
        return answer.status_code, read if isinstance(read, dict) else {}

    def _rest(self) -> None:
        self._down_until = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
