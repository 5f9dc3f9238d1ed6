from __future__ import annotations

import json
import time

import pytest
import sqlalchemy as sa

from simcheck.cases import codes
from simcheck.cases.models import Case
from simcheck.errors import InvalidError
from simcheck.review import claim, queue
from simcheck.review.filters import Filter, read
from simcheck.review.queue import Sort
from tests.publishing import Sim, run, token
from tests.reviewing import many_cases, one_case

pytestmark = pytest.mark.anyio
ROWS = 200_000  # of `crowd`
USUAL = (
    "", "acts=staff", "acts=staff&snoozed=no&assigned=nobody", "assigned=me", "carrier=itel",
    "answer=disowned", "escalated=yes", "verdict=mismatch", "reason=NAME_DIFFERENT", "state=with_staff",
    "acts=staff&carrier=viettel&opened_before=1d", "acts=staff&target_before=1d",
    "carrier=mobifone&acts=staff",
    "province=079", "province=unknown", "acts=carrier", "state=with_holder",
)  # fmt: skip


def nodes(plan: dict) -> list[dict]:
    return [plan, *(each for part in plan.get("Plans", []) for each in nodes(part))]


async def plan_of(session, statement) -> list[dict]:
    """The nodes of the plan, with how many rows each gave."""
    text = str(statement.compile(dialect=session.bind.dialect, compile_kwargs={"literal_binds": True}))
    text = text.replace(":", r"\:")
    explained = await session.execute(sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}"))
    found = explained.scalar()
    return nodes((found if isinstance(found, list) else json.loads(found))[0]["Plan"])


def uses_an_index(plan: list[dict], most_sorted: int = 20_000) -> None:
    """No table is read whole, and nothing is sorted but a small part that an index gave."""
    kinds = [each["Node Type"] for each in plan]
    assert "Seq Scan" not in kinds, kinds
    assert any("Index" in kind for kind in kinds), kinds
    for each in plan:
        if "Sort" in each["Node Type"]:
            read_in = sum(part["Actual Rows"] for part in each["Plans"])
            assert read_in <= most_sorted, (each["Node Type"], read_in)


async def all_pages(session, filter_, sort, limit):
    seen, cursor = [], None
    while True:
        page = await queue.page(session, filter_, "lan", sort=sort, cursor=cursor, limit=limit)
        seen.append(page)
        if page.after is None:
            return seen
        cursor = page.after


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("query", ["", "acts=staff", "carrier=viettel"])
async def test_pages_hold_every_case_once_forwards_and_backwards(service, owner, sort, query):
    many_cases(owner, 320)
    filter_ = read(query)
    async with service.database.transaction("person:lan", ministry=True) as session:
        pages = await all_pages(session, filter_, sort, 7)
        order = [case.id for page in pages for case in page.cases]
        count = await queue.count(session, filter_, "lan")
        assert len(order) == len(set(order)) == count.cases
        key = {
            Sort.OLDEST: lambda case: (case.opened_at, case.id),
            Sort.NEWEST: lambda case: (-case.changed_at.timestamp(), -case.id.int),
            Sort.DEADLINE: lambda case: (case.target_at is None, case.target_at and case.target_at, case.id),
            Sort.VERDICT: lambda case: (-case.verdict, -case.opened_at.timestamp(), -case.id.int),
        }[sort]
        cases = [case for page in pages for case in page.cases]
        running = [case for case in cases if sort is not Sort.DEADLINE or case.target_at]
        assert running == sorted(running, key=key)
        assert cases[: len(running)] == running
        assert pages[0].before is None
        backwards, cursor = [pages[-1]], pages[-1].before
        while cursor is not None:
            page = await queue.page(session, filter_, "lan", sort=sort, cursor=cursor, limit=7)
            backwards.insert(0, page)
            cursor = page.before
        assert [case.id for page in backwards for case in page.cases] == order


