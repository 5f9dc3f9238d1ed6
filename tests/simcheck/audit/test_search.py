"""Finding rows of the chain, page by page, out of indexes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import simcheck
from simcheck import audit, clock
from simcheck.audit import search
from simcheck.audit.search import Wanted
from simcheck.errors import InvalidError
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def note(service, minute: int, actor: str, act: str, subject: str, carrier: str | None = None) -> None:
    with clock.fixed(NOON + timedelta(minutes=minute)):
        async with service.database.transaction(actor, carrier, ministry=True) as session:
            audit.record(session, act, subject)


@pytest.fixture
async def rows(service):
    for minute in range(7):
        await note(service, minute // 2, "person:an", "case.moved", f"case/{minute % 3}", "viettel")
    await note(service, 2, "person:binh", "question.read", "question/1")


async def found(service, wanted: Wanted, after=None) -> search.Found:
    async with service.database.transaction("test", ministry=True) as session:
        return await search.find(session, wanted, after)


async def test_what_is_looked_for_is_found(service, rows):
    two = NOON + timedelta(minutes=2)
    for wanted, count in (
        (Wanted(), 8), (Wanted(actor="person:an"), 7), (Wanted(act="question.read"), 1),
        (Wanted(acts=search.LOOKS), 1), (Wanted(subject="case/0"), 3), (Wanted(stream="case/viettel"), 7),
        (Wanted(since=two), 4), (Wanted(until=two), 4), (Wanted(actor="person:an", act="question.read"), 0),
        (Wanted(subject="' OR true --"), 0),
    ):  # fmt: skip
        assert len((await found(service, wanted)).rows) == count, wanted


async def test_pages_have_every_row_once(service, rows, monkeypatch):
    monkeypatch.setattr(search, "PAGE", 3)
    seen, after = [], None
    while True:
        page = await found(service, Wanted(), after)
        seen += [(each.at, each.stream, each.seq) for each in page.rows]
        if page.after is None:
            break
        after = search.place(page.after.shown)
        assert after == page.after
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "text", ["", "x", "2026-11-26T00:00:00.000000~s~x", "2026-99-26T00:00:00.000000~s~1"]
)
def test_what_is_no_place(text):
    with pytest.raises(InvalidError):
        search.place(text)


async def test_lists_to_choose_from(service, rows):
    async with service.database.transaction("test", ministry=True) as session:
        assert await search.acts(session) == ["case.moved", "question.read"]
        assert await search.streams(session) == ["case/viettel", "question"]


async def test_a_page_out_of_many_rows_comes_from_an_index(owner):
    owner.execute(
        "INSERT INTO audit SELECT 's/' || at % 10, at, now() - at * interval '1 second', "
        "'person:' || at % 50, 'a.' || at % 40, 'case/' || at, '{}', '', ''"
        " FROM generate_series(1, 50000) AS at"
    )
    owner.execute("ANALYZE audit")
    order = "ORDER BY at DESC, stream DESC, seq DESC LIMIT 51"
    key = "(at, stream, seq) < (now() - interval '3 hours', 's/1', 5)"
    for condition in ("true", key, f"actor = 'person:3' AND {key}", "act = 'a.3'", "subject = 'case/77'"):
        plan = owner.execute(f"EXPLAIN SELECT * FROM audit WHERE {condition} {order}").fetchall()
        assert "Seq Scan" not in str(plan), (condition, plan)


def test_every_look_is_an_act_that_somewhere_is_noted():
    sources = [
        path.read_text("utf-8")
        for path in Path(simcheck.__path__[0]).rglob("*.py")
        if path != Path(search.__file__)
    ]
    for look in search.LOOKS:
        assert any(f'"{look}"' in text for text in sources), look
