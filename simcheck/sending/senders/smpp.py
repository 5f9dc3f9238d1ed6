"""A link by SMPP 3.4: bound, watched, bound again; parts go out, and what the other side tells comes in."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from contextlib import suppress

from smpp34 import SmppError, SubmitSm, Tlv
from smpp34._smpp34 import TLV_USER_MESSAGE_REFERENCE

from simcheck import clock, log
from simcheck.errors import SettingsError
from simcheck.sending.senders import (
    NotSent,
    Part,
    Rejected,
    SendError,
    Submitted,
    Throttled,
    Unknown,
    deliveries,
    pdu,
)
from simcheck.sending.senders.deliveries import Told
from simcheck.sending.senders.pdu import Bind, Command
from simcheck.sending.senders.session import Answer, LateError, LostError, SmppSession
from simcheck.sending.settings import SmppSettings

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0  # seconds before a link that is down is tried again
STEADY = 10.0  # seconds after which a link that was up counts as well again
UDHI = 0x40  # of esm_class: the message begins with a user data header
WANTS_RECEIPT = 1  # of registered_delivery: whatever becomes of it
INTERNATIONAL, ISDN = 1, 1

# `tell(link, told, answer)`: what came in; `answer(stored)` acknowledges it, and says whether it could.
Tell = Callable[[str, Told, Callable[[bool], bool]], None]
# `late(part, outcome)`: the answer to a part whose time was over.
Late = Callable[[str, Part, Submitted | SendError], None]


class SmppLink:
    """One bind to one SMSC."""

    whole = False

    def __init__(self, settings: SmppSettings, tell: Tell, late: Late) -> None:
        self.name, self.window, self.settings = settings.name, settings.window, settings
        self.sends = settings.bind is not Bind.RECEIVER
        self._tell, self._late = tell, late
        self._session: SmppSession | None = None
        self._trust = _trust(settings) if settings.tls else None
        self._source = settings.source_type

    @property
    def up(self) -> bool:
        """Whether it takes parts now."""
        session = self._session
        return self.sends and session is not None and not session.leaving and session.writable.is_set()

    @property
    def bound(self) -> bool:
        """Whether the other side has let us in."""
        return self._session is not None

    async def run(self) -> None:
        """Keep the link up, until cancelled; then say good-bye."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            began = loop.time()
            try:
                await self._live()
            except (OSError, UnicodeError, LostError, LateError, _RefusedError) as error:
                code = str(error) if isinstance(error, _RefusedError) else type(error).__name__
                log.logger().warning("link down", link=self.name, code=code)
            if loop.time() - began > STEADY:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (not a secret)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def submit(self, part: Part) -> Submitted:
        """Hand over a part. Raises as `SmsSender` says."""
        session = self._session
        if session is None or not self.up:
            raise NotSent("link_down")
        sequence = session.next_sequence()
        try:
            asked = session.ask(sequence, self._octets(part, sequence), part)
        except LostError:
            raise NotSent("link_down") from None
        except SmppError:
            raise Rejected("not_encodable", permanent=True) from None
        try:
            answer = await asked
        except LostError:
            raise Unknown("link_lost") from None
        except LateError:
            raise Unknown("no_answer") from None
        outcome = _outcome(answer)
        if isinstance(outcome, NotSent):
            session.close()  # not bound any more: bind again
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    async def _live(self) -> None:
        """From the connection to its end."""
        settings, loop = self.settings, asyncio.get_running_loop()
        session = SmppSession(settings.answer_seconds, self._delivered, self._answered_late)
        async with asyncio.timeout(settings.answer_seconds):
            await loop.create_connection(lambda: session, settings.host, settings.port, ssl=self._trust)
        try:
            await self._bind(session)
            self._session = session
            log.logger().info("link up", link=self.name)
            await self._watch(session)
        finally:
            self._session = None
            await _leave(session)

    async def _bind(self, session: SmppSession) -> None:
        settings = self.settings
        sequence = session.next_sequence()
        words = settings.system_id, settings.password.get_secret_value(), settings.system_type
        answer = await session.ask(sequence, pdu.bind(settings.bind, sequence, *words))
        if answer.status != pdu.OK or answer.command == Command.GENERIC_NACK:
            raise _RefusedError(pdu.status_name(answer.status))

    async def _watch(self, session: SmppSession) -> None:
        """Ask whether the other side is there when nothing was heard of it for a while (2.7.2)."""
        loop, quiet = asyncio.get_running_loop(), self.settings.enquire_seconds
        while not session.closed.is_set():
            wait = session.heard_at + quiet - loop.time()
            if wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await session.closed.wait()
                continue
            sequence = session.next_sequence()
            await session.ask(sequence, pdu.pdu(Command.ENQUIRE_LINK, sequence))
            session.heard_at = loop.time()
        raise LostError

    def _octets(self, part: Part, sequence: int) -> bytes:
        settings, (ton, npi) = self.settings, self._source
        tlvs = [Tlv(TLV_USER_MESSAGE_REFERENCE, part.reference.to_bytes(2))] if settings.references else []
        return SubmitSm(
            settings.source, part.address, part.data, service_type=settings.service_type,
            source_addr_ton=ton, source_addr_npi=npi, dest_addr_ton=INTERNATIONAL, dest_addr_npi=ISDN,
            esm_class=UDHI if part.udh else 0, registered_delivery=WANTS_RECEIPT,
            validity_period=self._validity(part), data_coding=part.data_coding, tlvs=tlvs,
            sequence_number=sequence,
        ).encode()  # fmt: skip

    def _validity(self, part: Part) -> str:
        """How long the other side is to try, as a relative time (7.1.1.2)."""
        left = min((part.expires_at - clock.now()).total_seconds(), self.settings.validity_hours * 3600)
        minutes, seconds = divmod(max(1, int(left)), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"

    def _delivered(self, session: SmppSession, sequence: int, command: int, octets: bytes) -> None:
        told = deliveries.read(octets)

        def answer(stored: bool) -> bool:
            status = pdu.OK if stored else pdu.TEMPORARY
            return session.reply(command, sequence, status, b"\0")

        if told is None:
            session.reply(command, sequence, pdu.PERMANENT, b"\0")
            log.logger().warning("message that cannot be read", link=self.name)
        else:
            self._tell(self.name, told, answer)

    def _answered_late(self, what: object, answer: Answer) -> None:
        if isinstance(what, Part):
            self._late(self.name, what, _outcome(answer))


class _RefusedError(Exception):
    """The other side does not let us in."""


def _outcome(answer: Answer) -> Submitted | SendError:
    """What an answer to submit_sm says."""
    status = answer.status
    if status == pdu.OK and answer.command != Command.GENERIC_NACK:
        return Submitted(pdu.c_string(answer.body)[: deliveries.MOST_ID])
    name = pdu.status_name(status)
    if status in pdu.SLOWER:
        return Throttled(name)
    if status in pdu.NOT_BOUND:
        return NotSent(name)
    return Rejected(name, permanent=status in pdu.REFUSED)


async def _leave(session: SmppSession) -> None:
    """Unbind, as far as the other side still listens, and end the connection."""
    try:
        if not session.closed.is_set() and not session.leaving:
            sequence = session.next_sequence()
            with suppress(LostError, LateError, TimeoutError):
                async with asyncio.timeout(1):
                    await session.ask(sequence, pdu.pdu(Command.UNBIND, sequence))
    finally:
        session.close()


def _trust(settings: SmppSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.tls_authority)
        if settings.tls_certificate is not None:
            context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError):
        raise SettingsError([f"SIMCHECK_SMS_LINKS: {settings.name}: a TLS file cannot be read."]) from None
    return context
