"""A sender process: it claims what is due, hands it to links, and has recorded what comes of it.

It has in hand about as much as its links' windows hold. When it is killed, that much is unknown afterwards:
nothing else, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock, log
from simcheck.errors import UnavailableError
from simcheck.messages.words import Channel
from simcheck.sending import beats, receipts, sweeps
from simcheck.sending.claim import Claimed, claim
from simcheck.sending.figures import Figures
from simcheck.sending.inbox import Inbox
from simcheck.sending.links import Lane, Pace, best
from simcheck.sending.listening import listen
from simcheck.sending.outcomes import Outcome, What
from simcheck.sending.recorder import Recorder
from simcheck.sending.senders import (
    MailSender,
    NotSent,
    Part,
    Rejected,
    SendError,
    SmsSender,
    Submitted,
    Throttled,
    Unknown,
)
from simcheck.service import Service

POLL, SWEEP = 1.0, 2.0  # seconds
FULL = 0.02  # seconds between two looks while nothing more fits in hand
LEASE_USED = 0.8  # of a lease; nothing is handed over in the rest of it
ACTOR = "job:sending.send"
OLDEST = sa.text("""
SELECT channel, (SELECT min(due_at) FROM message
                 WHERE state = 'due' AND message.channel = each.channel AND due_at <= :now)
