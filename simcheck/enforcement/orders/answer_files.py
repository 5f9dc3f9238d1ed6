"""The order's own file, filled in and sent back: kept sealed until it was read, judged like any answer."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.clock import LOCAL
from simcheck.db.engine import actor_of
from simcheck.enforcement.orders import answers, approve
from simcheck.enforcement.orders.answers import Outcome, Refused
from simcheck.enforcement.orders.models import AnswerState, OrderAnswer
from simcheck.errors import ConflictError
from simcheck.lake.tokens import tokens_of_numbers
from simcheck.normalise import phones
from simcheck.privacy import Keyring
from simcheck.queue import enqueue
from simcheck.records import PROBLEM, ROW
from simcheck.service import Service

FOLDER = "answers"  # in the lake
ANOTHER_ORDER, UNREADABLE = "another_order", "unreadable"
MOST_REFUSED = 1000  # refused rows that are kept; all are counted
COLUMNS = (ROW, PROBLEM, "order_id", "line", "outcome", "done_at")
_HIGHEST = 2**31 - 1  # line


class Rows(NamedTuple):
    """A file that was read: how many rows it has, the outcomes of the good ones by their row, the others."""

    rows: int
    outcomes: dict[int, Outcome]
    refused: Sequence[Refused]


def place(carrier: str, answer_id: uuid.UUID) -> str:
    """The folder of a file in the lake."""
    return f"{FOLDER}/{carrier}/{answer_id}"


async def receive(
    session: AsyncSession, order_id: uuid.UUID, answer_id: uuid.UUID, digest: bytes, size: int
) -> OrderAnswer:
    """Note a file that was sealed at `place`; the same file again is the one that came before.

    Raises `NotFoundError`, and `ConflictError` for an order that has not left.
    """
    order = await approve.one(session, order_id)
    if order.sent_at is None:
        raise ConflictError("The order was not sent (yet).")
    made = (
        pg.insert(OrderAnswer)
        .values(
            id=answer_id, order_id=order_id, carrier=order.carrier, received_at=clock.now(),
            received_by=actor_of(session), digest=digest, size=size, state=AnswerState.WAITING.value,
        )
        .on_conflict_do_nothing()
        .returning(OrderAnswer.id)
    )  # fmt: skip
    if await session.scalar(made) is not None:
        said = {"answer": str(answer_id), "sha256": digest.hex()}
        audit.record(
            session, "order.file_received", f"order/{order_id}", said, stream=f"order/{order.carrier}"
        )
        await wake(session, [answer_id])
    same = (OrderAnswer.order_id == order_id, OrderAnswer.digest == digest)
    return (await session.scalars(sa.select(OrderAnswer).where(*same))).one()


async def waiting(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Files that were not read, the oldest first."""
    query = sa.select(OrderAnswer.id).where(OrderAnswer.state == AnswerState.WAITING)
    return (await session.scalars(query.order_by(OrderAnswer.received_at))).all()


async def wake(session: AsyncSession, answers_waiting: Sequence[uuid.UUID]) -> None:
    """Have files read, unless that waits already."""
    for each in answers_waiting:
        await enqueue(session, "orders.read", queueing_lock=f"orders.read/{each}", answer=str(each))


async def known_places(session: AsyncSession) -> set[str]:
    """The folders of files that wait to be read. The session needs the ministry's scope."""
    query = sa.select(OrderAnswer.carrier, OrderAnswer.id).where(OrderAnswer.state == AnswerState.WAITING)
    return {place(carrier, answer) for carrier, answer in await session.execute(query)}


async def of_order(session: AsyncSession, order_id: uuid.UUID, most: int = 20) -> Sequence[OrderAnswer]:
    """The files that came back for an order, the newest first."""
    query = sa.select(OrderAnswer).where(OrderAnswer.order_id == order_id)
    return (await session.scalars(query.order_by(OrderAnswer.received_at.desc()).limit(most))).all()


async def claimed(session: AsyncSession, answer_id: uuid.UUID) -> OrderAnswer | None:
    """A file that waits, locked; None where it was read."""
    found = await session.get(OrderAnswer, answer_id, with_for_update=True, populate_existing=True)
    return found if found is not None and found.state == AnswerState.WAITING else None


def rows_of(
    keyring: Keyring, order_id: uuid.UUID, reading: Iterable[pa.RecordBatch], date_format: str
) -> Rows:
    """What a file says, row by row; its days are written as `date_format` says. Rows that nobody filled in
    say nothing. Raises what `reading` raises.
    """
    outcomes: dict[int, Outcome] = {}
    refused: list[Refused] = []
    rows = 0
    for batch in reading:
        national = phones.normalise(batch["msisdn"]).national
        tokens = tokens_of_numbers(keyring, "msisdn", np.where(national > 0, national, 0)).to_pylist()
        columns = [
            batch[name].to_pylist() for name in (ROW, PROBLEM, "order_id", "line", "outcome", "done_at")
        ]
        for row, problem, order, line, outcome, done_at, token in zip(*columns, tokens, strict=True):
            rows += 1
            word = (outcome or "").strip()
            if problem is None and not word:
                continue
            number = _line(line)
            if problem is not None or number is None:
                refused.append(Refused(row, UNREADABLE))
            elif (order or "").strip() != str(order_id):
                refused.append(Refused(row, ANOTHER_ORDER))
            else:
                outcomes[row] = Outcome(number, word, _moment(done_at, date_format), token)
    return Rows(rows, outcomes, refused)


async def take(session: AsyncSession, service: Service, found: OrderAnswer, rows: Rows) -> None:
    """Take what a file says, and keep which of its rows were refused."""
    refused = list(rows.refused)
    taken = await answers.take(session, service, found.order_id, list(rows.outcomes.values()))
    # The answer names lines; the file is told by its rows.
    of_line: dict[int, list[int]] = {}
    for row, outcome in rows.outcomes.items():
        of_line.setdefault(outcome.line, []).append(row)
    refused += [Refused(of_line[each.line].pop(), each.why) for each in taken.refused]
    refused.sort()
    found.state, found.settled_at = AnswerState.TAKEN, clock.now()
    found.rows, found.accepted = rows.rows, taken.accepted
    found.refused = [[each.line, each.why] for each in refused[:MOST_REFUSED]]
    counted = Counter(each.why for each in refused)
    said = {"answer": str(found.id), "rows": rows.rows, "accepted": taken.accepted, "refused": dict(counted)}
    audit.record(session, "order.file_read", f"order/{found.order_id}", said, stream=_of(found.carrier))
    await session.flush()


async def refuse(session: AsyncSession, found: OrderAnswer, why: str) -> None:
    """Refuse a whole file, in words that carry nothing of it."""
    found.state, found.reason, found.settled_at = AnswerState.REFUSED, why, clock.now()
    said = {"answer": str(found.id)}
    audit.record(
        session, "order.file_refused", f"order/{found.order_id}", said, stream=f"order/{found.carrier}"
    )
    await session.flush()


def _of(carrier: str) -> str:
    return f"order/{carrier}"


def _line(cell: str | None) -> int | None:
    plain = (cell or "").strip()
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 10:
        return None
    number = int(plain)
    return number if 1 <= number <= _HIGHEST else None


def _moment(cell: str | None, pattern: str) -> datetime | None:
    """When it was done: a day as the carrier writes it, or a day or moment of ISO 8601, in the country's
    zone; None for what is neither.
    """
    plain = (cell or "").strip()
    try:
        found = datetime.strptime(plain, pattern)
    except ValueError:
        try:
            found = datetime.fromisoformat(plain)
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=LOCAL)
