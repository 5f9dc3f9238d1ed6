"""What is handed to the other side, and what can come of it: one protocol for each channel.

A sender that raises says what it knows. Whoever calls it may only send again what surely did not go.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an SMS.

    `address` is digits alone, with the country's code. `data` is what goes into `short_message`: one septet
    an octet with `data_coding` 0, UTF-16 (big-endian) with 8, behind a user data header where `udh` says so.
    `text` is the whole message, for senders that cut it themselves. `reference` (0 to 65535) is a number of
    our own that a receipt may give back. It is worth nothing after `expires_at`.
    """

    message_id: uuid.UUID
    number: int
    total: int
    address: str
    data: bytes
    data_coding: int
    udh: bool
    text: str
    reference: int
    expires_at: datetime
    urgent: bool

    @property
    def key(self) -> str:
        """The same for every try: an idempotency key, where the other side knows such things."""
        return f"{self.message_id}/{self.number}"


@dataclass(frozen=True, slots=True)
class Mail:
    """One email. `html` is None where there is only text."""

    message_id: uuid.UUID
    address: str
    subject: str
    text: str
    html: str | None
    language: str
    kind: str
    expires_at: datetime

    @property
    def key(self) -> str:
        """The same for every try."""
        return str(self.message_id)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The other side has taken it, under this name of its own ("" where it gives none)."""

    smsc_id: str


class SendError(Exception):
    """It was not taken. `code` is a word of ours or the other side's status: nothing of the message."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Throttled(SendError):  # noqa: N818
    """Surely not sent: the other side wants fewer, on this whole link. Send it again later."""


class NotSent(SendError):  # noqa: N818
    """Surely not sent: it never left, or the link was not there. Another link may take it at once."""


class Rejected(SendError):  # noqa: N818
    """Surely not sent: refused, for good (`permanent`) or for now."""

    def __init__(self, code: str, *, permanent: bool) -> None:
        self.permanent = permanent
        super().__init__(code)


class Unknown(SendError):  # noqa: N818
    """It may have gone: there was no answer. It is not sent again before somebody has found out."""


class SmsSender(Protocol):
    """A link that takes parts of SMS.

    `name` stands in tables and metrics. `window` is how many parts may be on their way at once. With `whole`,
    it takes a message as one (`Part.text`) and is handed its first part alone. `submit` raises `Throttled`,
    `NotSent`, `Rejected` or `Unknown`, and nothing else. `run` keeps the link up until it is cancelled; `up`
    says whether it takes parts now.
    """

    name: str
    window: int
    whole: bool

    @property
    def up(self) -> bool: ...

    async def run(self) -> None: ...

    async def submit(self, part: Part) -> Submitted: ...


class MailSender(Protocol):
    """The same for emails."""

    name: str
    window: int

    @property
    def up(self) -> bool: ...

    async def run(self) -> None: ...

    async def submit(self, mail: Mail) -> Submitted: ...