async def test_a_page_goes_on_where_it_was_while_the_list_changes(service, owner):
    many_cases(owner, 40)
    async with service.database.transaction("person:lan", ministry=True) as session:
        first = await queue.page(session, Filter(), "lan", sort=Sort.OLDEST, limit=10)
        whole = await queue.page(session, Filter(), "lan", sort=Sort.OLDEST, limit=40)
    gone = [case.id for case in first.cases]
    owner.execute(
        "UPDATE \"case\" SET closed_at = now(), close_reason = 'gone', state = 'closed', target_at = NULL,"
        " clock_left = '0' WHERE id = ANY(%s)", [gone],
    )  # fmt: skip
    async with service.database.transaction("person:lan", ministry=True) as session:
        second = await queue.page(session, Filter(), "lan", sort=Sort.OLDEST, cursor=first.after, limit=10)
    assert [case.id for case in second.cases] == [case.id for case in whole.cases[10:20]]


async def test_a_cursor_is_good_for_its_own_order_alone(service, owner):
    many_cases(owner, 20)
    async with service.database.transaction("person:lan", ministry=True) as session:
        page = await queue.page(session, Filter(), "lan", sort=Sort.OLDEST, limit=5)
        assert page.after is not None
        for cursor in (
            page.after[:-4],
            "x",
            "",
            "é",
            page.after + "AAAA",
            "bnVsbA",
            "W10",
            "WyJvbGRlc3QiLGZhbHNlLDEsMl0",
        ):
            with pytest.raises(InvalidError, match="first page"):
                await queue.page(session, Filter(), "lan", sort=Sort.OLDEST, cursor=cursor)
        with pytest.raises(InvalidError):
            await queue.page(session, Filter(), "lan", sort=Sort.NEWEST, cursor=page.after)


async def test_a_count_is_exact_up_to_its_cap(service, owner):
    many_cases(owner, 50)
    async with service.database.transaction("person:lan", ministry=True) as session:
        assert await queue.count(session, Filter(), "lan", cap=50) == (50, False)
        assert await queue.count(session, Filter(), "lan", cap=49) == (49, True)
        assert await queue.count(session, Filter(), "lan", cap=None) == (50, False)


async def test_facets_are_the_counts_of_their_lists(service, owner):
    many_cases(owner, 640)
    for case in range(3):
        one_case(owner, assignee="lan", held=bool(case))
    async with service.database.transaction("person:lan", ministry=True) as session:
        for query in ("", "acts=staff", "carrier=itel&verdict=mismatch", "reason=NAME_DIFFERENT&answer=none",
                      "state=with_holder&opened_before=2026-11-27", "assigned=me"):  # fmt: skip
            facets = await queue.facets(session, read(query), "lan")
            assert set(facets) == {
                "state",
                "acts",
                "carrier",
                "province",
                "verdict",
                "severity",
                "answer",
                "reasons",
            }
            for values in facets.values():
                sizes = [each.cases for each in values]
                assert sizes == sorted(sizes, reverse=True)
                for each in values:
                    count = await queue.count(session, each.filter, "lan", cap=None)
                    assert count.cases == each.cases, (query, each)
    assert {each.value for each in facets["verdict"]} <= {"variant", "mismatch", "unverifiable", "rejected"}
    assert {each.value for each in facets["reasons"]} <= set(queue.Reason.__members__)


async def test_a_carrier_sees_its_own_alone(service, owner):
    many_cases(owner, 64)
    async with service.database.transaction("client:itel", "itel") as session:
        page = await queue.page(session, Filter(), "lan")
        assert {case.carrier for case in page.cases} == {"itel"}


