"""Emails handed to a mail server (RFC 5321) over sessions that are kept, and what that came to.

Before the server has been given the letter, every failure is "surely not sent". Once it has, no answer means
that nobody knows: it may have been taken. Of an answer the codes alone are kept: it may quote the address.
"""

from __future__ import annotations

import asyncio
import random
import re
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import aiosmtplib
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from simcheck import clock, log
from simcheck.errors import InvalidError
from simcheck.privacy import Keyring
from simcheck.sending.mail import mime
from simcheck.sending.senders import Mail, NotSent, Rejected, SendError, Submitted, Throttled, Unknown

NAME = "mail"  # of the way that emails go, in tables and figures
SECONDS = 30.0  # for the server's answer to one command
ATTEMPTS = 3  # to reach the server, within one try
IDLE_SECONDS = 20.0  # that a session is kept for the next letter
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # seconds before a server that could not be reached is tried again
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_CLOSING, _TOO_MUCH = 421, {"4.3.2", "4.4.5", "4.7.28"}  # the server wants us to go, or to send fewer


class Tls(StrEnum):
    """How a connection to the mail server is protected."""

    REQUIRED = "required"  # STARTTLS, or nothing is sent
    IMPLICIT = "implicit"  # TLS from the first byte (port 465)
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where the server has it; the certificate is not looked at
    NONE = "none"  # for a server on this machine


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


@dataclass(frozen=True)
class Sender:
    """Who writes: a name and its mailbox, and the key that signs for its domain."""

    name: str
    mailbox: str
    signer: mime.Signer | None = None

    @property
    def domain(self) -> str:
        """The mailbox's domain."""
        return self.mailbox.rpartition("@")[2]


class SmtpSender:
    """Hands emails to one mail server; a `senders.MailSender`."""

    name = NAME

    def __init__(self, server: MailServer, sender: Sender, keyring: Keyring, window: int = 4) -> None:
        self.server, self.sender, self.window, self._keyring = server, sender, window, keyring
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        self._down_until, self._pause = 0.0, FIRST_PAUSE

    @property
    def up(self) -> bool:
        """Whether the server is worth a try now."""
        return time.monotonic() >= self._down_until

    async def run(self) -> None:
        """Close what was idle too long, until cancelled; then say good-bye."""
        try:
            while True:
                await asyncio.sleep(IDLE_SECONDS / 2)
                late = time.monotonic() - IDLE_SECONDS
                old = [client for since, client in self._idle if since < late]
                self._idle = [each for each in self._idle if each[0] >= late]
                await _leave(old)
        finally:
            idle, self._idle = self._idle, []
            await _leave([client for _, client in idle])

    async def submit(self, mail: Mail) -> Submitted:
        """Hand one email over. Raises `NotSent`, `Throttled`, `Rejected` or `Unknown`."""
        try:
            content = self._content(mail)
        except InvalidError:
            raise Rejected("not_an_email", permanent=True) from None
        client = await self._session()
        back = mime.return_path(self._keyring, mail.message_id, self.sender.domain)
        try:
            await hand_over(client, back, mail.address.strip(), content)
        finally:
            if client.is_connected:
                self._idle.append((time.monotonic(), client))
        return Submitted(str(mail.message_id))

    def _content(self, mail: Mail) -> bytes:
        letter = mime.Letter(
            mail.message_id, mail.address, mail.subject, mail.text, mail.html, mail.language, clock.now()
        )
        return mime.made(letter, (self.sender.name, self.sender.mailbox), self.sender.signer)

    async def _session(self) -> aiosmtplib.SMTP:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < IDLE_SECONDS:
                return client
            client.close()
        try:
            client = await connect(self.server)
        except NotSent as error:
            self._down_until = time.monotonic() + self._pause * random.uniform(0.5, 1)  # noqa: S311
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            log.logger().warning("mail server away", link=self.name, code=error.code)
            raise
        self._pause = FIRST_PAUSE
        return client


async def connect(server: MailServer) -> aiosmtplib.SMTP:
    """A session with the server, for any number of letters. Raises `NotSent`.

    A server that cannot be reached is tried again a few times within seconds.
    """
    tries = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS), wait=wait_random_exponential(0.2, max=2), reraise=True,
        retry=retry_if_exception_type((aiosmtplib.SMTPConnectError, ConnectionError)),
    )  # fmt: skip
    client = aiosmtplib.SMTP(
        hostname=server.host, port=server.port, timeout=server.seconds, local_hostname=server.name,
        username=server.user, password=server.password, use_tls=server.tls is Tls.IMPLICIT,
        start_tls={Tls.REQUIRED: True, Tls.OPPORTUNISTIC: None}.get(server.tls, False),
        tls_context=_trust(server),
    )  # fmt: skip
    try:
        await tries(client.connect)
    except aiosmtplib.SMTPAuthenticationError:
        client.close()
        raise NotSent("login_refused") from None
    except aiosmtplib.SMTPResponseException as error:
        client.close()
        raise NotSent(_code(error)) from None
    except (ssl.SSLError, aiosmtplib.SMTPNotSupported):
        client.close()
        raise NotSent("no_tls") from None
    except (aiosmtplib.SMTPException, OSError):
        client.close()
        raise NotSent("no_connection") from None
    return client


async def hand_over(client: aiosmtplib.SMTP, return_path: str, to: str, content: bytes) -> None:
    """Give one letter to the server. Raises `NotSent`, `Throttled`, `Rejected` or `Unknown`.

    The session is fit for the next letter afterwards, or closed.
    """
    try:
        await client.mail(return_path, encoding="ascii")
        await client.rcpt(to, encoding="ascii")
    except aiosmtplib.SMTPResponseException as error:
        await _start_anew(client)
        raise _refused(error, NotSent("no_answer")) from None
    except (aiosmtplib.SMTPException, OSError):
        client.close()
        raise NotSent("no_answer") from None
    try:
        await client.data(content)
    except aiosmtplib.SMTPDataError as error:
        if 200 <= error.code < 300:
            return  # taken, in other words than usual
        await _start_anew(client)
        raise _refused(error, Unknown("no_answer")) from None
    except (aiosmtplib.SMTPException, OSError):
        client.close()
        raise Unknown("no_answer") from None


def _refused(error: aiosmtplib.SMTPResponseException, unreadable: SendError) -> SendError:
    """By the class of the reply (RFC 5321 4.2.1); what is no reply at all is `unreadable`."""
    code = _code(error)
    if error.code == _CLOSING or code.partition("/")[2] in _TOO_MUCH:
        return Throttled(code)
    if not 400 <= error.code < 600:
        return unreadable
    return Rejected(code, permanent=error.code >= 500)


def _code(error: aiosmtplib.SMTPResponseException) -> str:
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code}/{enhanced[1]}" if enhanced else str(error.code)


async def _start_anew(client: aiosmtplib.SMTP) -> None:
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


async def _leave(clients: list[aiosmtplib.SMTP]) -> None:
    for client in clients:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=1)
        client.close()


def _trust(server: MailServer) -> ssl.SSLContext | None:
    if server.tls is Tls.NONE:
        return None
    context = ssl.create_default_context(cafile=server.trust)
    if server.tls is Tls.OPPORTUNISTIC:  # against those who only listen; anybody in between could strip it
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
