"""What the twins took, the newest first, as their page shows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

MOST = 2000  # messages, whoever they are for
MOST_ADDRESSES, EACH = 50_000, 20  # of so many addresses that something came for last, the last messages


@dataclass(frozen=True)
class Shown:
    """A message that somebody would have got: an SMS, or a letter with a subject."""

    kind: str  # sms or email
    sender: str
    to: str
    subject: str | None
    text: str
    parts: int
    at: datetime
    html: str | None = None


@dataclass
class Shelf:
    """The last `MOST` messages, and the last `EACH` for one address, however many came for others since."""

    messages: deque[Shown] = field(default_factory=lambda: deque(maxlen=MOST))
    count: int = 0
    _of: dict[str, deque[Shown]] = field(default_factory=dict)

    def put(self, message: Shown) -> None:
        """A message came."""
        self.messages.appendleft(message)
        own = self._of.pop(message.to, None) or deque(maxlen=EACH)
        own.appendleft(message)
        self._of[message.to] = own  # the last one now
        if len(self._of) > MOST_ADDRESSES:
            del self._of[next(iter(self._of))]
        self.count += 1

    def to(self, address: str) -> list[Shown]:
        """What came for an address, the newest first."""
        return list(self._of.get(address, ()))
