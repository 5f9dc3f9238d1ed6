"""A harmless twin of the online register: it answers from a register of ours, as the real one would.

For the demonstration and for tests, so that the whole way is walked: HTTP, mutual TLS, JSON and all.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from simcheck.normalise.names import new_keys
from simcheck.register.protocol import Register
from simcheck.register.wire import PATH, Question, numbers_of, reply_of

LOOPBACK = "127.0.0.1"
_MOST_BYTES = 64 << 10  # of one question
_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Certificates:
    """PEM files of a server: its certificate and key, and the authority that vouches for those who ask."""

    certificate: Path
    key: Path
    authority: Path


def application(register: Register) -> FastAPI:
    """The twin as an ASGI application."""
    twin = FastAPI(title="A twin of the citizen register", openapi_url=None)
    keys = new_keys()

    @twin.post(PATH)
    async def answers(request: Request) -> Response:
        """Who bears these numbers, or bore one before. Says nothing of what was wrong with a question."""
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                return Response(status_code=413)
        try:
            question = Question.model_validate_json(body)
        except ValidationError:
            return Response(status_code=400)
        answer = await run_in_threadpool(register.ask, numbers_of(question), keys)
        return Response(reply_of(answer).model_dump_json(), media_type="application/json")

    return twin


@contextmanager
def serving(application: Any, certificates: Certificates | None = None, port: int = 0) -> Iterator[str]:
    """Serve an ASGI application on this machine alone while the block runs; gives its URL.

    With `certificates` nobody is answered who does not show a certificate of the authority. Port 0 takes a
    free one. Raises OSError where the port is taken or a certificate cannot be used.
    """
    secure: dict[str, Any] = {}
    if certificates:
        secure = {
            "ssl_certfile": certificates.certificate,
            "ssl_keyfile": certificates.key,
            "ssl_ca_certs": str(certificates.authority),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", **secure)
    config.load()
    server = uvicorn.Server(config)
    with socket.create_server((LOOPBACK, port)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(_POLL_SECONDS)
            if not server.started:
                raise OSError("the server did not start")
            yield f"{'https' if certificates else 'http'}://{LOOPBACK}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True  # questions that are still being answered are nobody's loss
            thread.join()
