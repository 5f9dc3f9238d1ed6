"""One connection to an SMSC: octets in, octets out, which answer belongs to which request.

What comes in is looked at as it comes: an answer of long ago still reaches whoever asked (`late`), one that
nobody asked for is ignored. A PDU whose length cannot be one ends the connection, since nothing after it can
be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from simcheck.sending.senders import pdu
from simcheck.sending.senders.pdu import HEADER, RESPONSE, Command

MOST_LATE = 100_000  # requests without an answer that are remembered


class Answer(NamedTuple):
    """An answer: its command, status and body."""

    command: int
    status: int
    body: bytes


class LostError(Exception):
    """The connection is gone: what was on its way may have arrived."""


class LateError(Exception):
    """Nobody answered in time. The answer may still come."""


@dataclass(slots=True)
class _Asked:
    answer: asyncio.Future[Answer]
    command: int
    until: float
    what: object


@dataclass(eq=False)
class SmppSession(asyncio.Protocol):
    """`deliver(session, sequence, command, octets)` takes what the other side sends; `late(what, answer)` an
    answer that came after its time, with what had been sent. `closed` is set when the connection has ended.
    """

    answer_seconds: float
    deliver: Callable[[SmppSession, int, int, bytes], None]
    late: Callable[[object, Answer], None]
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: bool = False
    heard_at: float = 0.0
    writable: asyncio.Event = field(default_factory=asyncio.Event)
    _transport: asyncio.Transport | None = None
    _asked: dict[int, _Asked] = field(default_factory=dict)
    _late: dict[int, object] = field(default_factory=dict)
    _sequence: int = 0
    _unread: bytearray = field(default_factory=bytearray)
    _clock: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    @property
    def waiting(self) -> int:
        """How many requests are on their way."""
        return len(self._asked)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.heard_at = self._loop.time()
        self.writable.set()
        self._tick()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection is gone; nothing that was on its way will be answered."""
        self._transport = None
        if self._clock is not None:
            self._clock.cancel()
        self.closed.set()
        self.writable.set()
        asked, self._asked = self._asked, {}
        for each in asked.values():
            if not each.answer.done():
                each.answer.set_exception(LostError())

    def pause_writing(self) -> None:
        """The other side does not read."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self.writable.set()

    def close(self) -> None:
        """End the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def next_sequence(self) -> int:
        """A number for the next request (5.1.4: 1 to 0x7FFFFFFF) that none on its way has."""
        while True:
            self._sequence = self._sequence % 0x7FFFFFFF + 1
            if self._sequence not in self._asked and self._sequence not in self._late:
                return self._sequence

    def ask(self, sequence: int, octets: bytes, what: object = None) -> asyncio.Future[Answer]:
        """Send a request; its answer to come. The future raises `LostError` or `LateError`.

        Raises `LostError` itself where nothing was sent.
        """
        if self._transport is None or self._transport.is_closing():
            raise LostError
        answer: asyncio.Future[Answer] = self._loop.create_future()
        command = HEADER.unpack_from(octets)[1] | RESPONSE
        self._asked[sequence] = _Asked(answer, command, self._loop.time() + self.answer_seconds, what)
        self._transport.write(octets)
        return answer

    def reply(self, command: int, sequence: int, status: int = pdu.OK, body: bytes = b"") -> bool:
        """Answer a request of the other side; whether it could be."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(pdu.pdu(command | RESPONSE, sequence, status, body))
        return True

    def data_received(self, data: bytes) -> None:
        """Read what is whole."""
        self.heard_at = self._loop.time()
        unread = self._unread
        unread += data
        start, end = 0, len(unread)
        while end - start >= HEADER.size:
            length, command, status, sequence = HEADER.unpack_from(unread, start)
            if not HEADER.size <= length <= pdu.LONGEST:
                self.reply(Command.GENERIC_NACK, sequence, pdu.INVALID_LENGTH)
                self._end()
                return
            if end - start < length:
                break
            octets = bytes(unread[start : start + length])
            start += length
            if command & RESPONSE:
                self._answered(sequence, Answer(command, status, octets[HEADER.size :]))
            else:
                self._requested(command, sequence, octets)
        del unread[:start]

    def _answered(self, sequence: int, answer: Answer) -> None:
        asked = self._asked.get(sequence)
        if asked is not None:
            if answer.command not in {asked.command, Command.GENERIC_NACK}:
                return  # to something that was not asked
            del self._asked[sequence]
            if not asked.answer.done():
                asked.answer.set_result(answer)
        elif sequence in self._late:
            self.late(self._late.pop(sequence), answer)

    def _requested(self, command: int, sequence: int, octets: bytes) -> None:
        match command:
            case Command.DELIVER_SM | Command.DATA_SM:
                self.deliver(self, sequence, command, octets)
            case Command.ENQUIRE_LINK:
                self.reply(command, sequence)
            case Command.UNBIND:
                self.leaving = True
                self.reply(command, sequence)
                self._loop.call_later(min(1.0, self.answer_seconds), self._end)
            case Command.ALERT_NOTIFICATION | Command.OUTBIND:
                pass  # neither has an answer (4.12, 4.1.7)
            case _:
                self.reply(Command.GENERIC_NACK, sequence, pdu.INVALID_COMMAND)

    def _tick(self) -> None:
        """Give up on what was not answered in time. Requests stand in the order of their time."""
        now = self._loop.time()
        for sequence, asked in list(self._asked.items()):
            if asked.until > now:
                break
            del self._asked[sequence]
            if asked.what is not None:
                self._late[sequence] = asked.what
                if len(self._late) > MOST_LATE:
                    del self._late[next(iter(self._late))]
            if not asked.answer.done():
                asked.answer.set_exception(LateError())
        self._clock = self._loop.call_later(min(0.25, self.answer_seconds / 4), self._tick)

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.close()
