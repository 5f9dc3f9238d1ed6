"""Sending one-time codes: done by a job, so that whoever asks for one cannot tell whether there was any."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits
from simcheck.access.limits import Limit
from simcheck.cases.models import Case
from simcheck.holders import telling
from simcheck.holders.models import Challenge
from simcheck.holders.possession import DIGITS, bound_to, digest_of
from simcheck.queue import enqueue_many
from simcheck.service import Service

# Codes that are sent to a number. Counted where one is sent: a stranger without the case code uses up none.
CODES = Limit("holder-codes", 3 / 3_600, 3)
UNSENT = sa.text("""
SELECT id FROM holder_challenge
WHERE case_id IS NOT NULL AND handled_at IS NULL AND made_at < :before AND expires_at > :now
ORDER BY made_at LIMIT 1000
""").bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)),
                sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)))  # fmt: skip


async def send(session: AsyncSession, service: Service, challenge_id: uuid.UUID) -> bool:
    """Send a challenge's code, unless that was done; whether something was sent.

    Nothing is sent where nothing fits, where it is too late, above the number's limit, and where the holder
    cannot be reached. The transaction needs the ministry's scope. Raises `SealError`.
    """
    row, now = await session.get(Challenge, challenge_id, with_for_update=True), clock.now()
    if row is None or row.case_id is None or row.handled_at is not None or row.expires_at <= now:
        return False
    row.handled_at = now
    case = await session.get(Case, row.case_id)
    [grant] = await limits.take(session, CODES, [row.msisdn_token.hex()])
    if case is None or not grant.granted:
        return False
    number = int(service.keyring.open(row.number, bound_to(row.id)))
    to = await telling.reached(session, service, case.carrier, row.msisdn_token, number)
    if to is None:
        return False
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    row.digest = digest_of(service.keyring, row.id, digits)
    await telling.code(session, service, to, row.language, digits, row.id, row.expires_at)
    subject, detail = f"challenge/{row.id}", {"channel": to.channel.value}
    audit.record(session, "possession.sent", subject, detail, stream="possession")
    return True


async def wake_unsent(session: AsyncSession, after: timedelta = timedelta(seconds=20)) -> int:
    """Have codes sent whose job was lost; how many."""
    now = clock.now()
    found = (await session.scalars(UNSENT, {"before": now - after, "now": now})).all()
    jobs = [
        {"args": {"challenge": str(each)}, "queueing_lock": f"holders.send_code/{each}"} for each in found
    ]
    if jobs:
        await enqueue_many(session, "holders.send_code", jobs, priority=10)
    return len(jobs)
