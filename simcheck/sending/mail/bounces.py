"""What mail servers send back: delivery status notifications (RFC 3464), read for the one thing they tell.

A bounce is known by the address that it came to (`mime.return_path`), never by what it quotes: it could quote
anything. Its text is not kept: it may carry the whole letter.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from enum import StrEnum

from simcheck.privacy import Keyring
from simcheck.sending.mail.mime import message_of

MOST_BYTES = 1 << 20  # of a bounce; of a longer one the rest is quoted text
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})")
_ADDRESSES = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
_MOST_PARTS = 50


class Fate(StrEnum):
    """What a notification says of a letter."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class Bounce:
    """A notification about one letter; `status` is the enhanced status code (RFC 3463), such as 5.1.1."""

    message: uuid.UUID
    fate: Fate
    status: str | None


_ACTIONS = {
    "failed": Fate.FAILED,
    "delayed": Fate.DELAYED,
    "delivered": Fate.DELIVERED,
    "relayed": Fate.DELIVERED,
    "expanded": Fate.DELIVERED,
}


def read(keyring: Keyring, content: bytes) -> Bounce | None:
    """The notification in a mail; None where it is about no letter of ours, or is none (a vacation note).

    A mail to a return path of ours that does not follow RFC 3464 counts as a failure only where an enhanced
    status code of the class 5 stands in its first text.
    """
    mail = message_from_bytes(content[:MOST_BYTES], _class=EmailMessage, policy=default)
    message = next((found for address in _addresses(mail) if (found := message_of(keyring, address))), None)
    if message is None:
        return None
    for part in _parts(mail):
        if part.get_content_type() == "message/delivery-status":
            bounce = _reported(message, part)
            if bounce is not None:
                return bounce
    return _free_form(message, mail)


def _addresses(mail: Message) -> Iterator[str]:
    for name in _ADDRESSES:
        for value in mail.get_all(name, ()):
            yield from re.split(r"[\s,;<>]+", str(value))


def _parts(mail: Message) -> Iterator[Message]:
    for count, part in enumerate(mail.walk()):
        if count >= _MOST_PARTS:
            return
        yield part


def _reported(message: uuid.UUID, part: Message) -> Bounce | None:
    """The per-recipient fields of a delivery status: we write to one mailbox at a time."""
    fields = part.get_payload()
    blocks = [each for each in fields if isinstance(each, Message)] if isinstance(fields, list) else []
    for block in blocks:
        action = _ACTIONS.get(str(block.get("Action", "")).strip().lower())
        if action is not None:
            status = _STATUS.match(str(block.get("Status", "")))
            return Bounce(message, action, status[1] if status else None)
    return None


def _free_form(message: uuid.UUID, mail: EmailMessage) -> Bounce | None:
    if (
        str(mail.get("Auto-Submitted", "")).strip().lower().startswith("auto-replied")
        and not mail.is_multipart()
    ):
        return None
    body = mail.get_body(("plain",))
    if body is None:
        return None
    payload = body.get_payload(decode=True)
    text = payload[:4096].decode("ascii", "replace") if isinstance(payload, bytes) else ""
    found = re.search(r"\b5\.\d{1,3}\.\d{1,3}\b", text)
    return Bounce(message, Fate.FAILED, found[0]) if found else None
