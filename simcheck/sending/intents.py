"""What is to be sent: stored in the caller's transaction, called off, asked for.

A key makes an intent one, however often it is stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.errors import InvalidError
from simcheck.messages.segments import segment
from simcheck.messages.words import Channel
from simcheck.privacy import Keyring
from simcheck.sending.addresses import require_usable, token_of

WAKE = "simcheck_sending"  # the channel of LISTEN on which senders hear of new messages
_STAMP = sa.TIMESTAMP(timezone=True)
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(), "carrier": sa.Text(), "case_id": sa.Uuid(), "msisdn_token": pg.BYTEA(), "key": sa.Text(),
    "kind": sa.Text(), "channel": sa.Text(), "language": sa.Text(), "template": sa.Text(),
    "urgent": sa.Boolean(), "address": pg.BYTEA(), "address_token": pg.BYTEA(), "subject": pg.BYTEA(),
    "text": pg.BYTEA(), "html": pg.BYTEA(), "parts": sa.SmallInteger(), "due_at": _STAMP,
    "expires_at": _STAMP,
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
# All messages and their parts at once. Of those with a key that is known already, nothing is stored again.
STORE = sa.text(f"""
WITH given AS (
    SELECT * FROM unnest({", ".join(f":{name}" for name in _COLUMNS)}) AS each ({_NAMES})
), stored AS (
    INSERT INTO message ({_NAMES}, state, made_at, changed_at)
    SELECT {_NAMES}, 'due', :at, :at FROM given
    ON CONFLICT (key) DO NOTHING
    RETURNING id, parts
), cut AS (
    INSERT INTO message_part (message_id, number, state)
    SELECT id, number, 'due' FROM stored, generate_series(1, parts) AS number
), woken AS (
    SELECT pg_notify('{WAKE}', '') FROM (SELECT FROM stored LIMIT 1) AS any_stored
)
SELECT (SELECT count(*) FROM woken)
""").bindparams(  # noqa: S608
    *(sa.bindparam(name, type_=pg.ARRAY(kind)) for name, kind in _COLUMNS.items()),
    sa.bindparam("at", type_=_STAMP),
)
IDS = sa.text("SELECT key, id FROM message WHERE key = ANY(:keys)").bindparams(
    sa.bindparam("keys", type_=pg.ARRAY(sa.Text()))
)
# Held first, looked at after: what a sender records meanwhile is seen by the second statement.
HOLD = sa.text("""
SELECT id FROM message WHERE case_id = ANY(:cases) AND state = 'due' AND NOT (id = ANY(:keep))
ORDER BY id FOR UPDATE
""").bindparams(
    sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid())), sa.bindparam("keep", type_=pg.ARRAY(sa.Uuid()))
)
# What has not left at all: of a longer message, no part.
CANCEL = sa.text("""
WITH called_off AS (
    SELECT id FROM message WHERE id = ANY(:ids) AND state = 'due' AND NOT EXISTS (
        SELECT FROM message_part WHERE message_id = message.id AND state <> 'due'
    )
), parts AS (
    UPDATE message_part SET state = 'cancelled', done_at = :at
    FROM called_off WHERE message_id = called_off.id
)
UPDATE message SET state = 'cancelled', changed_at = :at, settled_at = :at
FROM called_off WHERE message.id = called_off.id
RETURNING message.id
""").bindparams(sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), sa.bindparam("at", type_=_STAMP))
_STATUS = "id, key, kind, channel, case_id, state, failure, changed_at, settled_at"
STATUS = sa.text(f"SELECT {_STATUS} FROM message WHERE id = ANY(:ids)").bindparams(  # noqa: S608
    sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid()))
)
UNTOLD = sa.text(f"""
SELECT {_STATUS} FROM message WHERE settled_at IS NOT NULL AND NOT told_on
ORDER BY settled_at LIMIT :most FOR UPDATE SKIP LOCKED
""")  # noqa: S608
TOLD = sa.text("UPDATE message SET told_on = true WHERE id = ANY(:ids)").bindparams(
    sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid()))
)


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that is to be sent.

    `key` names the occasion: what has a key that is stored already is that message. `address` is `+84…`, or
    an email address. It leaves not before `due_at`, and never after `expires_at`. `urgent` ones go first:
    somebody waits for them. `subject` and `html` are an email's.
    """

    key: str
    kind: str
    channel: Channel
    carrier: str | None
    case_id: uuid.UUID | None
    msisdn_token: bytes | None
    address: str
    subject: str | None
    text: str
    html: str | None
    template: str
    language: str
    due_at: datetime
    expires_at: datetime
    urgent: bool = False


