"""What is due of each kind of data, what of it is held, and how it goes: one table, by the ids of
`retention.toml`.

A count and a removal ask by one condition. What other jobs remove has no removal here; that nothing older is
left of it is looked at all the same.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.crosscheck import tidy
from simcheck.enforcement.orders import send
from simcheck.gate import chain
from simcheck.lake import purge as lake
from simcheck.service import Service

MOST = 5_000  # numbers of one statement
THINGS = ""  # what a removal counts the things of its count by, beside rows of tables


class Due(NamedTuple):
    """Things older than a moment: all of them, and those that may not go, by why."""

    due: int
    held: dict[str, int]


Count = Callable[[AsyncSession, Service, datetime], Awaitable[Due]]
Remove = Callable[[AsyncSession, Service, datetime], Awaitable[dict[str, int]]]
Mark = Callable[[AsyncSession, datetime], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """`count` what is due; `remove` it and say how many rows of what are gone (the count's own things
    under `THINGS`), as much as one transaction should do: until nothing goes any more.

    Of what no transaction holds (files), `mark` says in the ledger what goes, and is committed before
    anything does: what a removal that is broken off leaves, the next one finds.
    """

    count: Count
    remove: Remove | None = None
    mark: Mark | None = None


def _stamped(text: str) -> sa.TextClause:
    return sa.text(text).bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))


def _counted(text: str) -> Count:
    """A count by a statement that gives rows of (why, found); `why` is null for what may go."""
    statement = _stamped(text)

    async def count(session: AsyncSession, service: Service, before: datetime) -> Due:  # noqa: ARG001
        rows = {row.why: int(row.found) for row in await session.execute(statement, {"before": before})}
        return Due(sum(rows.values()), {why: number for why, number in rows.items() if why})

    return count


def _old(table: str, condition: str, preserved: str = "false") -> Count:
    """A count of the rows of a table; of those that an order preserves apart."""
    why = f"CASE WHEN {preserved} THEN 'preserved' END"
    return _counted(f"SELECT {why} AS why, count(*) AS found FROM {table} WHERE {condition} GROUP BY 1")  # noqa: S608


def _removed(text: str) -> Remove:
    """A removal by one statement: an UPDATE or DELETE."""
    statement = _stamped(text)

    async def remove(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
        gone = await session.execute(statement, {"before": before})
        return {THINGS: int(gone.rowcount)}  # type: ignore[attr-defined]

    return remove


# Numbers whose time is over, and why some have to stay.
ENDED = """
SELECT why_kept(carrier, msisdn_token) AS why, count(*) AS found FROM subscription_end
WHERE ended_at < :before AND forgotten_at IS NULL GROUP BY 1
"""
FORGET_ENDED = _stamped("SELECT what, gone FROM forget_ended(:before, :most)")
# Messages of no case.
LOOSE = """made_at < :before AND settled_at < :before
    AND (case_id IS NULL OR NOT EXISTS (SELECT FROM "case" WHERE "case".id = message.case_id))"""
FORGET_MESSAGES = _stamped("SELECT forget_messages(:before, :most)")
# A root of questions goes as a whole, once all of it is old enough. So what is due are whole roots, and one
# in which there is a question of somebody whom an order preserves is kept whole.
OTP = """
WITH held AS MATERIALIZED (SELECT chained FROM preserved_roots())
SELECT CASE WHEN held.chained IS NOT NULL THEN 'preserved' END AS why, count(*) AS found
FROM otp_question LEFT JOIN held ON held.chained = otp_question.chained
WHERE at < :before AND otp_question.chained < coalesce(
    (SELECT min(chained) FROM otp_question WHERE at >= :before AND chained IS NOT NULL), 9223372036854775807)
