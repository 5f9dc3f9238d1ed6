"""Messages of people: stored before they are acknowledged, longer ones joined from their parts.

The other side sends again what it did not hear our acknowledgement of. It is known by its digest as long as
no acknowledgement has left us.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.privacy import Keyring
from simcheck.queue import enqueue
from simcheck.sending.addresses import of_phone
from simcheck.sending.senders.deliveries import InboundTold

SAME_WITHIN = timedelta(hours=1)  # how long the other side may take to send again
JOINED_WITHIN = timedelta(minutes=10)  # how long the rest of a longer message is waited for
KEPT = timedelta(days=1)  # parts that were joined

_STAMP = sa.TIMESTAMP(timezone=True)
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(), "link": sa.Text(), "sender": pg.BYTEA(), "sender_token": pg.BYTEA(),
    "recipient": sa.Text(), "text": pg.BYTEA(), "digest": pg.BYTEA(),
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
STORE = sa.text(f"""
INSERT INTO inbound ({_NAMES}, received_at, state)
SELECT DISTINCT ON (digest) {_NAMES}, :at, 'new'
FROM unnest({", ".join(f":{name}" for name in _COLUMNS)}) AS each ({_NAMES})
WHERE NOT EXISTS (
    SELECT FROM inbound WHERE inbound.digest = each.digest AND NOT acknowledged AND received_at > :since
)
RETURNING id
""").bindparams(  # noqa: S608
    *(sa.bindparam(name, type_=pg.ARRAY(kind)) for name, kind in _COLUMNS.items()),
    sa.bindparam("at", type_=_STAMP), sa.bindparam("since", type_=_STAMP),
)  # fmt: skip
ACKNOWLEDGED = sa.text(
    "UPDATE inbound SET acknowledged = true WHERE digest = ANY(:digests) AND NOT acknowledged"
).bindparams(sa.bindparam("digests", type_=pg.ARRAY(pg.BYTEA())))
# Who stores the last part sees all others: parts of one sender are stored by one at a time.
ALONE = sa.text(
    "SELECT pg_advisory_xact_lock(hashtext('inbound/' || sender)) FROM unnest(:senders) AS sender"
).bindparams(sa.bindparam("senders", type_=pg.ARRAY(sa.Text())))
# A part that is there already, and is the same, changes nothing; another in its place begins a new message.
STORE_PART = sa.text("""
INSERT INTO inbound_part AS part
    (link, sender_token, reference, total, number, recipient, sender, text, digest, received_at)
VALUES (:link, :sender_token, :reference, :total, :number, :recipient, :sender, :text, :digest, :at)
ON CONFLICT (link, sender_token, reference, total, number) DO UPDATE SET
    recipient = excluded.recipient, sender = excluded.sender, text = excluded.text, digest = excluded.digest,
    received_at = excluded.received_at, inbound_id = NULL
WHERE part.digest <> excluded.digest OR part.received_at < :since
""").bindparams(sa.bindparam("at", type_=_STAMP), sa.bindparam("since", type_=_STAMP))
PARTS = sa.text("""
SELECT number, sender, text, recipient FROM inbound_part
WHERE link = :link AND sender_token = :sender_token AND reference = :reference AND total = :total
  AND inbound_id IS NULL
ORDER BY number FOR UPDATE
""")
JOINED = sa.text("""
UPDATE inbound_part SET inbound_id = :inbound
WHERE link = :link AND sender_token = :sender_token AND reference = :reference AND total = :total
  AND inbound_id IS NULL
