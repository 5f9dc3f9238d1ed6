"""An SMSC on loopback that does what a test asks of it: raw octets, so that it can be as hostile as any.

    async with Smsc() as smsc:
        smsc.answer = lambda submit: Reply(status=0x58)
        ...
        smsc.accepted      what it took, in order

It counts what it accepted by the key that each text carries, so that a test knows what was sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import smpp34

HEADER = struct.Struct(">IIII")
BINDS, SUBMIT, DELIVER, UNBIND, ENQUIRE, NACK = {1, 2, 9}, 4, 5, 6, 0x15, 0x80000000


@dataclass
class Submit:
    """A submit_sm as it came."""

    sequence: int
    octets: bytes
    link: Connection
    pdu: smpp34.SubmitSm = field(init=False)

    def __post_init__(self) -> None:
        self.pdu = smpp34.decode(self.octets)
        assert isinstance(self.pdu, smpp34.SubmitSm)

    @property
    def body(self) -> bytes:
        """The text without its header."""
        message = self.pdu.short_message
        return message[1 + message[0] :] if self.pdu.esm_class & 0x40 else message

    @property
    def reference(self) -> int | None:
        """The user_message_reference."""
        return next((each.as_int() for each in self.pdu.tlvs if each.tag == 0x0204), None)


@dataclass
class Reply:
    """How a submit is answered. `taken` is whether it is (None: as the status says). Without `send` there is
    no answer. `after` seconds late; `twice` repeats it; `cut` sends so many of its octets and closes; `drop`
    closes at once.
    """

    status: int = 0
    smsc_id: str | None = None
    taken: bool | None = None
    send: bool = True
    after: float = 0.0
    twice: bool = False
    cut: int | None = None
    drop: bool = False
    command: int = SUBMIT | 0x80000000


def pdu(command: int, sequence: int, status: int = 0, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


class Connection:
    """One bound ESME."""

    def __init__(self, smsc: Smsc, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.smsc, self.reader, self.writer = smsc, reader, writer
        self.kind = 0
        self.system_id = ""
        self.asked: dict[int, asyncio.Future[int]] = {}
        self.sequence = 0

    async def serve(self) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await self.reader.readexactly(HEADER.size)
                length, command, status, sequence = HEADER.unpack(head)
                body = await self.reader.readexactly(length - HEADER.size)
                await self.read(command, status, sequence, head + body)
        self.writer.close()
        for each in self.asked.values():
            if not each.done():
                each.set_exception(ConnectionResetError())

    async def read(self, command: int, status: int, sequence: int, octets: bytes) -> None:
        body = octets[HEADER.size :]
        if command in BINDS:
            self.kind, self.system_id = command, body.split(b"\0")[0].decode()
            self.smsc.binds.append(octets)
            refused = self.smsc.bind_status
            self.send(pdu(command | NACK, sequence, refused, b"" if refused else b"test\0"))
            if not refused:
                self.smsc.connections.append(self)
        elif command == SUBMIT:
            self.smsc.take(Submit(sequence, octets, self))
        elif command == ENQUIRE:
            self.smsc.enquired += 1
            if self.smsc.answers_enquiries:
                self.send(pdu(ENQUIRE | NACK, sequence))
        elif command == UNBIND:
            self.smsc.unbound += 1
            self.send(pdu(UNBIND | NACK, sequence))
        elif sequence in self.asked and not self.asked[sequence].done():
            self.asked.pop(sequence).set_result(status)
        else:
            self.smsc.strange.append(octets)

    def send(self, octets: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(octets)

    async def deliver(self, **fields: object) -> int:
        """Send a deliver_sm; the status of its answer."""
        self.sequence += 1
        sent = smpp34.DeliverSm(sequence_number=self.sequence, **fields)  # type: ignore[arg-type]
        answer = self.asked[self.sequence] = asyncio.get_running_loop().create_future()
        self.send(sent.encode())
        return await answer

    async def receipt(self, submit: Submit, smsc_id: str, stat: str = "DELIVRD", **changed: object) -> int:
        """Send a receipt in the form of the specification's appendix B."""
        text = (
            f"id:{smsc_id} sub:001 dlvrd:001 submit date:2611250400 done date:2611250401 stat:{stat} err:000"
        )
        given = {
            "source_addr": submit.pdu.destination_addr, "destination_addr": submit.pdu.source_addr,
            "short_message": f"{text} text:".encode(), "esm_class": 4,
        }  # fmt: skip
        return await self.deliver(**(given | changed))


class Smsc:
    """The whole of it. `answer` says how each submit is answered."""

    def __init__(self, port: int = 0, tls: object = None) -> None:
        self.port, self.tls = port, tls
        self.answer: Callable[[Submit], Reply] = lambda submit: Reply()
        self.accepted: list[Submit] = []
        self.ids: list[str] = []
        self.came: list[Submit] = []
        self.binds: list[bytes] = []
        self.strange: list[bytes] = []
        self.connections: list[Connection] = []
        self.bind_status = self.enquired = self.unbound = 0
        self.answers_enquiries = True
        self.receipts = False
        self.count = 0

    async def __aenter__(self) -> Smsc:
        self.server = await asyncio.start_server(self._open, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        self.drop()
        await asyncio.sleep(0)

    async def _open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, reader, writer)
        await connection.serve()
        if connection in self.connections:
            self.connections.remove(connection)

    def drop(self) -> None:
        """End every connection without a word."""
        for each in list(self.connections):
            each.writer.transport.abort()
        self.connections.clear()

    def next_id(self) -> str:
        self.count += 1
        return f"{self.count:x}"

    def take(self, submit: Submit) -> None:
        self.came.append(submit)
        reply = self.answer(submit)
        smsc_id = reply.smsc_id
        if reply.taken if reply.taken is not None else reply.status == 0:
            smsc_id = smsc_id or self.next_id()
            self.accepted.append(submit)
            self.ids.append(smsc_id)
            if self.receipts:
                self._later(0, submit.link.receipt(submit, smsc_id))
        if reply.drop:
            submit.link.writer.transport.abort()
        elif reply.send:
            body = (smsc_id or "").encode() + b"\0" if reply.status == 0 else b""
            answer = pdu(reply.command, submit.sequence, reply.status, body)
            if reply.cut is not None:
                submit.link.send(answer[: reply.cut])
                submit.link.writer.close()
                return
            answer *= 1 + reply.twice
            if reply.after:
                asyncio.get_running_loop().call_later(reply.after, submit.link.send, answer)
            else:
                submit.link.send(answer)

    def _later(self, seconds: float, what: object) -> None:
        async def run() -> None:
            with contextlib.suppress(OSError):
                await what  # type: ignore[misc]

        asyncio.get_running_loop().call_later(seconds, lambda: self._tasks.add(asyncio.ensure_future(run())))

    _tasks: set[object] = set()  # noqa: RUF012