class Status(NamedTuple):
    """How far a message is. It is settled when nothing more is to be heard of it."""

    id: uuid.UUID
    key: str
    kind: str
    channel: str
    case_id: uuid.UUID | None
    state: str
    failure: str | None
    changed_at: datetime
    settled_at: datetime | None


async def store(session: AsyncSession, keyring: Keyring, intents: Sequence[Intent]) -> list[uuid.UUID]:
    """Have messages sent once this transaction commits; their ids, in the order given.

    Raises `InvalidError` for an address that cannot be one, and for a text that cannot be cut into parts.
    """
    if not intents:
        return []
    rows = [_row(keyring, intent) for intent in intents]
    columns = {name: [row[name] for row in rows] for name in _COLUMNS}
    await session.execute(STORE, {**columns, "at": clock.now()})
    ids = {row.key: row.id for row in await session.execute(IDS, {"keys": [each.key for each in intents]})}
    return [ids[intent.key] for intent in intents]


async def cancel(
    session: AsyncSession, case_ids: Collection[uuid.UUID], keep: Collection[uuid.UUID] = ()
) -> list[uuid.UUID]:
    """Call off what has not left of some cases' messages, but for those to `keep`; the ids of what was."""
    held = await session.scalars(HOLD, {"cases": list(case_ids), "keep": list(keep)})
    return list(await session.scalars(CANCEL, {"ids": held.all(), "at": clock.now()}))


async def status(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Status]:
    """How far messages are, by id; those that are not there are left out."""
    rows = await session.execute(STATUS, {"ids": list(ids)})
    return {row.id: Status(*row) for row in rows}


async def untold(session: AsyncSession, most: int = 1000) -> list[Status]:
    """Messages that are settled and that nobody has been told of, the oldest first, locked: for whoever then
    says `told` in the same transaction.
    """
    return [Status(*row) for row in await session.execute(UNTOLD, {"most": most})]


async def told(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Somebody knows that these are settled."""
    await session.execute(TOLD, {"ids": list(ids)})


def place(column: str, message_id: uuid.UUID) -> str:
    """What a sealed column of a message is bound to."""
    return f"message/{column}/{message_id}"


def _row(keyring: Keyring, intent: Intent) -> Mapping[str, Any]:
    made = uuid.uuid4()
    channel = Channel(intent.channel)
    address = require_usable(channel, intent.address)

    def sealed(column: str, value: str | None) -> bytes | None:
        try:
            return None if value is None else keyring.seal(value.encode(), place(column, made))
        except UnicodeEncodeError:
            raise InvalidError(f"{column}: half a character stands in it.") from None

    return {
        "id": made, "carrier": intent.carrier, "case_id": intent.case_id, "msisdn_token": intent.msisdn_token,
        "key": intent.key, "kind": str(intent.kind), "channel": channel.value,
        "language": str(intent.language), "template": intent.template, "urgent": intent.urgent,
        "address": sealed("address", address), "address_token": token_of(keyring, channel, address),
        "subject": sealed("subject", intent.subject), "text": sealed("text", intent.text),
        "html": sealed("html", intent.html),
        "parts": _parts(channel, intent.text), "due_at": intent.due_at, "expires_at": intent.expires_at,
    }  # fmt: skip


def _parts(channel: Channel, text: str) -> int:
    if channel is Channel.EMAIL:
        return 1
    try:
        count = len(segment(text, 0).parts)
    except (ValueError, UnicodeError):
        raise InvalidError("text: too long for an SMS, or not text.") from None
    if not count:
        raise InvalidError("text: there is none.")
    return count