""")
# Longer messages whose rest did not come.
STUCK = sa.text("""
SELECT link, sender_token, reference, total FROM inbound_part WHERE inbound_id IS NULL
GROUP BY link, sender_token, reference, total HAVING max(received_at) < :before LIMIT 100
""").bindparams(sa.bindparam("before", type_=_STAMP))
WAITING = sa.text("SELECT count(*) FROM (SELECT FROM inbound WHERE state = 'new' LIMIT 1) AS any_new")
FORGET_PARTS = sa.text(
    "DELETE FROM inbound_part WHERE inbound_id IS NOT NULL AND received_at < :before"
).bindparams(sa.bindparam("before", type_=_STAMP))
FORGET = sa.text("""
DELETE FROM inbound WHERE state = 'done' AND received_at < :before AND preserved(sender_token) IS NOT TRUE
""").bindparams(sa.bindparam("before", type_=_STAMP))


@dataclass(frozen=True, slots=True)
class Came:
    """A message, or a part of one, and from which link and SMS centre it came."""

    link: str
    centre: str
    told: InboundTold
    digest: bytes


def came(keyring: Keyring, link: str, centre: str, told: InboundTold) -> Came:
    """What was told, with the digest by which it is known when it comes again."""
    parts = (told.sender, told.recipient, told.reference, told.total, told.number, told.text)
    return Came(link, centre, told, keyring.token("inbound", "\0".join(str(each) for each in parts)))


async def store(session: AsyncSession, keyring: Keyring, messages: Sequence[Came]) -> int:
    """Keep what people sent, and wake whoever answers; how many messages became whole."""
    whole = [
        _whole(keyring, each.link, each.told.sender, each.told.recipient, each.told.text, each.digest)
        for each in messages
        if each.told.total == 1
    ]
    parts = [(of_phone(keyring, each.told.sender), each) for each in messages if each.told.total > 1]
    if parts:
        senders = sorted({token.hex() for token, _ in parts})
        await session.execute(ALONE, {"senders": senders})
    for token, each in parts:
        whole += await _store_part(session, keyring, token, each)
    return await _store(session, whole)


async def acknowledged(session: AsyncSession, digests: Collection[bytes]) -> None:
    """The other side has heard that we have these."""
    await session.execute(ACKNOWLEDGED, {"digests": list(digests)})


async def join_stuck(session: AsyncSession, keyring: Keyring) -> int:
    """Take longer messages as they are whose rest did not come in time; how many."""
    rows = (await session.execute(STUCK, {"before": clock.now() - JOINED_WITHIN})).all()
    whole = []
    for link, sender_token, reference, total in rows:
        place = {"link": link, "sender_token": sender_token, "reference": reference, "total": total}
        whole += await _joined(session, keyring, place, complete=False)
    return await _store(session, whole)


async def wake_for_new(session: AsyncSession) -> None:
    """Wake whoever answers, where something waits for it."""
    if await session.scalar(WAITING):
        await enqueue(session, "replies.handle", queueing_lock="replies.handle")


async def forget(session: AsyncSession, before: datetime) -> None:
    """Remove what was answered before then, and parts that were joined."""
    await session.execute(FORGET, {"before": before})
    await session.execute(FORGET_PARTS, {"before": clock.now() - KEPT})


def text_of(keyring: Keyring, inbound_id: uuid.UUID, sealed: bytes) -> str:
    """What a message says."""
    return keyring.open(sealed, _place("text", inbound_id)).decode()


def sender_of(keyring: Keyring, inbound_id: uuid.UUID, sealed: bytes) -> str:
    """Who sent it, as the other side writes it."""
    return keyring.open(sealed, _place("sender", inbound_id)).decode()


def _place(column: str, inbound_id: uuid.UUID) -> str:
    return f"inbound/{column}/{inbound_id}"


def _whole(
    keyring: Keyring, link: str, sender: str, recipient: str, text: str, digest: bytes
) -> dict[str, Any]:
    made = uuid.uuid4()
    return {
        "id": made, "link": link, "recipient": recipient[:32], "digest": digest,
        "sender": keyring.seal(sender.encode("utf-8", "replace"), _place("sender", made)),
        "sender_token": of_phone(keyring, sender),
        "text": keyring.seal(text.encode("utf-8", "replace"), _place("text", made)),
    }  # fmt: skip


async def _store(session: AsyncSession, whole: Sequence[dict[str, Any]]) -> int:
    if not whole:
        return 0
    columns = {name: [row[name] for row in whole] for name in _COLUMNS}
    now = clock.now()
    stored = (await session.scalars(STORE, {**columns, "at": now, "since": now - SAME_WITHIN})).all()
    if stored:
        await enqueue(session, "replies.handle", queueing_lock="replies.handle")
    return len(stored)


async def _store_part(
    session: AsyncSession, keyring: Keyring, token: bytes, each: Came
) -> list[dict[str, Any]]:
    """Keep a part; the whole where it was the last one that was missing."""
    told, now = each.told, clock.now()
    place = {"link": each.centre, "sender_token": token, "reference": told.reference, "total": told.total}
    bound = _part_place(token, told.reference, told.total)
    await session.execute(
        STORE_PART,
        {
            **place, "number": told.number, "recipient": told.recipient[:32], "digest": each.digest,
            "at": now, "sender": keyring.seal(told.sender.encode("utf-8", "replace"), f"{bound}/sender"),
            "text": keyring.seal(told.text.encode("utf-8", "replace"), f"{bound}/{told.number}"),
            "since": now - SAME_WITHIN,
        },
    )  # fmt: skip
    return await _joined(session, keyring, place, complete=True)


async def _joined(
    session: AsyncSession, keyring: Keyring, place: dict[str, Any], *, complete: bool
) -> list[dict[str, Any]]:
    rows = (await session.execute(PARTS, place)).all()
    if not rows or (complete and len(rows) < place["total"]):
        return []
    bound = _part_place(place["sender_token"], place["reference"], place["total"])
    text = "".join(keyring.open(row.text, f"{bound}/{row.number}").decode() for row in rows)
    sender = keyring.open(rows[0].sender, f"{bound}/sender").decode()
    digest = keyring.token("inbound", f"{bound}/{text}")
    whole = _whole(keyring, place["link"], sender, rows[0].recipient, text, digest)
    await session.execute(JOINED, {**place, "inbound": whole["id"]})
    return [whole]


def _part_place(token: bytes, reference: int | None, total: int) -> str:
    return f"inbound_part/{token.hex()}/{reference}/{total}"
