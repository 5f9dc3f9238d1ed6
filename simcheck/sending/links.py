"""Which link takes a message, and how fast: one pace and one health a link.

A link that is told to slow down does so as a whole. One that fails is left alone for a while, and then tried
with a few.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from simcheck.sending.senders import MailSender, SmsSender

SPAN = 0.2  # seconds over which answers are counted before the pace changes
BEARABLE = 0.1  # share of throttled parts up to which a link goes on getting faster
STEP = 0.05  # of the set rate, by which it does in each span
LEAST_KEPT = 0.25  # of a rate in one span
LEAST_RATE = 1.0  # parts a second
BURST = 0.02  # seconds' worth of parts that may go at once

WEIGHT = 0.1  # of the newest answer in a running mean
BROKEN = 0.5  # share of failures that breaks a link off
FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds
FAILURE_COSTS = 2.0  # seconds that a failure is worth when links are compared
AHEAD = 0.25  # seconds of work that a link is handed beyond its window

Entry = TypeVar("Entry")


class Pace:
    """A bucket of `rate` parts a second that empties when the other side says so.

    Throttled answers lower the rate to what was accepted (multiplicative), others raise it again by small
    steps (additive), so that a few random ones cost nothing and many are obeyed at once.
    """

    def __init__(self, rate: float) -> None:
        self.set_rate, self.rate = rate, rate
        self.throttled = 0
        self._next = 0.0
        self._since, self._taken, self._refused = 0.0, 0, 0

    async def turn(self) -> None:
        """Wait for the right to send one."""
        now = asyncio.get_running_loop().time()
        mine = max(self._next, now - BURST)
        self._next = mine + 1 / self.rate
        if mine > now:
            await asyncio.sleep(mine - now)

    def answered(self, now: float, *, throttled: bool) -> None:
        """An answer came."""
        self._taken += not throttled
        self._refused += throttled
        self.throttled += throttled
        if now - self._since >= SPAN:
            share = self._refused / (self._taken + self._refused)
            rate = self.rate * max(LEAST_KEPT, 1 - share)
            if share <= BEARABLE:
                rate += self.set_rate * STEP
            self.rate = min(self.set_rate, max(LEAST_RATE, rate))
            self._since, self._taken, self._refused = now, 0, 0


class Health:
    """Failures and latency of a link as running means, how many answers were which, and whether it is left
    alone.
    """

    def __init__(self) -> None:
        self.failures, self.latency = 0.0, 0.0
        self.taken, self.failed = 0, 0
        self._until, self._rest, self._trial = 0.0, FIRST_REST, False

    @property
    def broken(self) -> bool:
        """Whether it is left alone, or tried with one part at a time after that."""
        return self._until > 0

    def usable(self, now: float) -> bool:
        """Whether it may be given work."""
        return now >= self._until and not self._trial

    def began(self) -> None:
        """A part goes out."""
        self._trial = self.broken

    def answered(self, now: float, seconds: float | None) -> None:
        """It was answered after so many seconds; None: it failed."""
        self._trial = False
        self.failures += WEIGHT * ((seconds is None) - self.failures)
        self.taken += seconds is not None
        self.failed += seconds is None
        if seconds is not None:
            self.latency += WEIGHT * (seconds - self.latency)
            if self.broken:
                self._until, self._rest, self.failures = 0.0, FIRST_REST, 0.0
        elif now >= self._until and (self.broken or self.failures > BROKEN):
            self._until = now + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)


@dataclass
class Lane(Generic[Entry]):
    """A link with its queue. With `whole` it takes messages, not parts."""

    sender: SmsSender | MailSender
    pace: Pace
    whole: bool = False
    health: Health = field(default_factory=Health)
    queue: deque[Entry] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    busy: int = 0

    @property
    def name(self) -> str:
        """The link's name."""
        return self.sender.name

    @property
    def held(self) -> int:
        """What it has in hand."""
        return self.busy + len(self.queue)

    def usable(self, now: float) -> bool:
        """Whether it may be given work."""
        return self.sender.up and self.health.usable(now)

    def room(self, now: float) -> int:
        """How much more it should have in hand. It is as little as keeps it busy: what is in hand when this
        process is killed is unknown afterwards.
        """
        if not self.usable(now):
            return 0
        if self.health.broken:
            return max(0, 1 - self.held)
        most = min(2 * self.sender.window, self.sender.window + self.pace.rate * AHEAD, self.pace.rate)
        return max(0, int(max(1, most)) - self.held)

    def cost(self) -> float:
        """Seconds until it would be through with one more, and what its failures are worth."""
        wait = (self.held + 1) * max(1 / self.pace.rate, self.health.latency / self.sender.window)
        return wait + self.health.latency + FAILURE_COSTS * self.health.failures

    def put(self, entry: Entry) -> None:
        """Hand it a message."""
        self.queue.append(entry)
        self.filled.set()


def best(lanes: list[Lane[Entry]], now: float, *, but: Lane[Entry] | None = None) -> Lane[Entry] | None:
    """The link that is quickest with one more, other than `but`; None where none is usable."""
    usable = [lane for lane in lanes if lane is not but and lane.usable(now)]
    return min(usable, key=Lane.cost, default=None)
