"""What links tell is stored in batches, and acknowledged once it is: nothing is lost between the two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import log
from simcheck.errors import UnavailableError
from simcheck.sending import inbound, receipts
from simcheck.sending.senders.deliveries import InboundTold, ReceiptTold, Told
from simcheck.service import Service

GATHERED = 0.01  # seconds in which what comes is gathered
BATCH, MOST = 500, 5000  # at once; in memory, before the other side is told to try again later
ACTOR = "job:sending.store"


@dataclass(frozen=True, slots=True)
class _Told:
    link: str
    told: Told
    answer: Callable[[bool], bool]


class Inbox:
    """What came in and is not stored yet. `tell` takes it, `run` stores it until cancelled."""

    def __init__(self, service: Service, matching: receipts.Matching) -> None:
        self._service, self._matching = service, matching
        self._told: list[_Told] = []
        self._acknowledged: list[bytes] = []
        self._some, self._one = asyncio.Event(), asyncio.Lock()
        self.receipts = self.messages = 0

    def tell(self, link: str, told: Told, answer: Callable[[bool], bool]) -> None:
        """Take what a link was told; `answer(stored)` is called when it is stored, or cannot be now."""
        if len(self._told) >= MOST:
            answer(False)
            return
        self._told.append(_Told(link, told, answer))
        self._some.set()

    async def run(self) -> None:
        """Store what comes, batch by batch."""
        while True:
            await self._some.wait()
            await asyncio.sleep(GATHERED)
            await self.flush()

    async def flush(self) -> None:
        """Store a batch and acknowledge it; where that fails, the other side is told to try again later."""
        async with self._one:
            await self._flush()

    async def _flush(self) -> None:
        batch, self._told = self._told[:BATCH], self._told[BATCH:]
        acknowledged, self._acknowledged = self._acknowledged, []
        if not self._told:
            self._some.clear()
        if not batch and not acknowledged:
            return
        try:
            async with self._service.database.transaction(ACTOR, ministry=True) as session:
                came = await self._store(session, [each for each in batch if self._holds(each)], acknowledged)
        except UnavailableError:
            log.logger().warning("what came in could not be stored", count=len(batch))
            self._acknowledged += acknowledged
            for each in batch:
                each.answer(False)
            return
        for each in batch:
            heard = each.answer(True)
            digest = came.get(id(each))
            if heard and digest is not None:
                self._acknowledged.append(digest)
        if self._acknowledged:
            self._some.set()

    @staticmethod
    def _holds(each: _Told) -> bool:
        """Whether there is anything in it: an empty message is acknowledged and forgotten."""
        return isinstance(each.told, ReceiptTold) or bool(each.told.text)

    async def _store(
        self, session: AsyncSession, batch: list[_Told], acknowledged: list[bytes]
    ) -> dict[int, bytes]:
        """Store everything of a batch; the digests of messages, by the identity of what was told."""
        keyring, matching = self._service.keyring, self._matching
        if acknowledged:
            await inbound.acknowledged(session, acknowledged)
        found: list[receipts.Receipt] = []
        perhaps: dict[int, receipts.Receipt] = {}
        for each in batch:
            if isinstance(each.told, ReceiptTold):
                found.append(receipts.as_receipt(keyring, each.link, each.told))
            elif each.told.perhaps is not None:
                perhaps[id(each)] = receipts.as_receipt(keyring, each.link, each.told.perhaps)
        known = await receipts.known(session, list(perhaps.values()), matching) if perhaps else set()
        found += [each for each in perhaps.values() if each.id in known]
        came: dict[int, inbound.Came] = {}
        for each in batch:
            read_as = perhaps.get(id(each))
            if isinstance(each.told, InboundTold) and (read_as is None or read_as.id not in known):
                centre = matching.centre(each.link) or each.link
                came[id(each)] = inbound.came(keyring, each.link, centre, each.told)
        if found:
            await receipts.store(session, found, matching)
        if came:
            await inbound.store(session, keyring, list(came.values()))
        self.receipts += len(found)
        self.messages += len(came)
        return {told: each.digest for told, each in came.items()}
