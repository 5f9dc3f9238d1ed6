"""A twin of an SMS centre (SMPP 3.4): takes every part, says that it was delivered, and lets one answer."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress

from smpp34 import Esme, Server, SmppError, SubmitSmEvent, Unbound

from simcheck import clock, log
from simcheck.errors import UnavailableError
from simcheck.messages.alphabets import read_gsm, ucs2
from simcheck.sending.twins.shelf import Shelf, Shown

SYSTEM_ID = "twin"
_UDHI, _RECEIPT, _UCS2 = 0x40, 0x04, 0x08
_MOST_WAITING = 10_000  # parts whose other parts have not come


class SmscTwin:
    """Binds whoever asks. `shelf` holds what came; a receipt follows each part after `receipt_seconds`."""

    def __init__(self, host: str, port: int, shelf: Shelf, receipt_seconds: float = 0.5) -> None:
        self.shelf, self.receipt_seconds = shelf, receipt_seconds
        self._server = Server(host, port, system_id=SYSTEM_ID)
        self._esmes: dict[str, Esme] = {}
        self._numbers = itertools.count(1)
        self._waiting: dict[tuple[str, str, int], dict[int, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._service = ""  # the number under which holders know us

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._server.start()
        try:
            while True:
                event = await self._server.next()
                if isinstance(event, Esme):
                    self._esmes[event.session_id] = event
                elif isinstance(event, Unbound):
                    self._esmes.pop(event.session_id, None)
                elif isinstance(event, SubmitSmEvent):
                    self._take(event)
        finally:
            for task in self._tasks:
                task.cancel()
            await self._server.stop()

    async def answer(self, number: str, text: str) -> None:
        """Send us an SMS as its holder would. Raises `UnavailableError` where nobody is bound to take it."""
        sent = False
        for esme in list(self._esmes.values()):
            if not sent and esme.can_receive:
                with suppress(SmppError):
                    answer = await esme.deliver_sm(
                        self._service, ucs2(text), source_addr=number, source_addr_ton=1, source_addr_npi=1,
                        data_coding=_UCS2,
                    )  # fmt: skip
                    sent = answer.is_success
        if not sent:
            raise UnavailableError("nobody is bound to take an SMS. Start `simcheck sender`.")

    def _take(self, event: SubmitSmEvent) -> None:
        name = f"{next(self._numbers):010d}"
        try:
            self._shelve(event)
        except (ValueError, IndexError):
            event.reject()
            return
        event.accept(name)
        if event.registered_delivery & 1:
            task = asyncio.create_task(self._tell(event, name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _shelve(self, event: SubmitSmEvent) -> None:
        content, joined = bytes(event.short_message), (0, 1, 1)
        if event.esm_class & _UDHI:
            head, content = content[: 1 + content[0]], content[1 + content[0] :]
            joined = (head[3], head[4], head[5])
        text = content.decode("utf-16-be") if event.data_coding == _UCS2 else read_gsm(content)
        reference, total, number = joined
        self._service = event.source_addr
        key = (event.source_addr, event.destination_addr, reference)
        parts = self._waiting.setdefault(key, {})
        parts[number] = text
        if len(parts) == total:
            del self._waiting[key]
            whole = "".join(parts[each] for each in sorted(parts))
            to = f"+{event.destination_addr}"
            self.shelf.put(Shown("sms", event.source_addr, to, None, whole, total, clock.now()))
        elif len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]

    async def _tell(self, event: SubmitSmEvent, name: str) -> None:
        """A receipt by the session that the part came by, or any that takes them."""
        await asyncio.sleep(self.receipt_seconds)
        at = clock.now().strftime("%y%m%d%H%M")
        text = (
            f"id:{name} sub:001 dlvrd:001 submit date:{at} done date:{at} stat:DELIVRD err:000 text:"
        ).encode()
        own = self._esmes.get(event.session_id)
        for esme in [each for each in (own, *self._esmes.values()) if each is not None]:
            if esme.can_receive:
                try:
                    await esme.deliver_sm(
                        event.source_addr, text, source_addr=event.destination_addr, esm_class=_RECEIPT
                    )
                except SmppError:
                    log.logger().warning("no receipt", link=SYSTEM_ID)
                return
