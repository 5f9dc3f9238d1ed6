"""Proof that somebody has a number in hand: a one-time code, sent to it, typed back.

Whoever asks with a case code and a number learns nothing from the answer: it is the same, and takes as long,
whether or not the two belong together. What is sent, if anything, is sent by a job.
"""

from __future__ import annotations

import hmac
import ipaddress
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits
from simcheck.access.limits import Limit
from simcheck.cases import codes, find
from simcheck.cases.models import Case
from simcheck.db.direct import Within
from simcheck.errors import InvalidError, TooManyError
from simcheck.gate.guesses import Bucket, Purse
from simcheck.holders import sessions
from simcheck.holders.models import Challenge as Row
from simcheck.holders.sessions import Started
from simcheck.normalise import phones
from simcheck.privacy import Keyring
from simcheck.queue import enqueue
from simcheck.service import Service

DIGITS = 6
GOOD = timedelta(minutes=5)
TRIES = 5
# Wrong digits for a number, over all its challenges.
WRONG = Limit("holder-wrong-digits", 20 / 86_400, 20)


@dataclass(frozen=True)
class Challenge:
    """That a code was asked for. It says nothing of whether one was sent, or where to: to the number by SMS,
    or, while that cannot receive any, to the email address that its record has.
    """

    id: uuid.UUID
    expires_at: datetime


@dataclass(frozen=True)
class Proof:
    """What the typed digits prove: a session, or else how many tries are left (0: ask for a new code)."""

    started: Started | None
    tries_left: int


def client_key(keyring: Keyring, address: str) -> str:
    """What limits know a client's network address by: a keyed token, of IPv6 that of its /64."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return keyring.token("client", address).hex()
    mapped = getattr(read, "ipv4_mapped", None) or read
    if mapped.version == 6:
        mapped = ipaddress.ip_network((mapped, 64), strict=False).network_address
    return keyring.token("client", str(mapped)).hex()


async def ask(
    session: AsyncSession, service: Service, code_typed: str, number_typed: str, client: str,
    language: str = "vi",
) -> Challenge:  # fmt: skip
    """Have a one-time code sent to the number, if the case code is of a case of that number.

    `client` is of `client_key`. The transaction needs the ministry's scope. Raises `InvalidError` for what
    can be no case code or no mobile number, `TooManyError` where the client asked too often.
    """
    code = codes.read(code_typed)
    if code is None:
        raise InvalidError("code: that is no case code. Check each letter and digit.")
    national = int(phones.normalise(pa.array([number_typed])).national[0])
    if not national:
        raise InvalidError("number: that is no Vietnamese mobile number.")
    asked = service.settings.holder_asks
    [grant] = await limits.take(session, Limit("holder-asks", asked / 3_600, asked), [client])
    if not grant.granted:
        raise TooManyError("Too many codes were asked for from here. Wait.", grant.wait)
    keyring, now, challenge = service.keyring, clock.now(), uuid.uuid4()
    found = await find.by_code(session, code)
    token = keyring.token("msisdn", national)
    fits = found is not None and hmac.compare_digest(found.case.msisdn_token, token)
    session.add(
        Row(
            id=challenge, case_id=found.case.id if found and fits else None, msisdn_token=token,
            number=keyring.seal(str(national).encode(), bound_to(challenge)), language=language, tries=0,
            made_at=now, expires_at=now + GOOD,
        )
    )  # fmt: skip
    await session.flush()
    # Also where nothing fits: what an answer takes must not tell.
    await enqueue(
        session, "holders.send_code", queueing_lock=f"holders.send_code/{challenge}", priority=10,
        challenge=str(challenge),
    )  # fmt: skip
    audit.record(session, "possession.asked", f"challenge/{challenge}", {"fits": fits}, stream="possession")
    return Challenge(challenge, now + GOOD)


async def prove(session: AsyncSession, service: Service, challenge_id: uuid.UUID, typed: str) -> Proof:
    """Hold the typed digits against the code that was sent. A code is good once, for 5 minutes and 5 tries.

    The transaction needs the ministry's scope, and has to be committed whatever comes of it: the try counts.
    """
    row, now = await session.get(Row, challenge_id, with_for_update=True), clock.now()
    if row is None or row.proved_at is not None or row.expires_at <= now or row.tries >= TRIES:
        return Proof(None, 0)
    row.tries += 1
    bucket, connection = Bucket(WRONG, limits.key_of(WRONG, row.msisdn_token.hex())), Within(session)
    purse = await Purse.read(connection, [bucket])
    case = await session.get(Case, row.case_id) if row.case_id and not purse.wait([bucket], now) else None
    subject, digest = f"challenge/{row.id}", digest_of(service.keyring, row.id, _digits(typed))
    if case is None or not hmac.compare_digest(row.digest or bytes(len(digest)), digest):
        if case is not None:  # a stranger without the case code uses up nothing of a number
            purse.spend([bucket])
            await purse.write(connection, now)
        audit.record(session, "possession.failed", subject, {"tries": row.tries}, stream="possession")
        return Proof(None, TRIES - row.tries)
    row.proved_at = now
    audit.record(session, "possession.proved", subject, {"case": str(case.id)}, stream="possession")
    number = int(service.keyring.open(row.number, bound_to(row.id)))
    return Proof(await sessions.start_possession(session, service.keyring, case, number), 0)


async def forget_over(session: AsyncSession, after: timedelta = timedelta(days=1)) -> None:
    """Drop challenges that were over so long ago."""
    await session.execute(sa.delete(Row).where(Row.expires_at < clock.now() - after))


def _digits(typed: str) -> str:
    """The digits of what was typed, whatever stands between them; full-width ones too."""
    return "".join(str(unicodedata.digit(each)) for each in typed[:100] if each.isdecimal())


def digest_of(keyring: Keyring, challenge_id: uuid.UUID, digits: str) -> bytes:
    """What a code is kept as: keyed, and good for its challenge alone."""
    return keyring.token("holder_code", f"{challenge_id} {digits}")


def bound_to(challenge_id: uuid.UUID) -> str:
    """What a challenge's number is bound to."""
    return f"holder_challenge/number/{challenge_id}"
