"""Writing the chain: what happened is noted at once and written right before the commit.

So the lock on a stream's head is held for the shortest time, heads are locked in one order (no deadlock),
and an act that fails leaves no row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.audit.models import Entry, Head
from simcheck.db.engine import actor_of, before_commit, carrier_of

# Said once: the same for every act.
_ITS_HEAD = sa.select(Head.seq, Head.hash).where(Head.stream == sa.bindparam("of")).with_for_update()
_ROWS = sa.insert(Entry.__table__)  # type: ignore[arg-type]
# A stream's last row, and its head with it: what is done with every single act is one statement.
_LAST = sa.text("""
WITH head AS (UPDATE audit_head SET seq = :seq, hash = :hash WHERE stream = :stream)
INSERT INTO audit (stream, seq, at, actor, act, subject, detail, previous, hash)
VALUES (:stream, :seq, :at, :actor, :act, :subject, :detail, :previous, :hash)
""").bindparams(sa.bindparam("detail", type_=Entry.detail.type))
START = bytes(32)  # what stands before the first row of a stream
_PENDING = "audit"


@dataclass(frozen=True)
class Act:
    """One act, not yet in its stream."""

    stream: str
    at: datetime
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]


def record(
    session: AsyncSession,
    act: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
    *,
    stream: str | None = None,
) -> None:
    """Note an act. It becomes a row of the chain in the session's own transaction, when that commits.

    `act` is `thing.verb`, such as `batch.received`; `subject` names the thing, such as `batch/<id>`;
    `detail` holds words, integers, truth values, and lists and mappings of them: no personal data.
    `stream` is by itself the act's thing and the transaction's carrier, such as `batch/viettel`.
    Raises `NoActorError` when the session was not opened at the edge, `ValueError` for any other detail.
    """
    carrier = carrier_of(session)
    thing = act.partition(".")[0]
    pending: list[Act] = session.info.setdefault(_PENDING, [])
    noted = Act(
        stream or (f"{thing}/{carrier}" if carrier else thing),
        clock.now(),
        actor_of(session),
        act,
        subject,
        _plain(dict(detail or {}), "detail"),
    )
    if not pending:
        before_commit(session, _write)
    pending.append(noted)


def _plain(value: Any, where: str) -> Any:
    """The value, if PostgreSQL's jsonb gives back exactly what is put in."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and "\0" not in value:
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each, where) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(each, f"{where}.{key}") for key, each in value.items()}
    raise ValueError(f"{where}: a {type(value).__name__} cannot stand in the audit chain")


async def _write(session: AsyncSession) -> None:
    """Append what was noted, stream after stream in the order of their names."""
    pending: list[Act] = session.info.pop(_PENDING)
    for stream in sorted({act.stream for act in pending}):
        seq, previous = await _lock_head(session, stream)
        rows: list[dict[str, Any]] = []
        for act in pending:
            if act.stream == stream:
                seq, here = seq + 1, hash_of(act, seq + 1, previous)
                rows.append({**vars(act), "seq": seq, "previous": previous, "hash": here})
                previous = here
        last = rows.pop()
        if rows:
            await session.execute(_ROWS, rows)
        await session.execute(_LAST, last)


async def _lock_head(session: AsyncSession, stream: str) -> tuple[int, bytes]:
    """The stream's last row, with its head locked until the commit; a new stream starts here."""
    found = (await session.execute(_ITS_HEAD, {"of": stream})).one_or_none()
    if found is None:
        start = pg.insert(Head).values(stream=stream, seq=0, hash=START).on_conflict_do_nothing()
        await session.execute(start)
        found = (await session.execute(_ITS_HEAD, {"of": stream})).one()
    return found.seq, found.hash


def hash_of(act: Act | Entry, seq: int, previous: bytes) -> bytes:
    """SHA-256 over the hash before and the row as canonical JSON (sorted names, no spaces, UTF-8)."""
    row = {
        "stream": act.stream,
        "seq": seq,
        "at": act.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": act.actor,
        "act": act.act,
        "subject": act.subject,
        "detail": act.detail,
    }
    return sha256(previous + canonical(row)).digest()


def canonical(value: Mapping[str, Any]) -> bytes:
    """One spelling of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
