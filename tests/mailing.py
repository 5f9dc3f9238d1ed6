"""Mail servers for tests: a good one (aiosmtpd), and ones that follow a script of their own, line by line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope


@dataclass
class Box:
    """What a server took."""

    letters: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        envelope.session = session
        self.letters.append(envelope)
        return "250 2.0.0 taken"


@contextlib.asynccontextmanager
async def good(box: Box, **options) -> AsyncIterator[int]:
    """A server that takes everything; its port. `options` are aiosmtpd's."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, loop=loop, hostname="mx.example", **options), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


Answer = str | None  # None: nothing is said, ever; "": the connection is cut


@contextlib.asynccontextmanager
async def scripted(
    script: Callable[[str, int], Answer], greeting: Answer = "220 mx.example"
) -> AsyncIterator[int]:
    """A server that answers as `script(verb, how many of that verb came on this connection)` says; its port.

    After a DATA that was answered with 354, the end of the letter is the verb ".".
    """
    open_writers = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _converse(reader, writer, script, greeting)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_writers:
            writer.close()


async def _converse(reader, writer, script, greeting) -> None:
    async def say(answer: Answer) -> bool:
        if answer is None:
            await reader.read(-1)  # until the other side goes
            return False
        if answer == "":
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True

    came: dict[str, int] = {}
    if not await say(greeting):
        return
    while line := await reader.readline():
        verb = line.split(b":")[0].split()[0].decode("ascii", "replace").upper() if line.strip() else ""
        came[verb] = came.get(verb, 0) + 1
        answer = script(verb, came[verb])
        if not await say(answer):
            return
        if verb == "DATA" and str(answer).startswith("354"):
            await reader.readuntil(b"\r\n.\r\n")
            came["."] = came.get(".", 0) + 1
            if not await say(script(".", came["."])):
                return
        if verb == "QUIT":
            return


def usual(verb: str, _count: int) -> Answer:
    """What a plain server says."""
    said = {"EHLO": "250 mx.example", "DATA": "354 go on", ".": "250 2.0.0 taken", "QUIT": "221 bye"}
    return said.get(verb, "250 ok")


def but(**answers: Answer) -> Callable[[str, int], Answer]:
    """As usual, but for some verbs (`dot` is the end of the letter)."""
    named = {"." if verb == "dot" else verb.upper(): answer for verb, answer in answers.items()}
    return lambda verb, count: named[verb] if verb in named else usual(verb, count)
