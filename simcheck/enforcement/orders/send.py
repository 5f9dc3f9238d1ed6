"""An approved order becomes its file: numbers read, the file written, rows locked, every guard asked a last
time.

Whoever corrects a record and the order that would suspend it meet at the case's row. If the correction was
first, the line is dropped; if the order was, a restoration follows. The file itself is written by the job, in
the carrier's own format, and sealed in the lake before anything says that it is there; only then is anything
locked but the order, and where a guard has shut by then, the file is written anew.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.clock import LOCAL
from simcheck.enforcement import store
from simcheck.enforcement.orders import approve, guards, words
from simcheck.enforcement.orders.models import OrderAct, OrderBatch, OrderState
from simcheck.errors import NotFoundError
from simcheck.lake.files import Store
from simcheck.lake.sealed_file import sealing
from simcheck.messages.words import Language
from simcheck.notices import policy
from simcheck.notices.addresses import Place, reaches
from simcheck.privacy import Keyring
from simcheck.records import ORDERED_COLUMNS
from simcheck.service import Service
from simcheck.webhooks import notify

FOLDER = "orders"  # in the lake
NO_NUMBER, REOPENED = "no_number", "reopened"
# Lines without a number, with where the declared record is and an older line that has one.
BARE = sa.text("""
SELECT order_line.line, order_line.carrier, order_line.msisdn_token, batch_id, bucket, row,
       before.order_id, before.line AS before_line, before.number
