"""What came of parts on its way into the tables: gathered for a moment, recorded many at once."""

from __future__ import annotations

import asyncio
import uuid

from simcheck import log
from simcheck.errors import UnavailableError
from simcheck.sending.outcomes import Outcome, What, record
from simcheck.sending.receipts import Matching, match_answered
from simcheck.service import Service

GATHERED = 0.01  # seconds
AGAIN = 0.5  # seconds before it is tried again when the database is away
ACTOR = "job:sending.record"


class Recorder:
    """Outcomes that are not recorded yet. Nothing of them is given up: `run` records them until cancelled."""

    def __init__(self, service: Service, matching: Matching) -> None:
        self._service, self._matching = service, matching
        self._outcomes: list[Outcome] = []
        self._ended: list[tuple[uuid.UUID, int]] = []
        self._some, self._one = asyncio.Event(), asyncio.Lock()
        self.behind = False

    def add(self, outcome: Outcome) -> None:
        """Have an outcome recorded."""
        self._outcomes.append(outcome)
        self._some.set()

    def end(self, message_id: uuid.UUID, attempt: int) -> None:
        """Have a claim ended, after all that came of it."""
        self._ended.append((message_id, attempt))
        self._some.set()

    async def run(self) -> None:
        """Record what comes."""
        while True:
            await self._some.wait()
            await asyncio.sleep(GATHERED)
            if not await self.flush():
                await asyncio.sleep(AGAIN)

    async def flush(self) -> bool:
        """Record all that came so far; whether it could be."""
        async with self._one:
            return await self._flush()

    async def _flush(self) -> bool:
        self._some.clear()
        outcomes, ended = self._outcomes, self._ended
        self._outcomes, self._ended = [], []
        first: dict[tuple[uuid.UUID, int], Outcome] = {}
        later = [
            each for each in outcomes if first.setdefault((each.message_id, each.number), each) is not each
        ]
        if later:  # two outcomes of one part: one after the other
            self._outcomes = later
            self._some.set()
        if not first and not ended:
            return True
        names = [each.smsc_id for each in first.values() if each.what is What.TAKEN and each.smsc_id]
        try:
            async with self._service.database.transaction(ACTOR, ministry=True) as session:
                await record(session, list(first.values()), ended, self._matching.rules)
                if names:
                    await match_answered(session, names, self._matching)
        except UnavailableError:
            if not self.behind:
                log.logger().warning("outcomes could not be recorded", count=len(first))
            self.behind = True
            self._outcomes, self._ended = outcomes + self._outcomes, ended + self._ended
            self._some.set()
            return False
        self.behind = False
        return True