FROM unnest(ARRAY['sms', 'email']) AS each (channel)
""").bindparams(sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)))


@dataclass(slots=True)
class Work:
    """A message in hand: its next part, and until when (by the loop's clock) it may be handed over."""

    claimed: Claimed
    deadline: float
    at: int = 0


Lanes = list[Lane[Work]]


class Sender:
    """The whole of a process. `run` until `stop`; `lanes` by channel are added before."""

    def __init__(self, service: Service, matching: receipts.Matching) -> None:
        self.service, self.matching = service, matching
        self.inbox = Inbox(service, self.matching)
        self.recorder = Recorder(service, self.matching)
        self.figures = Figures()
        self.lanes: dict[Channel, Lanes] = {Channel.SMS: [], Channel.EMAIL: []}
        self.process = uuid.uuid4()
        self._heard, self._stopping = asyncio.Event(), False
        self._lease = timedelta(seconds=service.settings.sending_lease_seconds)

    def add_sms(self, sender: SmsSender, rate: float) -> None:
        """Have a link used, at most `rate` parts a second."""
        self.lanes[Channel.SMS].append(Lane(sender, Pace(rate), whole=sender.whole))

    def add_mail(self, sender: MailSender, rate: float) -> None:
        """Have a way for emails used, at most `rate` a second."""
        self.lanes[Channel.EMAIL].append(Lane(sender, Pace(rate)))

    def late(self, link: str, part: Part, outcome: Submitted | SendError) -> None:
        """An answer came to a part that was given up as unknown: if it was taken, that is known now."""
        if isinstance(outcome, Submitted):
            self.recorder.add(
                Outcome(
                    part.message_id, part.number, 0, What.TAKEN, link, outcome.smsc_id,
                    answered_at=clock.now(),
                )
            )  # fmt: skip

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; then come to an end with what is in hand."""
        every = [lane for lanes in self.lanes.values() for lane in lanes]
        async with asyncio.TaskGroup() as group:
            going = [group.create_task(lane.sender.run()) for lane in every]
            going += [
                group.create_task(self._work(lane)) for lane in every for _ in range(lane.sender.window)
            ]
            going.append(group.create_task(self.recorder.run()))
            going.append(group.create_task(self.inbox.run()))
            going.append(group.create_task(self._sweep()))
            going.append(group.create_task(self._watch()))
            going.append(group.create_task(listen(self.service.database.url, self._heard)))
            claiming = [group.create_task(self._claim(channel)) for channel in self.lanes]
            await stop.wait()
            self._stopping = True
            self._heard.set()
            await asyncio.gather(*claiming)
            while any(lane.held for lane in every):
                await asyncio.sleep(FULL)
            await self._last_words()
            for task in going:
                task.cancel()

    async def _last_words(self) -> None:
        """Record what is not recorded yet, as long as the lease lets nobody else wonder."""
        until = time.monotonic() + self._lease.total_seconds()
        while not await self.recorder.finish() and time.monotonic() < until:
            await asyncio.sleep(POLL)
        await self.inbox.flush()

    async def _claim(self, channel: Channel) -> None:
        """Keep the links of a channel busy with what is due."""
        loop, lanes = asyncio.get_running_loop(), self.lanes[channel]
        while lanes and not self._stopping:
            room = sum(lane.room(loop.time()) for lane in lanes)
            if room < 1 or self.recorder.behind:
                await asyncio.sleep(FULL)
                continue
            self._heard.clear()
            deadline = loop.time() + self._lease.total_seconds() * LEASE_USED
            try:
                claimed = await self._claimed(channel, room)
            except UnavailableError:
                await asyncio.sleep(POLL)
                continue
            for each in claimed:
                self._give(Work(each, deadline))
            if len(claimed) < room:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._heard.wait(), POLL)

    async def _claimed(self, channel: Channel, most: int) -> list[Claimed]:
        async with self.service.database.transaction(ACTOR, ministry=True) as session:
            return await claim(session, self.service.keyring, channel, most, self._lease)

    def _give(self, work: Work, *, but: Lane[Work] | None = None) -> None:
        """Hand a message to the link that is quickest with it; where none is, it is due again."""
        channel = Channel.EMAIL if work.claimed.mail is not None else Channel.SMS
        part = work.claimed.parts[work.at] if work.claimed.parts else None
        begun = part is not None and len(work.claimed.parts) - work.at < part.total
        fitting = [lane for lane in self.lanes[channel] if not (begun and lane.whole)]
        lane = best(fitting, asyncio.get_running_loop().time(), but=but)
        if lane is None:
            self._release(work)
        else:
            lane.put(work)

    def _release(self, work: Work) -> None:
        """Let the message be due again."""
        self.recorder.end(work.claimed.message_id, work.claimed.attempt)

    async def _work(self, lane: Lane[Work]) -> None:
        """One place in a link's window: one message after the other, its parts in order."""
        while True:
            while not lane.queue:
                lane.filled.clear()
                await lane.filled.wait()
            work = lane.queue.popleft()
            lane.busy += 1
            try:
                await self._send(lane, work)
            finally:
                lane.busy -= 1

    async def _send(self, lane: Lane[Work], work: Work) -> None:
        """Send a message's parts from the next one on, as far as this link takes them."""
        claimed, loop = work.claimed, asyncio.get_running_loop()
        parts: Sequence[Part | None] = claimed.parts or [None]
        while work.at < len(parts):
            if not self._may(work, loop.time()):
                break
            if not lane.usable(loop.time()):
                return self._give(work, but=lane)
            await lane.pace.turn()
            if not self._may(work, loop.time()):
                break
            outcome = await self._submit(lane, work, parts[work.at])
            if outcome is None:
                return self._give(work)
            if outcome.what is What.RELEASED:
                return self._give(work, but=lane)
            count = len(parts) - work.at if lane.whole else 1
            self._note(outcome, work, count)
            work.at += count
            if outcome.what is What.FAILED:
                rest = Outcome(
                    claimed.message_id, 0, claimed.attempt, What.FAILED, lane.name, failure="part_failed"
                )
                self._note(rest, work, len(parts) - work.at)
            if outcome.what in {What.FAILED, What.REFUSED}:
                break
        self._release(work)
        return None

    def _may(self, work: Work, now: float) -> bool:
        """Whether a message in hand may still be handed over."""
        return not self._stopping and now < work.deadline and clock.now() < work.claimed.expires_at

    def _note(self, outcome: Outcome, work: Work, count: int) -> None:
        """Record an outcome of the next `count` parts."""
        parts = work.claimed.parts
        for at in range(work.at, work.at + count):
            number = parts[at].number if parts else 1
            self.recorder.add(
                Outcome(
                    outcome.message_id, number, outcome.attempt, outcome.what, outcome.link, outcome.smsc_id,
                    outcome.failure, outcome.submitted_at, outcome.answered_at,
                )
            )  # fmt: skip

    async def _submit(self, lane: Lane[Work], work: Work, part: Part | None) -> Outcome | None:
        """Hand one part over: what came of it; None where the link wants fewer."""
        loop, at = asyncio.get_running_loop(), clock.now()
        began = loop.time()
        lane.health.began()
        what, failed, smsc_id, code = What.TAKEN, False, None, None
        try:
            smsc_id = (await _handed(lane.sender, work, part)).smsc_id
        except Throttled:
            self.figures.throttled.labels(lane.name).inc()
            lane.pace.answered(loop.time(), throttled=True)
            lane.health.answered(loop.time(), loop.time() - began)
            return None
        except NotSent as error:
            what, failed, code = What.RELEASED, True, error.code
        except Rejected as error:
            what, failed = (What.FAILED, False) if error.permanent else (What.REFUSED, True)
            code = error.code
        except Unknown as error:
            what, failed, code = What.UNKNOWN, True, error.code
        except Exception as error:  # a sender's defect: it must not take the others' messages with it
            log.logger().error("sender failed", link=lane.name, exc_info=error)
            what, failed, code = What.UNKNOWN, True, "defect"
        now = loop.time()
        lane.health.answered(now, None if failed else now - began)
        if what is not What.RELEASED:
            lane.pace.answered(now, throttled=False)
            self.figures.latency.labels(lane.name).observe(now - began)
        self.figures.parts.labels(lane.name, what.value).inc()
        answered = None if what in {What.UNKNOWN, What.RELEASED} else clock.now()
        claimed = work.claimed
        return Outcome(claimed.message_id, 0, claimed.attempt, what, lane.name, smsc_id, code, at, answered)

    async def _sweep(self) -> None:
        """Look for what does not move, every few seconds."""
        while True:
            with contextlib.suppress(UnavailableError):
                await sweep(self.service, self.matching)
            await asyncio.sleep(SWEEP)

    async def _watch(self) -> None:
        """Tell how things are, every few seconds, however long a sweep takes."""
        while True:
            with contextlib.suppress(UnavailableError):
                await self._look()
            await asyncio.sleep(SWEEP)

    async def _look(self) -> None:
        """Set the figures that are states, not counts, and write down how the links are."""
        now = clock.now()
        async with self.service.database.transaction("metrics", ministry=True) as session:
            ages: list[tuple[str, datetime | None]] = [
                (row[0], row[1]) for row in await session.execute(OLDEST, {"now": now})
            ]
            await beats.write(session, self.process, self.lanes)
        for channel, since in ages:
            self.figures.due.labels(channel).set((now - since).total_seconds() if since else 0)
        for lane in (lane for lanes in self.lanes.values() for lane in lanes):
            self.figures.up.labels(lane.name).set(lane.sender.up)
            self.figures.rate.labels(lane.name).set(lane.pace.rate)


async def _handed(sender: SmsSender | MailSender, work: Work, part: Part | None) -> Submitted:
    if part is not None:
        return await sender.submit(part)  # type: ignore[arg-type]
    return await sender.submit(work.claimed.mail)  # type: ignore[arg-type]


async def sweep(service: Service, matching: receipts.Matching) -> None:
    """All that looks for what does not move, each in a transaction of its own."""
    settings, rules, actor = service.settings, matching.rules, "job:sending.sweep"
    wait = timedelta(hours=settings.sms_receipt_hours)
    every: tuple[Callable[[AsyncSession], Awaitable[int]], ...] = (
        lambda session: sweeps.leases_out(session, rules),
        lambda session: receipts.match_waiting(session, matching, wait),
        lambda session: sweeps.unanswered(session, rules, settings.sms_resends),
        lambda session: sweeps.expired(session, rules),
        lambda session: sweeps.not_heard_of(session, wait),
    )
    for one in every:
        async with service.database.transaction(actor, ministry=True) as session:
            moved = await one(session)
        if moved:
            log.logger().info("swept", count=moved)
