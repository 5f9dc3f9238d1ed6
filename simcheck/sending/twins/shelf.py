"""What the twins took, the newest first, as their page shows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

MOST = 2000


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
    """The last `MOST` messages."""

    messages: deque[Shown] = field(default_factory=lambda: deque(maxlen=MOST))
    count: int = 0

    def put(self, message: Shown) -> None:
        """A message came."""
        self.messages.appendleft(message)
        self.count += 1

    def to(self, address: str) -> list[Shown]:
        """What came for an address, the newest first."""
        return [each for each in self.messages if each.to == address]
