"""Receipts: kept as they came, and matched with the part that they mean, whatever their form and order.

A receipt names its part by an id (`ids.py`); of several parts with such an id, the one that went to the
address that the receipt names is meant, and of those the newest that is still open. One that comes before its
part's answer waits, and is matched when the answer is recorded or by the sweep. One of a part whose submit
nobody answered is matched by our own reference, or by the address where it leaves no doubt.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.privacy import Keyring
from simcheck.sending.addresses import of_phone
from simcheck.sending.claim import reference_of
from simcheck.sending.ids import key_of, keys_like
from simcheck.sending.outcomes import Rules, hold, roll_up
from simcheck.sending.senders.deliveries import Heard, ReceiptTold

FEWEST_DIGITS = 9  # of a holder's number, in a receipt's ends
PATIENCE = timedelta(seconds=3)  # before a receipt is matched by anything but its id
BATCH = 1000

_STAMP = sa.TIMESTAMP(timezone=True)
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(), "link": sa.Text(), "smsc_id": sa.Text(), "smsc_key": sa.Text(), "state": sa.Text(),
    "failure": sa.Text(), "address_token": pg.BYTEA(), "reference": sa.Integer(),
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
STORE = sa.text(f"""
INSERT INTO receipt ({_NAMES}, at)
SELECT {_NAMES}, :at FROM unnest({", ".join(f":{name}" for name in _COLUMNS)}) AS each ({_NAMES})
""").bindparams(  # noqa: S608
    *(sa.bindparam(name, type_=pg.ARRAY(kind)) for name, kind in _COLUMNS.items()),
    sa.bindparam("at", type_=_STAMP),
)
PARTS = sa.text("""
SELECT part.message_id, part.number, part.smsc_key, part.link, message.address_token,
       part.done_at IS NOT NULL AS done, coalesce(part.submitted_at, message.made_at) AS at
FROM message_part AS part JOIN message ON message.id = part.message_id
WHERE part.smsc_key = ANY(:keys)
""").bindparams(sa.bindparam("keys", type_=pg.ARRAY(sa.Text())))
_RECEIPT = "id, link, smsc_id, state, failure, address_token, reference"
WAITING_WITH = sa.text(
    f"SELECT {_RECEIPT} FROM receipt WHERE message_id IS NULL AND smsc_key = ANY(:keys)"  # noqa: S608
).bindparams(sa.bindparam("keys", type_=pg.ARRAY(sa.Text())))
WAITING = sa.text(f"""
SELECT {_RECEIPT} FROM receipt
WHERE message_id IS NULL AND at BETWEEN :since AND :before ORDER BY at, id LIMIT :most
""").bindparams(sa.bindparam("since", type_=_STAMP), sa.bindparam("before", type_=_STAMP))  # noqa: S608
# Parts that may have gone, to addresses that receipts nobody knows speak of.
UNKNOWN = sa.text("""
SELECT part.message_id, part.number, part.link, message.address_token
FROM message_part AS part JOIN message ON message.id = part.message_id
WHERE part.state = 'unknown' AND part.smsc_id IS NULL AND message.address_token = ANY(:addresses)
ORDER BY part.submitted_at NULLS LAST, part.message_id, part.number
""").bindparams(sa.bindparam("addresses", type_=pg.ARRAY(pg.BYTEA())))
# Delivered is the last word; then failed and expired; anything else shows that it was taken.
APPLY = sa.text("""
UPDATE message_part AS part SET
    state = CASE
        WHEN part.state = 'delivered' OR told.heard = 'delivered' THEN 'delivered'
        WHEN part.state IN ('due', 'unknown', 'sent') AND told.heard IN ('failed', 'expired') THEN told.heard
        WHEN part.state IN ('due', 'unknown') THEN 'sent'
        ELSE part.state END,
    status = told.heard, link = coalesce(part.link, told.link),
    failure = CASE WHEN part.state = 'delivered' OR told.heard NOT IN ('failed', 'expired') THEN NULL
        ELSE told.failure END,
    smsc_id = coalesce(part.smsc_id, told.smsc_id), smsc_key = coalesce(part.smsc_key, told.smsc_key),
    done_at = CASE WHEN told.heard IN ('delivered', 'failed', 'expired') AND part.state <> 'delivered'
        THEN :at ELSE part.done_at END
FROM unnest(:messages, :numbers, :heard, :failures, :links, :smsc_ids, :smsc_keys)
    AS told (message_id, number, heard, failure, link, smsc_id, smsc_key)
