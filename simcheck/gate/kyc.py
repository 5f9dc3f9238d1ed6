"""KYC Match: one person's subscription found, its record compared, the question audited."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.db.direct import Within
from simcheck.errors import TooManyError
from simcheck.gate import match
from simcheck.gate.declared import declared_record
from simcheck.gate.eligibility import is_active
from simcheck.gate.guesses import Buckets, Purse
from simcheck.gate.match import Result
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import phones
from simcheck.reasons import Reason, Verdict
from simcheck.service import Service

# Those who ask about one number wait for one another, so that each guess finds the one before counted.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('kyc', :number))")
# The number's subscriptions, of all carriers that this transaction sees.
FIND = sa.text("""
SELECT carrier, verdict, status, claimants, contested, batch_id, bucket, row FROM subscription
WHERE msisdn_token = :number
""")
_CONFIRMED = {VERDICTS.index(Verdict.VERIFIED), VERDICTS.index(Verdict.VARIANT)}


class Unmatched(Enum):
    """Why there is nothing to compare with."""

    UNKNOWN = "no active subscription has the number"
    NOT_SERVED = "no mobile number"


@dataclass(frozen=True)
class Asked:
    """Who asks, about which number, and the fields as the specification names them."""

    client: str
    phone_number: str
    fields: Mapping[str, str]


async def matched(session: AsyncSession, service: Service, asked: Asked) -> dict[str, Result] | Unmatched:
    """The result of each field. The session decides whose subscriptions are seen.

    Only a record that the register confirms (verified or variant), of a number that one carrier claims,
    says anything: of others every field is `not_available`. A wrong answer costs a guess, as it does for
    the OTP question. Raises `TooManyError` when none is left, `SealError` when the lake lacks the record.
    """
    phone = phones.normalise(pa.array([asked.phone_number]))
    if not phone.national[0]:
        mobile = not int(phone.flags[0]) & Reason.MSISDN_NOT_MOBILE.mask
        return Unmatched.UNKNOWN if mobile else Unmatched.NOT_SERVED
    token, now = service.keyring.token("msisdn", int(phone.national[0])), clock.now()
    await session.execute(ONE_AT_A_TIME, {"number": int.from_bytes(token[:8], "big", signed=True)})
    buckets, connection = Buckets(service.settings).of(asked.client, token), Within(session)
    purse = await Purse.read(connection, buckets)
    wait = purse.wait(buckets, now)
    if wait:
        raise TooManyError("Too many wrong questions about this number, or of this client. Wait.", wait)
    found = await _compared(session, service, token, asked.fields)
    wrong = found is Unmatched.UNKNOWN or (
        isinstance(found, dict) and any(result == match.FALSE for result, _ in found.values())
    )
    if wrong:
        purse.spend(buckets)
        await purse.write(connection, now)
    _record(session, token, asked, found)
    return found


async def _compared(
    session: AsyncSession, service: Service, token: bytes, fields: Mapping[str, str]
) -> dict[str, Result] | Unmatched:
    rows = [row for row in await session.execute(FIND, {"number": token}) if is_active(row.status)]
    if not rows:
        return Unmatched.UNKNOWN
    row = rows[0]
    if len(rows) > 1 or row.claimants > 1 or row.contested or row.verdict not in _CONFIRMED:
        return dict.fromkeys(fields, (match.NOT_AVAILABLE, None))
    today = clock.now().date()

    def compare() -> dict[str, Result]:
        cells = declared_record(service, row.carrier, row.batch_id, row.bucket, row.row)
        record = match.Record(cells, today)
        return {field: record.compare(field, value) for field, value in fields.items()}

    return await asyncio.to_thread(compare)


def _record(session: AsyncSession, token: bytes, asked: Asked, found: dict[str, Result] | Unmatched) -> None:
    """The view of a person's data in the audit chain: which fields, with which result."""
    if isinstance(found, Unmatched):
        detail: dict[str, object] = {"fields": sorted(asked.fields), "found": False}
    else:
        detail = {"results": {field: result for field, (result, _) in found.items()}, "found": True}
    audit.record(session, "kyc.matched", f"msisdn/{token.hex()}", detail, stream=f"kyc/{asked.client}")