async def test_a_case_is_found_by_code_number_and_id(service, owner):
    await run(service, Sim("one"), Sim("two", carrier="mobifone"), Sim("three", person="Binh"))
    ring = service.keyring
    numbers = {"one": 912345678, "two": 912345679, "three": 912345670}
    people = {"An": 1085000042, "Binh": 10**12 + 123456789}
    for table in ("case", "subscription"):
        for kind, column, words in (("msisdn", "msisdn_token", numbers), ("id", "id_token", people)):
            for word, value in words.items():
                owner.execute(
                    f'UPDATE "{table}" SET {column} = %s WHERE {column} = %s',
                    [ring.token(kind, value), token(word)],
                )
    codes_of = dict(owner.execute('SELECT code, carrier FROM "case"').fetchall())
    async with service.database.transaction("person:lan", ministry=True) as session:

        async def found(text):
            return [case.carrier for case in await queue.search(session, ring, text)]

        for code, carrier in codes_of.items():
            assert await found(f" {codes.shown(code).lower()}") == [carrier]
        for text in ("0912 345 678", "+84912345678", "84.912.345.678"):
            assert await found(text) == ["viettel"]
        assert sorted(await found("001 085 000 042")) == ["mobifone", "viettel"]
        assert await found("123456789") == ["viettel"]
        assert await found("001085000043") == []
        for text in ("", "Nguyễn Văn An", "12345", "0912345678' OR 1=1"):
            with pytest.raises(InvalidError, match="case code"):
                await queue.search(session, ring, text)


@pytest.mark.parametrize("sort", Sort)
async def test_every_page_of_every_usual_list_reads_an_index(crowd, sort):
    async with crowd.transaction("person:lan", ministry=True) as session:
        for query in USUAL:
            filter_ = read(query)
            first = await queue.page(session, filter_, "lan", sort=sort, limit=queue.MOST_PAGE)
            assert first.cases, query
            order = queue.ORDERS[sort]
            statement = sa.select(Case).where(filter_.predicate("lan", queue.clock.now()))
            for cursor in (None, first.after):
                asked = statement
                if cursor is not None:
                    place = queue._read_cursor(cursor, sort)
                    here, there = sa.tuple_(*order.columns), sa.tuple_(*place.values)
                    asked = asked.where(here < there if order.down else here > there)
                turned = (each.desc() if order.down else each.asc() for each in order.columns)
                uses_an_index(await plan_of(session, asked.order_by(*turned).limit(51)))


@pytest.mark.parametrize("query", ["acts=carrier", "state=with_holder"])
async def test_a_list_by_deadline_begins_in_its_index_and_not_before(crowd, query):
    """Row-level security keeps whatever could tell of unseen rows out of an index: coalesce() too."""
    async with crowd.transaction("person:lan", ministry=True) as session:
        wanted = sa.select(Case).where(read(query).predicate("lan", queue.clock.now()))
        columns = queue.ORDERS[Sort.DEADLINE].columns
        nodes_ = await plan_of(session, wanted.order_by(*columns).limit(31))
        [scan] = [each for each in nodes_ if each.get("Index Name")]
        assert (scan["Index Name"], "Index Cond" in scan) == ("case_deadline_idx", True)
        assert scan.get("Rows Removed by Filter", 0) < 1000


async def test_a_count_under_its_cap_and_the_next_case_read_an_index(crowd):
    async with crowd.transaction("person:lan", ministry=True) as session:
        for query in USUAL:
            filter_ = read(query)
            at = queue.clock.now()
            counted = queue.counted(filter_, "lan", at, queue.CAP * ROWS // 5_000_000)
            uses_an_index(await plan_of(session, sa.select(sa.func.count()).select_from(counted.subquery())))
            uses_an_index(await plan_of(session, claim.next_one(filter_, "lan", at)))


@pytest.mark.slow
async def test_five_million_cases_are_paged_in_milliseconds(service, owner):
    many_cases(owner, 5_000_000)
    taken = []
    async with service.database.transaction("person:lan", ministry=True) as session:
        for sort in Sort:
            for query in USUAL:
                cursor = None
                for _ in range(3):
                    began = time.perf_counter()
                    page = await queue.page(session, read(query), "lan", sort=sort, cursor=cursor)
                    taken.append((time.perf_counter() - began, sort, query))
                    cursor = page.after
                    if cursor is None:
                        break
    taken.sort(reverse=True)
    assert taken[len(taken) // 20][0] < 0.25, taken[:5]
    assert taken[0][0] < 5, taken[:5]