GROUP BY 1
"""
APPEALS = """
SELECT appeal_kept(appeal) AS why, count(*) AS found FROM appeal WHERE settled_at < :before GROUP BY 1
"""
FORGET_APPEALS = _stamped("SELECT forget_appeals(:before, :most)")
FORGET_BARS = _stamped("SELECT forget_bars(:before, :most)")
# People's requests, and the files of their answers.
REQUEST_PRESERVED = "(preserved(msisdn_token) OR preserved_person(id_token))"
FILES = f"""
SELECT CASE WHEN {REQUEST_PRESERVED} THEN 'preserved' END AS why, count(*) AS found
FROM request_file JOIN person_request AS request ON request.id = request_id
WHERE request_file.made_at < :before GROUP BY 1
"""  # noqa: S608
FORGET_FILES = f"""
DELETE FROM request_file USING person_request AS request
WHERE request.id = request_id AND request_file.made_at < :before AND NOT {REQUEST_PRESERVED}
"""  # noqa: S608
FORGET_REQUESTS = f"DELETE FROM person_request WHERE answered_at < :before AND NOT {REQUEST_PRESERVED}"  # noqa: S608
# Records of orders that were lifted.
RECORDS = """EXISTS (
    SELECT FROM preservation WHERE preservation.id = preservation_id AND lifted_at < :before)"""
# Orders whose file is too old; one in which a number stands that an authority wants preserved is kept whole.
ORDER_FILES = "sent_at IS NOT NULL AND coalesce(done_at, sent_at) < :before"
ORDER_PRESERVED = """EXISTS (
    SELECT FROM order_line WHERE order_line.order_id = order_batch.id AND preserved(order_line.msisdn_token)
)"""
MARK_ORDERS = _stamped(f"""
UPDATE order_batch SET purged_at = now() WHERE {ORDER_FILES} AND purged_at IS NULL AND NOT {ORDER_PRESERVED}
""")  # noqa: S608  (no input of anybody)
# Of orders of which there is a file: whether it goes, has gone from the ledger already, or is held.
ORDERS = _stamped(f"""
SELECT carrier, id, purged_at IS NULL AND {ORDER_PRESERVED} AS held FROM order_batch
WHERE id = ANY (:orders) AND {ORDER_FILES}
""").bindparams(sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())))  # noqa: S608
ORDERS_MARKED = _stamped(f"""
SELECT carrier, id FROM order_batch WHERE id = ANY (:orders) AND {ORDER_FILES} AND purged_at IS NOT NULL
""").bindparams(sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())))  # noqa: S608
FILE_NAMES = "state IN ('done', 'refused') AND changed_at < :before AND file_name IS NOT NULL"
REGISTERS = "state = 'retired' AND retired_at < :before AND path <> 'online'"


async def _forget_ended(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    rows = {row.what: int(row.gone) for row in
            await session.execute(FORGET_ENDED, {"before": before, "most": MOST})}  # fmt: skip
    return {THINGS: rows.pop("numbers"), **{what: gone for what, gone in rows.items() if gone}}


async def _forget_messages(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    return {THINGS: int(await session.scalar(FORGET_MESSAGES, {"before": before, "most": 10 * MOST}) or 0)}


async def _forget_appeals(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    return {THINGS: int(await session.scalar(FORGET_APPEALS, {"before": before, "most": 10 * MOST}) or 0)}


async def _forget_bars(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    return {THINGS: int(await session.scalar(FORGET_BARS, {"before": before, "most": 10 * MOST}) or 0)}


async def _orders_with_files(service: Service) -> list[uuid.UUID]:
    """The orders of which anything is in the lake, whatever the ledger says."""
    found = await asyncio.to_thread(lake.datasets, service.store, send.FOLDER)
    return [uuid.UUID(name.rpartition("/")[2]) for name in found]


async def _order_files(session: AsyncSession, service: Service, before: datetime) -> Due:
    there = await _orders_with_files(service)
    found = (await session.execute(ORDERS, {"before": before, "orders": there})).all()
    held = sum(each.held for each in found)
    return Due(len(found), {"preserved": held} if held else {})


async def _mark_orders(session: AsyncSession, before: datetime) -> None:
    await session.execute(MARK_ORDERS, {"before": before})


async def _remove_orders(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:
    """The files of orders that are marked; done again, it removes what is left."""
    there = await _orders_with_files(service)
    marked = (await session.execute(ORDERS_MARKED, {"before": before, "orders": there})).all()
    for carrier, order in marked[:MOST]:
        await asyncio.to_thread(service.store.remove_folder, send.place(carrier, order))
    return {THINGS: len(marked[:MOST])}


async def _forget_otp(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    return {THINGS: await chain.forget(session, before)}


async def _lake_rows(session: AsyncSession, service: Service, before: datetime) -> Due:
    """Datasets of the lake that were last written to before then, and are in no use."""
    used = await tidy.in_use(session)

    def look() -> int:
        return sum(
            written < before and name not in used[folder]
            for folder in tidy.FOLDERS
            for name, written in lake.datasets(service.store, folder).items()
        )

    return Due(await asyncio.to_thread(look), {})


KINDS: dict[str, Kind] = {
    "ended_numbers": Kind(_counted(ENDED), _forget_ended),
    "order_files": Kind(_order_files, _remove_orders, _mark_orders),
    "appeals": Kind(_counted(APPEALS), _forget_appeals),
    "appeal_words": Kind(
        _old("appeal", "telephone IS NOT NULL AND settled_at < :before", "preserved(msisdn_token)")
    ),
    "order_bars": Kind(
        _old(
            "order_bar", "bar_over_at(order_bar) < :before",
            "preserved(msisdn_token) OR preserved_person(id_token)",
        ),
        _forget_bars,
    ),
    "preserved_records": Kind(
        _old("preserved_record", RECORDS), _removed(f"DELETE FROM preserved_record WHERE {RECORDS}")  # noqa: S608
    ),
    "answer_files": Kind(_old("order_answer", "state = 'waiting' AND received_at < :before")),
    "loose_messages": Kind(_old("message", LOOSE, "preserved(msisdn_token)"), _forget_messages),
    "otp_questions": Kind(_counted(OTP), _forget_otp),
    "file_names": Kind(
        _old("batch", FILE_NAMES), _removed(f"UPDATE batch SET file_name = NULL WHERE {FILE_NAMES}")  # noqa: S608
    ),
    "request_files": Kind(_counted(FILES), _removed(FORGET_FILES)),
    "requests": Kind(
        _old("person_request", "answered_at < :before", REQUEST_PRESERVED), _removed(FORGET_REQUESTS)
    ),
    "raw_files": Kind(
        _old("batch", "state IN ('done', 'refused') AND done_at < :before AND path IS NOT NULL")
    ),
    "uploads": Kind(_old("upload", "expires_at < :before")),
    "lake_rows": Kind(_lake_rows),
    "register_snapshots": Kind(_old("register_snapshot", REGISTERS)),
    "feedback_files": Kind(_old("feedback", "acknowledged_at < :before AND purged_at IS NULL")),
    "correction_words": Kind(
        _old(
            "correction",
            "cells IS NOT NULL AND coalesce(acknowledged_at, settled_at) < :before"
            " AND (acknowledged_at IS NOT NULL OR outcome = 'differs')",
            "preserved(msisdn_token)",
        )
    ),
    "message_words": Kind(
        _old(
            "message", "text IS NOT NULL AND settled_at < :before AND made_at < :before",
            "preserved(msisdn_token)",
        )
    ),
    "inbound_words": Kind(
        _old("inbound", "state = 'done' AND received_at < :before", "preserved(sender_token)")
    ),
    "question_words": Kind(
        _old("question", "address IS NOT NULL AND closed_at < :before", "preserved(msisdn_token)")
    ),
    "challenges": Kind(_old("holder_challenge", "expires_at < :before")),
    "holder_sessions": Kind(_old("holder_session", "expires_at < :before")),
    "staff_sessions": Kind(_old("staff_session", "expires_at < :before")),
}  # fmt: skip
