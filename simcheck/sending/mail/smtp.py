"""One email handed to a mail server (RFC 5321), and what that came to.

Before the server has been given the letter, every failure is "surely not sent". Once it has, no answer means
that nobody knows: it may have been taken. Of an answer the codes alone are kept: it may quote the address.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

import aiosmtplib
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

SECONDS = 30.0  # for the server's answer to one command
ATTEMPTS = 3  # to reach the server at all, within one try
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Tls(StrEnum):
    """How a connection to the mail server is protected."""

    REQUIRED = "required"  # STARTTLS, or nothing is sent
    IMPLICIT = "implicit"  # TLS from the first byte (port 465)
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where the server has it; the certificate is not looked at
    NONE = "none"  # for a server on this machine


class Fate(StrEnum):
    """What handing a letter over came to."""

    TAKEN = "taken"
    LATER = "later"  # surely not sent; another try may succeed
    REFUSED = "refused"  # surely not sent, and never will be
    UNKNOWN = "unknown"  # given to the server, which did not say whether it took it


@dataclass(frozen=True)
class Handed:
    """The outcome; `code` is the server's own (`550/5.1.1`), or a word of ours for what came before one."""

    fate: Fate
    code: str | None = None


@dataclass(frozen=True)
class MailServer:
    """Where letters are handed over. `name` is what we greet with (EHLO), `trust` who vouches for it."""

    host: str
    port: int
    tls: Tls = Tls.REQUIRED
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    trust: str | None = None
    name: str | None = None
    seconds: float = SECONDS


@asynccontextmanager
async def connected(server: MailServer) -> AsyncIterator[aiosmtplib.SMTP]:
    """A session with the server, for any number of letters. Raises what aiosmtplib raises, and OSError.

    A server that cannot be reached is tried again a few times within seconds.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host, port=server.port, timeout=server.seconds, local_hostname=server.name,
        username=server.user, password=server.password, use_tls=server.tls is Tls.IMPLICIT,
        start_tls={Tls.REQUIRED: True, Tls.OPPORTUNISTIC: None}.get(server.tls, False),
        tls_context=_trust(server),
    )  # fmt: skip
    tries = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS), wait=wait_random_exponential(0.2, max=2), reraise=True,
        retry=retry_if_exception_type((aiosmtplib.SMTPConnectError, OSError)),
    )  # fmt: skip
    async for attempt in tries:
        with attempt:
            await client.connect()
    try:
        yield client
    finally:
        if client.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=2)
        client.close()


async def hand_over(client: aiosmtplib.SMTP, return_path: str, to: str, content: bytes) -> Handed:
    """Give one letter to the server, and say what became of it. Never raises for what a server does."""
    try:
        await client.mail(return_path, encoding="ascii")
        await client.rcpt(to, encoding="ascii")
    except aiosmtplib.SMTPResponseException as error:
        await _start_anew(client)
        return _answered(error, Fate.LATER)
    except (aiosmtplib.SMTPException, OSError, ValueError):
        client.close()
        return Handed(Fate.LATER, "no_answer")
    try:
        await client.data(content)
    except aiosmtplib.SMTPDataError as error:
        await _start_anew(client)
        return _answered(error, Fate.UNKNOWN)
    except (aiosmtplib.SMTPException, OSError):
        client.close()
        return Handed(Fate.UNKNOWN, "no_answer")
    return Handed(Fate.TAKEN)


def failure_of(error: Exception) -> Handed:
    """What it means for a letter that no session could be had: it did not leave."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Handed(Fate.LATER, "login_refused")  # a setting of ours is wrong: no letter is lost by it
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Handed(Fate.LATER, _code(error))
    if isinstance(error, ssl.SSLError | aiosmtplib.SMTPNotSupported):
        return Handed(Fate.LATER, "no_tls")
    return Handed(Fate.LATER, "no_connection")


def _answered(error: aiosmtplib.SMTPResponseException, unreadable: Fate) -> Handed:
    """By the class of the reply (RFC 5321 4.2.1); what is no reply at all is `unreadable`."""
    fates = {2: Fate.TAKEN, 4: Fate.LATER, 5: Fate.REFUSED}
    fate = fates.get(error.code // 100)
    return Handed(unreadable, "no_answer") if fate is None else Handed(fate, _code(error))


def _code(error: aiosmtplib.SMTPResponseException) -> str:
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code}/{enhanced[1]}" if enhanced else str(error.code)


async def _start_anew(client: aiosmtplib.SMTP) -> None:
    """Leave the session fit for the next letter, or closed."""
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _trust(server: MailServer) -> ssl.SSLContext | None:
    if server.tls is Tls.NONE:
        return None
    context = ssl.create_default_context(cafile=server.trust)
    if server.tls is Tls.OPPORTUNISTIC:  # against those who only listen; anybody in between could strip it
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