WHERE part.message_id = told.message_id AND part.number = told.number AND part.state <> 'cancelled'
""").bindparams(
    sa.bindparam("messages", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("numbers", type_=pg.ARRAY(sa.SmallInteger())), sa.bindparam("at", type_=_STAMP),
    *(sa.bindparam(name, type_=pg.ARRAY(sa.Text()))
      for name in ("heard", "failures", "links", "smsc_ids", "smsc_keys")),
)  # fmt: skip
MATCHED = sa.text("""
UPDATE receipt SET message_id = matched.message_id, number = matched.number
FROM unnest(:ids, :messages, :numbers) AS matched (id, message_id, number) WHERE receipt.id = matched.id
""").bindparams(
    sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid())), sa.bindparam("messages", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("numbers", type_=pg.ARRAY(sa.SmallInteger())),
)  # fmt: skip
_RANK = {Heard.NOTHING: 0, Heard.ON_ITS_WAY: 1, Heard.EXPIRED: 2, Heard.FAILED: 3, Heard.DELIVERED: 4}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it is kept."""

    id: uuid.UUID
    link: str
    smsc_id: str
    state: str
    failure: str | None
    address_token: bytes | None
    reference: int | None


class _Part(NamedTuple):
    message_id: uuid.UUID
    number: int


@dataclass(frozen=True)
class Matching:
    """How receipts find their parts: which links share ids (link to SMS centre); what a change entails."""

    centres: dict[str, str]
    rules: Rules

    def centre(self, link: str | None) -> str | None:
        """The SMS centre of a link; a link that is set up no more stands for itself."""
        return None if link is None else self.centres.get(link, link)


def as_receipt(keyring: Keyring, link: str, told: ReceiptTold) -> Receipt:
    """What was told, as it is kept."""
    ends = (end for end in told.addresses if sum(each.isdigit() for each in end) >= FEWEST_DIGITS)
    holder = next(ends, None)
    return Receipt(
        uuid.uuid4(), link, told.smsc_id, told.heard.value, told.failure,
        None if holder is None else of_phone(keyring, holder), told.reference,
    )  # fmt: skip


async def store(session: AsyncSession, receipts: Sequence[Receipt], matching: Matching) -> int:
    """Keep receipts, and let the parts that they mean follow; how many did not find theirs yet."""
    rows = [
        (each.id, each.link, each.smsc_id, key_of(each.smsc_id) if each.smsc_id else "", each.state,
         each.failure, each.address_token, each.reference)
        for each in receipts
    ]  # fmt: skip
    columns = {name: [row[at] for row in rows] for at, name in enumerate(_COLUMNS)}
    await session.execute(STORE, {**columns, "at": clock.now()})
    return len(receipts) - await _match(session, receipts, matching)


async def match_answered(session: AsyncSession, smsc_ids: Collection[str], matching: Matching) -> int:
    """Match receipts that came before these ids were known; how many."""
    keys = sorted({key for each in smsc_ids for key in keys_like(each)})
    waiting = [Receipt(*row) for row in await session.execute(WAITING_WITH, {"keys": keys})]
    return await _match(session, waiting, matching) if waiting else 0


async def match_waiting(session: AsyncSession, matching: Matching, since: timedelta) -> int:
    """Match receipts that have waited a little, but not longer than `since`: by their id, by our reference,
    by the address; how many.
    """
    now = clock.now()
    given = {"since": now - since, "before": now - PATIENCE, "most": BATCH}
    waiting = [Receipt(*row) for row in await session.execute(WAITING, given)]
    if not waiting:
        return 0
    done = await _match(session, waiting, matching, late=True)
    return done + await _match_unknown(session, waiting, matching)


async def known(session: AsyncSession, receipts: Sequence[Receipt], matching: Matching) -> set[uuid.UUID]:
    """Those of the receipts that mean a part by its id and its address."""
    found = await _find(session, receipts, matching, with_address=True)
    return set(found)


async def _match(
    session: AsyncSession, receipts: Sequence[Receipt], matching: Matching, *, late: bool = False
) -> int:
    found = await _find(session, receipts, matching, late=late)
    await _apply(session, receipts, found, matching)
    return len(found)


async def _find(
    session: AsyncSession,
    receipts: Sequence[Receipt],
    matching: Matching,
    *,
    with_address: bool = False,
    late: bool = False,
) -> dict[uuid.UUID, list[_Part]]:
    """The parts that receipts mean by their ids: several where a whole message went under one id."""
    likely = {each.id: keys_like(each.smsc_id) for each in receipts if each.smsc_id}
    keys = sorted({key for each in likely.values() for key in each})
    if not keys:
        return {}
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in await session.execute(PARTS, {"keys": keys}):
        parts[row.smsc_key].append(row)
    found: dict[uuid.UUID, list[_Part]] = {}
    for each in receipts:
        centre = matching.centre(each.link)
        rows = [
            (place, row) for place, key in enumerate(likely.get(each.id, ())) for row in parts.get(key, ())
            if matching.centre(row.link) == centre
        ]  # fmt: skip
        meant = _meant(rows, each.address_token, with_address=with_address, late=late)
        if meant:
            found[each.id] = meant
    return found


