"""What is due of each kind of data, what of it is held, and how it goes: one table, by the ids of
`retention.toml`.

A count and a removal ask by one condition. What other jobs remove has no removal here; that nothing older is
left of it is looked at all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
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


@dataclass(frozen=True)
class Kind:
    """`count` what is due; `remove` it and say how many rows of what are gone (the count's own things
    under `THINGS`), as much as one transaction should do: until nothing goes any more.
    """

    count: Count
    remove: Remove | None = None


def _stamped(text: str) -> sa.TextClause:
    return sa.text(text).bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))


def _counted(text: str) -> Count:
    """A count by a statement that gives rows of (why, found); `why` is null for what may go."""
    statement = _stamped(text)

    async def count(session: AsyncSession, service: Service, before: datetime) -> Due:  # noqa: ARG001
        rows = {row.why: int(row.found) for row in await session.execute(statement, {"before": before})}
        return Due(sum(rows.values()), {why: number for why, number in rows.items() if why})

    return count


def _old(table: str, condition: str, token: str | None = None) -> Count:
    """A count of the rows of a table; where `token` names their number, of those that an order preserves
    apart.
    """
    why = f"CASE WHEN preserved({token}) THEN 'preserved' END" if token else "CAST(NULL AS text)"
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
# A root of questions goes as a whole, once all of it is old enough. So what is due are whole roots.
OTP = """
SELECT CAST(NULL AS text) AS why, count(*) AS found FROM otp_question
WHERE at < :before AND chained < coalesce(
    (SELECT min(chained) FROM otp_question WHERE at >= :before AND chained IS NOT NULL), 9223372036854775807)
"""
# Files of orders; one in which a number stands that an authority wants preserved is kept whole.
ORDER_FILES = "sent_at IS NOT NULL AND purged_at IS NULL AND coalesce(done_at, sent_at) < :before"
ORDER_PRESERVED = """EXISTS (
    SELECT FROM order_line WHERE order_line.order_id = order_batch.id AND preserved(order_line.msisdn_token)
)"""
ORDERS = f"""
SELECT CASE WHEN {ORDER_PRESERVED} THEN 'preserved' END AS why, count(*) AS found
FROM order_batch WHERE {ORDER_FILES} GROUP BY 1
"""  # noqa: S608  (no input of anybody)
ORDERS_TO_PURGE = _stamped(f"""
SELECT carrier, id FROM order_batch WHERE {ORDER_FILES} AND NOT {ORDER_PRESERVED}
ORDER BY id LIMIT :most FOR NO KEY UPDATE
""")  # noqa: S608
ORDERS_PURGED = sa.text("UPDATE order_batch SET purged_at = :at WHERE id = ANY(:orders)").bindparams(
    sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
    sa.bindparam("orders", type_=pg.ARRAY(sa.Uuid())),
)
FILE_NAMES = "state IN ('done', 'refused') AND changed_at < :before AND file_name IS NOT NULL"
REGISTERS = "state = 'retired' AND retired_at < :before AND path <> 'online'"


async def _forget_ended(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    rows = {row.what: int(row.gone) for row in
            await session.execute(FORGET_ENDED, {"before": before, "most": MOST})}  # fmt: skip
    return {THINGS: rows.pop("numbers"), **{what: gone for what, gone in rows.items() if gone}}


async def _forget_messages(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:  # noqa: ARG001
    return {THINGS: int(await session.scalar(FORGET_MESSAGES, {"before": before, "most": 10 * MOST}) or 0)}


async def _order_files(session: AsyncSession, service: Service, before: datetime) -> dict[str, int]:
    """The files are gone before it is said: what is broken off is done again."""
    orders = (await session.execute(ORDERS_TO_PURGE, {"before": before, "most": MOST})).all()
    for carrier, order in orders:
        await asyncio.to_thread(service.store.remove_folder, send.place(carrier, order))
    await session.execute(ORDERS_PURGED, {"orders": [order for _, order in orders], "at": clock.now()})
    return {THINGS: len(orders)}


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
    "order_files": Kind(_counted(ORDERS), _order_files),
    "answer_files": Kind(_old("order_answer", "state = 'waiting' AND received_at < :before")),
    "loose_messages": Kind(_old("message", LOOSE, "msisdn_token"), _forget_messages),
    "otp_questions": Kind(_counted(OTP), _forget_otp),
    "file_names": Kind(
        _old("batch", FILE_NAMES), _removed(f"UPDATE batch SET file_name = NULL WHERE {FILE_NAMES}")  # noqa: S608
    ),
    "request_files": Kind(
        _old("request_file", "made_at < :before"),
        _removed("DELETE FROM request_file WHERE made_at < :before"),
    ),
    "requests": Kind(
        _old("person_request", "answered_at < :before"),
        _removed("DELETE FROM person_request WHERE answered_at < :before"),
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
            "msisdn_token",
        )
    ),
    "message_words": Kind(
        _old(
            "message", "text IS NOT NULL AND settled_at < :before AND made_at < :before", "msisdn_token"
        )
    ),
    "inbound_words": Kind(_old("inbound", "state = 'done' AND received_at < :before", "sender_token")),
    "question_words": Kind(_old("question", "address IS NOT NULL AND closed_at < :before", "msisdn_token")),
    "challenges": Kind(_old("holder_challenge", "expires_at < :before")),
    "holder_sessions": Kind(_old("holder_session", "expires_at < :before")),
    "staff_sessions": Kind(_old("staff_session", "expires_at < :before")),
}  # fmt: skip
