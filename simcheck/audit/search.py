"""Finding rows of the chain: by stream, actor, act, subject and days; the newest first, page by page."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.audit.models import Entry, Head
from simcheck.db.engine import actor_of
from simcheck.errors import InvalidError

PAGE = 50
# Acts that change nothing: somebody saw what is personal.
LOOKS = frozenset(
    {"case.unmasked", "case.evidence_seen", "case.seen", "case.searched", "double.seen", "question.read",
     "record.shown", "correction.fetched", "order.fetched", "order.lines_seen", "request.read",
     "request.file_given", "appeal.read"}
)  # fmt: skip
# Every act that there is, one after the other out of the index: not a row for each time that it was done.
ACTS = sa.text("""
WITH RECURSIVE each AS (
    (SELECT act FROM audit ORDER BY act LIMIT 1)
    UNION ALL
    SELECT (SELECT act FROM audit WHERE audit.act > each.act ORDER BY act LIMIT 1) FROM each
    WHERE act IS NOT NULL
)
SELECT act FROM each WHERE act IS NOT NULL
""")
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})~([^~]{1,200})~(\d{1,18})")


@dataclass(frozen=True)
class Wanted:
    """What is looked for. `since` (of it) and `until` (before it) are moments; `acts` any of some acts."""

    stream: str | None = None
    actor: str | None = None
    act: str | None = None
    acts: Collection[str] = ()
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """A row's place among all, by time."""

    at: datetime
    stream: str
    seq: int

    @property
    def shown(self) -> str:
        """The place as it stands in an address."""
        naive = self.at.astimezone(UTC).replace(tzinfo=None)
        return f"{naive.isoformat(timespec='microseconds')}~{self.stream}~{self.seq}"


class Found(NamedTuple):
    """A page of rows, and the place after which the next one begins (None: there is no more)."""

    rows: list[Entry]
    after: Place | None


def place(text: str) -> Place:
    """A place out of an address. Raises `InvalidError`."""
    found = _CURSOR.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return Place(datetime.fromisoformat(found[1]).replace(tzinfo=UTC), found[2], int(found[3]))
    except ValueError:
        raise InvalidError("The page is not one of this list. Search again.") from None


async def find(session: AsyncSession, wanted: Wanted, after: Place | None = None) -> Found:
    """Rows that fit, the newest first: a page of them, older than `after`."""
    query = sa.select(Entry).where(*_conditions(wanted))
    key = sa.tuple_(Entry.at, Entry.stream, Entry.seq)
    if after is not None:
        query = query.where(key < sa.tuple_(*(sa.literal(each) for each in after)))
    ordered = query.order_by(Entry.at.desc(), Entry.stream.desc(), Entry.seq.desc()).limit(PAGE + 1)
    rows = list(await session.scalars(ordered))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Found(rows[:PAGE], Place(last.at, last.stream, last.seq) if last else None)


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    equal = ((Entry.stream, wanted.stream), (Entry.actor, wanted.actor), (Entry.act, wanted.act),
             (Entry.subject, wanted.subject))  # fmt: skip
    conditions = [column == value for column, value in equal if value is not None]
    if wanted.acts:
        conditions.append(Entry.act.in_(sorted(wanted.acts)))
    if wanted.since is not None:
        conditions.append(Entry.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Entry.at < wanted.until)
    return conditions


async def did(session: AsyncSession, act: str, subject: str, since: datetime) -> bool:
    """Whether whoever acts in this session has done so to this subject since then."""
    mine = sa.exists().where(
        Entry.subject == subject, Entry.act == act, Entry.actor == actor_of(session), Entry.at >= since
    )
    return bool(await session.scalar(sa.select(mine)))


async def acts(session: AsyncSession) -> list[str]:
    """The acts that stand in the chain."""
    return list(await session.scalars(ACTS))


async def streams(session: AsyncSession) -> list[str]:
    """The streams of the chain."""
    return list(await session.scalars(sa.select(Head.stream).order_by(Head.stream)))