FROM order_line
LEFT JOIN subscription USING (carrier, msisdn_token)
LEFT JOIN LATERAL (
    SELECT order_id, line, number FROM order_line AS older
    WHERE older.carrier = order_line.carrier AND older.msisdn_token = order_line.msisdn_token
      AND older.number IS NOT NULL
    ORDER BY made_at DESC LIMIT 1
) AS before ON true
WHERE order_line.order_id = :order AND order_line.state = 'proposed' AND order_line.number IS NULL
""")
FILL = sa.text("""
UPDATE order_line SET number = given.number
FROM unnest(CAST(:lines AS integer[]), CAST(:numbers AS bytea[])) AS given (line, number)
WHERE order_line.order_id = :order AND order_line.line = given.line
""").bindparams(
    sa.bindparam("lines", type_=pg.ARRAY(sa.Integer())),
    sa.bindparam("numbers", type_=pg.ARRAY(sa.LargeBinary())),
)
# Of what has no number nothing can be ordered.
NUMBERLESS = sa.text("""
UPDATE order_line SET state = 'dropped', outcome = :outcome, outcome_at = :at
WHERE order_id = :order AND state = 'proposed' AND number IS NULL
RETURNING line
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Subscriptions before cases, each in one order, as everybody locks them.
LOCK_SUBSCRIPTIONS = sa.text("""
SELECT FROM subscription JOIN order_line USING (carrier, msisdn_token)
WHERE order_line.order_id = :order AND order_line.state = 'proposed'
ORDER BY msisdn_token, carrier FOR NO KEY UPDATE OF subscription
""")
LOCK_CASES = sa.text("""
SELECT FROM "case" JOIN order_line ON order_line.case_id = "case".id
WHERE order_line.order_id = :order AND order_line.state = 'proposed'
ORDER BY "case".id FOR NO KEY UPDATE OF "case"
""")
# What would be undone of a case that is open again, or of a handset that was changed again, holds (an upheld
# appeal and a protected line are undone whatever their case is); unless an order was overtaken of which
# nobody knows whether it was carried out.
OPEN_AGAIN = sa.text("""
UPDATE order_line SET state = 'dropped', outcome = :outcome, outcome_at = :at
FROM clock LEFT JOIN "case" ON "case".id = clock.case_id
WHERE order_line.order_id = :order AND order_line.state = 'proposed' AND order_line.reason = :reason
  AND clock.carrier = order_line.carrier AND clock.msisdn_token = order_line.msisdn_token
  AND clock.case_id IS NOT DISTINCT FROM order_line.case_id AND clock.step > 0
  AND CASE WHEN clock.case_id IS NULL THEN clock.ended_at IS NULL
           ELSE "case".id IS NOT NULL AND "case".closed_at IS NULL END
  AND NOT EXISTS (
      SELECT FROM order_line AS before
      WHERE before.carrier = order_line.carrier AND before.msisdn_token = order_line.msisdn_token
        AND before.state = 'overtaken' AND before.outcome IS NULL
  )
RETURNING order_line.line
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
LINES = sa.text("""
SELECT line, number, reason, evidence ->> 'policy' AS version, evidence ->> 'track' AS track
FROM order_line WHERE order_id = :order AND state = 'proposed' ORDER BY line
""")
SENT = sa.text("UPDATE order_line SET state = 'sent' WHERE order_id = :order AND state = 'proposed'")
# Whoever asks before a one-time code hears of it from now on.
UNDER_ORDER = sa.text("""
UPDATE subscription SET under_order = true FROM order_line
WHERE order_line.order_id = :order AND order_line.state = 'sent'
  AND subscription.carrier = order_line.carrier AND subscription.msisdn_token = order_line.msisdn_token
  AND NOT under_order
""")


class Kind(NamedTuple):
    """What a file is: how its name ends, and what it is sent as."""

    extension: str
    media_type: str


class Line(NamedTuple):
    """A line that goes out."""

    line: int
    number: bytes
    reason: str
    version: str | None
    track: str | None


@dataclass(frozen=True)
class Going:
    """An order that goes out now: its lines as its file has them, all text."""

    order: OrderBatch
    lines: pa.RecordBatch


def place(carrier: str, order_id: uuid.UUID) -> str:
    """The folder of an order's file in the lake."""
    return f"{FOLDER}/{carrier}/{order_id}"


def bound_to(order_id: uuid.UUID, line: int) -> str:
    """What the number of a line is sealed to."""
    return f"order_line/number/{order_id}/{line}"


async def due(session: AsyncSession) -> Sequence[tuple[uuid.UUID, OrderAct]]:
    """Orders that are approved and have no file, with their acts: what undoes a suspension first."""
    query = (
        sa.select(OrderBatch.id, OrderBatch.act)
        .where(OrderBatch.state == OrderState.APPROVED)
        .order_by(OrderBatch.act != OrderAct.RESTORE, OrderBatch.approved_at, OrderBatch.id)
    )
    return [(order, OrderAct(act)) for order, act in await session.execute(query)]


async def known_places(session: AsyncSession) -> set[str]:
    """The folders of all files that were sent and are kept. The session needs the ministry's scope."""
    kept = OrderBatch.sent_at.is_not(None) & OrderBatch.purged_at.is_(None)
    query = sa.select(OrderBatch.carrier, OrderBatch.id).where(kept)
    return {place(carrier, order) for carrier, order in await session.execute(query)}


async def number(session: AsyncSession, service: Service, order_id: uuid.UUID) -> int:
    """Read the numbers of an order's lines out of the lake and seal them; how many. Nothing is locked
    meanwhile.
    """
    bare = (await session.execute(BARE, {"order": order_id})).all()
    if not bare:
        return 0
    known = [each for each in bare if each.batch_id is not None]
    places = [Place(each.carrier, each.msisdn_token, each.batch_id, each.bucket, each.row) for each in known]
    rules = policy.of(service.settings)
    found = await asyncio.to_thread(reaches, service.store, service.keyring, rules, places)
    numbers = {each.line: reach.number for each, reach in zip(known, found, strict=True) if reach.number}
    for each in bare:  # a record that is gone: the number is that of an order before
        if each.line not in numbers and each.number is not None:
            plain = service.keyring.open(each.number, bound_to(each.order_id, each.before_line))
            numbers[each.line] = int(plain)
    seal = service.keyring.seal
    sealed = {line: seal(str(own).encode(), bound_to(order_id, line)) for line, own in numbers.items()}
    given = {"order": order_id, "lines": list(sealed), "numbers": list(sealed.values())}
    await session.execute(FILL, given)
    return len(sealed)


async def ready(session: AsyncSession, service: Service, order_id: uuid.UUID) -> Going | None:
    """Drop what a guard shuts out of an approved order; what goes out, unless `confirm` finds more. The order
    alone is locked: nobody else writes its file meanwhile.

    None where it is not approved (any more), all of it waits, or nothing is left of it. Raises `SealError`.
    """
    order = await session.get(
        OrderBatch, order_id, populate_existing=True, with_for_update={"key_share": True}
    )
    if order is None or order.state != OrderState.APPROVED:
        return None
    if await _drop(session, service, order) is None:
        return None
    lines = [Line(*row) for row in await session.execute(LINES, {"order": order_id})]
    if not lines:
        order.state, order.reason = OrderState.STOPPED, approve.NOTHING_LEFT
        order.settled_at = clock.now()
        audit.record(session, "order.stopped", f"order/{order_id}", stream=f"order/{order.carrier}")
        await session.flush()
        return None
    basis = await _bases(session, {each.version for each in lines if each.version})
    return Going(order, await asyncio.to_thread(_batch, service.keyring, service, order, lines, basis))


async def confirm(session: AsyncSession, service: Service, going: Going) -> bool:
    """Lock what an order is about, and ask every guard a last time: whether all of it goes out. Else what was
    shut out is dropped, or all of it waits, and `ready` knows what is left.
    """
    key = {"order": going.order.id}
    await session.execute(LOCK_SUBSCRIPTIONS, key)
    await session.execute(LOCK_CASES, key)
    return await _drop(session, service, going.order) == 0


async def _drop(session: AsyncSession, service: Service, order: OrderBatch) -> int | None:
    """Drop what must not go out; how many lines. None where all of them wait."""
    key, at, dropped = {"order": order.id}, clock.now(), 0
    if order.act != OrderAct.RESTORE:
        if any(each.shut in guards.WAITING for each in await approve.judged(session, service, order.id)):
            return None
        dropped += await approve.drop(session, service, order.id)
    gone = len((await session.execute(NUMBERLESS, {**key, "at": at, "outcome": NO_NUMBER})).all())
    if order.act == OrderAct.RESTORE:
        given = {**key, "at": at, "outcome": REOPENED, "reason": words.RESTORED}
        gone += len((await session.execute(OPEN_AGAIN, given)).all())
    await session.refresh(order)
    order.lines -= gone
    await session.flush()
    return dropped + gone


def keep(lake: Store, keyring: Keyring, order: OrderBatch, content: bytes) -> None:
    """Seal the file in the lake, in place of one that was written and never told. Raises OutputError."""
    with sealing(lake, keyring, place(order.carrier, order.id)) as writer:
        writer.write(content)


async def finish(session: AsyncSession, service: Service, going: Going, content: bytes, kind: Kind) -> None:
    """The file is there: the order has left, and the carrier is told."""
    order, at, key = going.order, clock.now(), {"order": going.order.id}
    await session.execute(SENT, key)
    if order.act != OrderAct.RESTORE:
        await session.execute(UNDER_ORDER, key)
    order.state, order.sent_at = OrderState.SENT, at
    order.digest, order.size, order.media_type = sha256(content).digest(), len(content), kind.media_type
    order.file_name = f"order-{order.act}-{at.astimezone(LOCAL):%Y%m%d}-{str(order.id)[:8]}{kind.extension}"
    order.due_at = at + answer_within(service, order)
    said = {"act": order.act, "lines": order.lines, "sha256": order.digest.hex()}
    audit.record(session, "order.sent", f"order/{order.id}", said, stream=f"order/{order.carrier}")
    await tell(session, order, "made")
    await session.flush()


def fetched(session: AsyncSession, order: OrderBatch) -> None:
    """Note that somebody has the file: it names people's numbers. Raises `NotFoundError` where it is gone."""
    if order.purged_at is not None:
        raise NotFoundError("The order's file was kept for two years after its answer, and is no more.")
    audit.record(session, "order.fetched", f"order/{order.id}", stream=f"order/{order.carrier}")


def answer_within(service: Service, order: OrderBatch) -> timedelta:
    """How long a carrier has for its next answer: that it has the order, then what became of it."""
    settings = service.settings
    if order.act == OrderAct.RESTORE:
        return timedelta(hours=settings.orders_restore_hours)
    acknowledged = order.acknowledged_at is not None
    return timedelta(hours=settings.orders_done_hours if acknowledged else settings.orders_acknowledged_hours)


async def tell(session: AsyncSession, order: OrderBatch, why: str) -> None:
    """Have the carrier's systems told of an order: that it was made, or that an answer is late."""
    told: dict[str, str | int] = {"order": str(order.id), "act": order.act, "lines": order.lines, "why": why}
    await notify(session, order.carrier, "order.made", f"order/{order.id}/{why}/{order.tries}", told)


async def _bases(session: AsyncSession, versions: set[str]) -> Mapping[tuple[str, str], str]:
    """By which law a track is, by policy version and track."""
    known = await store.policies(session)
    return {
        (version, track.id): track.basis
        for version in versions & known.keys()
        for track in known[version].tracks
    }


def _batch(
    keyring: Keyring, service: Service, order: OrderBatch, lines: Sequence[Line],
    basis: Mapping[tuple[str, str], str],
) -> pa.RecordBatch:  # fmt: skip
    """The lines as the carrier reads them, in Vietnamese."""
    done_by = clock.now() + 2 * answer_within(service, order)
    count = len(lines)
    numbers = [keyring.open(each.number, bound_to(order.id, each.line)).decode() for each in lines]
    reasons = {each: words.say("reason", each, Language.VI) for each in {line.reason for line in lines}}
    columns = {
        "order_id": [str(order.id)] * count,
        "line": [str(each.line) for each in lines],
        "msisdn": [f"84{each}" for each in numbers],
        "act": [order.act] * count,
        "reason": [reasons[each.reason] for each in lines],
        "basis": [basis.get((each.version or "", each.track or ""), "") for each in lines],
        "due_on": [done_by.astimezone(LOCAL).date().isoformat()] * count,
    }
    return pa.RecordBatch.from_pydict(
        {name: pa.array(columns[name], pa.string()) for name in ORDERED_COLUMNS}
    )
