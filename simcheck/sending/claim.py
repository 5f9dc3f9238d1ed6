"""What is due is claimed: nobody else sends it while the lease lasts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock, log
from simcheck.errors import SealError
from simcheck.messages.segments import segment
from simcheck.messages.words import Channel
from simcheck.privacy import Keyring
from simcheck.sending.intents import place
from simcheck.sending.senders import Mail, Part

# Urgent ones first; each half is read off the index in its order, however much is due later.
CLAIM = sa.text("""
WITH urgent AS MATERIALIZED (
    SELECT id FROM message
    WHERE state = 'due' AND channel = :channel AND urgent AND due_at <= :now AND expires_at > :now
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
), others AS MATERIALIZED (
    SELECT id FROM message
    WHERE state = 'due' AND channel = :channel AND NOT urgent AND due_at <= :now AND expires_at > :now
    ORDER BY due_at LIMIT :most - (SELECT count(*) FROM urgent) FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE message SET state = 'sending', due_at = :until, attempts = attempts + 1, changed_at = :now
    WHERE id IN (SELECT id FROM urgent UNION ALL SELECT id FROM others)
    RETURNING id, attempts, kind, language, urgent, address, subject, text, html, parts, expires_at
)
SELECT claimed.*, array_agg(part.number ORDER BY part.number) AS numbers
FROM claimed JOIN message_part AS part ON part.message_id = claimed.id AND part.state = 'due'
GROUP BY claimed.id, claimed.attempts, claimed.kind, claimed.language, claimed.urgent, claimed.address,
         claimed.subject, claimed.text, claimed.html, claimed.parts, claimed.expires_at
ORDER BY claimed.urgent DESC
""").bindparams(
    sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("until", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("most", type_=sa.BigInteger()),
)
# What cannot be opened, or cut: it fails, so that it does not stop all others.
UNREADABLE = sa.text("""
WITH parts AS (
    UPDATE message_part SET state = 'failed', failure = 'unreadable', done_at = :now
    WHERE message_id = ANY(:ids) AND state = 'due'
)
UPDATE message SET state = 'failed', failure = 'unreadable', settled_at = :now, changed_at = :now
WHERE id = ANY(:ids)
""").bindparams(
    sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True))
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in hand until `until`, by its `attempt`-th claim: parts that are due, or the one email."""

    message_id: uuid.UUID
    attempt: int
    until: datetime
    expires_at: datetime
    parts: Sequence[Part]
    mail: Mail | None


async def claim(
    session: AsyncSession, keyring: Keyring, channel: Channel, most: int, lease: timedelta
) -> list[Claimed]:
    """Claim at most so many messages of a channel that are due, urgent ones first. Those that cannot be read
    fail, and are left out.
    """
    now = clock.now()
    given = {"channel": channel.value, "now": now, "until": now + lease, "most": most}
    claimed, unreadable = [], []
    for row in (await session.execute(CLAIM, given)).all():
        try:
            claimed.append(_claimed(keyring, row, channel, now + lease))
        except (SealError, ValueError) as error:
            log.logger().error("message cannot be read", exc_info=error)
            unreadable.append(row.id)
    if unreadable:
        await session.execute(UNREADABLE, {"ids": unreadable, "now": now})
    return claimed


def _claimed(keyring: Keyring, row: Any, channel: Channel, until: datetime) -> Claimed:
    def opened(column: str) -> str:
        return keyring.open(getattr(row, column), place(column, row.id)).decode()

    parts: list[Part] = []
    mail = None
    if channel is Channel.EMAIL:
        html = opened("html") if row.html is not None else None
        subject = opened("subject") if row.subject is not None else ""
        mail = Mail(
            row.id, opened("address"), subject, opened("text"), html, row.language, row.kind, row.expires_at
        )
    else:
        parts = _parts(row, opened("address"), opened("text"))
    return Claimed(row.id, row.attempts, until, row.expires_at, parts, mail)


def _parts(row: Any, address: str, text: str) -> list[Part]:
    cut = segment(text, row.id.bytes[-1])
    return [
        Part(
            row.id, number, row.parts, address, cut.parts[number - 1], cut.data_coding, cut.udh, text,
            reference_of(row.id, number), row.expires_at, row.urgent,
        )
        for number in row.numbers
    ]  # fmt: skip


def reference_of(message_id: uuid.UUID, number: int) -> int:
    """The number of ours that a part carries (user_message_reference, 5.3.2.17), 0 to 65535."""
    return (int.from_bytes(message_id.bytes[:2]) + number) & 0xFFFF