def _meant(
    rows: list[tuple[int, Any]], address: bytes | None, *, with_address: bool, late: bool
) -> list[_Part]:
    """Of parts with an id like the receipt's (0: the same, more: read otherwise), the one that is meant; all
    parts of its message that went under this id.
    """
    there = [(place, row) for place, row in rows if row.address_token == address]
    near = there
    if not there and not with_address:
        # Elsewhere only by the id as it stands: the part that has it may not be recorded yet, and another
        # one's id, read otherwise, looks the same. What names no address is read so when it has waited.
        near = [(place, row) for place, row in rows if place == 0 or (late and address is None)]
    if not near:
        return []
    place, meant = min(near, key=lambda each: (each[0], each[1].done, -each[1].at.timestamp()))
    return [
        _Part(row.message_id, row.number)
        for its_place, row in near
        if row.message_id == meant.message_id and its_place == place
    ]


async def _match_unknown(session: AsyncSession, receipts: Sequence[Receipt], matching: Matching) -> int:
    """Match what is left with parts that nobody answered for."""
    addresses = {each.address_token for each in receipts if each.address_token is not None}
    rows = (await session.execute(UNKNOWN, {"addresses": list(addresses)})).all() if addresses else []
    if not rows:
        return 0
    parts: dict[tuple[bytes, str | None], list[Any]] = defaultdict(list)
    for row in rows:
        parts[row.address_token, matching.centre(row.link)].append(row)
    told: dict[tuple[bytes, str | None], list[Receipt]] = defaultdict(list)
    for each in receipts:
        if each.address_token is not None:
            place = (each.address_token, matching.centre(each.link))
            told[place if place in parts else (each.address_token, None)].append(each)
    found: dict[uuid.UUID, list[_Part]] = {}
    for place, here in told.items():
        found |= _pairs(here, parts.get(place, []))
    await _apply(session, receipts, found, matching)
    return len(found)


def _pairs(receipts: list[Receipt], rows: list[Any]) -> dict[uuid.UUID, list[_Part]]:
    """Receipts and unanswered parts of one address: by reference, else in order where all of them came."""
    parts = {reference_of(row.message_id, row.number): _Part(row.message_id, row.number) for row in rows}
    found: dict[uuid.UUID, list[_Part]] = {}
    for each in receipts:
        if each.reference in parts:
            found[each.id] = [parts[each.reference]]
    taken = {part for each in found.values() for part in each}
    left = [part for part in parts.values() if part not in taken]
    ids: dict[str, list[uuid.UUID]] = defaultdict(list)
    for each in receipts:
        if each.reference is None and each.smsc_id:
            ids[key_of(each.smsc_id)].append(each.id)
    if left and len(ids) == len(left):
        for part, same in zip(left, ids.values(), strict=True):
            found |= {each: [part] for each in same}
    return found


async def _apply(
    session: AsyncSession,
    receipts: Sequence[Receipt],
    found: dict[uuid.UUID, list[_Part]],
    matching: Matching,
) -> None:
    """Let the parts follow, and mark the receipts."""
    if not found:
        return
    weightiest: dict[_Part, Receipt] = {}
    rank: Callable[[Receipt], int] = lambda each: _RANK[Heard(each.state)]  # noqa: E731
    for each in receipts:
        for part in found.get(each.id, ()):
            if part not in weightiest or rank(each) > rank(weightiest[part]):
                weightiest[part] = each
    messages = {part.message_id for part in weightiest}
    await hold(session, messages)
    told = weightiest.values()
    await session.execute(
        APPLY,
        {
            "messages": [part.message_id for part in weightiest], "at": clock.now(),
            "numbers": [part.number for part in weightiest], "heard": [each.state for each in told],
            "failures": [each.failure for each in told], "links": [each.link for each in told],
            "smsc_ids": [each.smsc_id or None for each in told],
            "smsc_keys": [key_of(each.smsc_id) if each.smsc_id else None for each in told],
        },
    )  # fmt: skip
    await session.execute(
        MATCHED,
        {
            "ids": list(found), "messages": [parts[0].message_id for parts in found.values()],
            "numbers": [parts[0].number for parts in found.values()],
        },
    )  # fmt: skip
    await roll_up(session, dict.fromkeys(messages), matching.rules)
