"""One email as it travels: text and HTML of the same words, headers, and the signature of our domain (DKIM).

The return path names the message, with a keyed token that nobody else can make, so that a bounce finds it
(VERP). Values that would begin another header are refused.
"""

from __future__ import annotations

import hmac
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import dkim

from simcheck.errors import InvalidError
from simcheck.privacy import Keyring

# RFC 5321 4.5.3.1; one mailbox, no quoted local part and no address literal: records hold no others.
_MAILBOX = re.compile(
    r"(?=.{3,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_BOUNCE = re.compile(r"(?i)bounce\+([0-9a-f]{32})\.([0-9a-f]{16})")
_MAC_HEX = 16
# What a receiver checks: who wrote to whom, what, when (RFC 6376 5.4).
_SIGNED = [
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"auto-submitted",
]


@dataclass(frozen=True)
class Signer:
    """A domain's DKIM key: the selector of its public half in the DNS, and the private PEM."""

    domain: str
    selector: str
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Letter:
    """What is written to one mailbox. `id` is the message's own; `html` says the same as `text`."""

    id: uuid.UUID
    to: str
    subject: str
    text: str
    html: str | None
    language: str
    at: datetime


def mailbox(address: str) -> str | None:
    """The address, if it is one mailbox that mail can go to; else None."""
    stripped = address.strip()
    return stripped if _MAILBOX.fullmatch(stripped) else None


def made(letter: Letter, sender: tuple[str, str], signer: Signer | None = None) -> bytes:
    """The email's bytes, lines ended by CRLF; `sender` is a name and its mailbox.

    Raises `InvalidError` where the recipient is no mailbox or the subject holds a line break.
    """
    to = mailbox(letter.to)
    if to is None:
        raise InvalidError("email: this is not a mailbox that mail can go to.")
    if _CONTROL.search(letter.subject):
        raise InvalidError("subject: a line break or control character cannot stand in it.")
    name, own = sender
    message = EmailMessage(policy=SMTP.clone(max_line_length=78))
    message["From"] = Address(display_name=name, addr_spec=own)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = letter.subject
    message["Date"] = letter.at
    message["Message-ID"] = f"<{letter.id}@{own.rpartition('@')[2]}>"
    message["Content-Language"] = letter.language
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes back
    message.set_content(letter.text, cte="base64")
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html", cte="base64")
    content = message.as_bytes()
    if signer is None:
        return content
    signature: bytes = dkim.sign(
        content, signer.selector.encode(), signer.domain.encode(), signer.key,
        canonicalize=(b"relaxed", b"relaxed"), include_headers=_SIGNED,
    )  # fmt: skip
    return signature + content


def return_path(keyring: Keyring, message: uuid.UUID, domain: str) -> str:
    """Where a bounce of the message goes: an address that nobody else can make."""
    return f"bounce+{message.hex}.{_mac(keyring, message)}@{domain}"


def message_of(keyring: Keyring, address: str) -> uuid.UUID | None:
    """The message whose return path this is; None where it is none of ours."""
    found = _BOUNCE.match(address.strip().strip("<>"))
    if found is None:
        return None
    message = uuid.UUID(hex=found[1])
    return message if hmac.compare_digest(found[2].lower(), _mac(keyring, message)) else None


def _mac(keyring: Keyring, message: uuid.UUID) -> str:
    return keyring.token("bounce", message.bytes).hex()[:_MAC_HEX]
