from __future__ import annotations

import csv
import io
import re

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from simcheck.access.roles import Role
from simcheck.desks.doors import ROUTERS
from tests.desking import at_desk
from tests.reporting import lists_of
from tests.running import NOON

pytestmark = pytest.mark.anyio
MOST_STATEMENTS = 25


ROOMS = ("", "/goal", "/cases", "/notices", "/patterns")
# Pages that lead to no list: lists themselves, files, reports as documents, and lines that do not add up.
OTHERS = {
    "/list", "/export", "/tables", "/months", "/months/{month}", "/months/{month}/file", "/reconciliation",
    "/reconciliation/{name}", "/reconciliation/{name}/file",
}  # fmt: skip


def test_no_room_of_figures_is_left_out():
    """What follows walks all of them; a monthly report's numbers are walked in its own test."""
    rooms = {
        route.path.removeprefix("/desk/country")
        for router in ROUTERS
        for route in router.routes
        if route.path.startswith("/desk/country")
    }
    assert rooms == {*ROOMS, *OTHERS}


async def rows_of(desk, href: str) -> int:
    """How many rows a list has, page after page."""
    count, following = 0, href
    while following:
        page = await desk.get(following)
        assert page.status_code == 200, (following, page.text)
        count += len(re.findall(r"<tr data-row>", page.text))
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        following = found[1].replace("&amp;", "&") if found else None
    return count


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ANALYST])
async def test_figures_are_as_long_as_their_lists(country, app, role):
    """Numbers of every page that leads to a list, with small groups and without."""
    await followed(app, role, stride=9)


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ANALYST])
async def test_every_figure_is_as_long_as_its_list(country, app, role):
    await followed(app, role, stride=1)


async def followed(app, role, stride):
    """Look at the list of each figure, or of each so many; at a tenth of them to their end."""
    async with at_desk(app, role) as desk:
        seen: dict[str, int] = {}
        addresses = [f"/desk/country{room}" for room in ROOMS]
        if role is Role.SUPERVISOR:
            part = "?province=001&carrier=viettel"
            addresses += ["/desk/country?carrier=itel", *(each + part for each in addresses[:4])]
        for address in addresses:
            page = await desk.get(address)
            assert page.status_code == 200
            for href, figure in lists_of(page.text):
                assert seen.setdefault(href, figure) == figure, href
        assert len(seen) > (400 if role is Role.SUPERVISOR else 5)  # those of patterns alone
        small = 0
        for at, (href, figure) in enumerate(seen.items()):
            small += figure < 10
            if at % stride:
                continue
            shown = await desk.get(href)
            assert shown.status_code == 200, href
            assert role is Role.SUPERVISOR or "Kết quả</th>" not in shown.text
            assert f">{figure} dòng lúc này<" in shown.text, href
            if at // stride % 10 == 0:
                assert await rows_of(desk, href) == figure, href
        assert (small > 0) is (role is Role.SUPERVISOR)


HOSTILE = (
    "carrier=%27%20OR%201%3D1", "carrier=%00", "province=999", "province=<script>", "days=0", "days=-1",
    "days=99999999999999999999", "days=60%0d%0aX: y", "carrier=" + "x" * 2000,
)  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
async def test_an_address_that_asks_for_nothing_that_is(supervisor, query):
    answer = await supervisor.get(f"/desk/country?{query}")
    assert answer.status_code == 400
    assert "<script>" not in answer.text.replace('<script src="', "")
    assert "Yêu cầu này không thực hiện được" in answer.text


async def test_unknown_words_of_an_address_are_left_alone(supervisor):
    answer = await supervisor.get("/desk/country?x=<script>&carrier=&province=&days=")
    assert answer.status_code == 200
    assert "<script>" not in answer.text


async def test_small_groups_are_hidden_with_the_reason_why(analyst, supervisor):
    seen, hidden = (await supervisor.get("/desk/country")).text, (await analyst.get("/desk/country")).text
    assert "không xem nhóm dưới 10 thuê bao" in hidden
    assert "không xem nhóm dưới" not in seen
    assert '<span class="quiet">ẩn</span>' not in seen
    small = [(href, figure) for href, figure in lists_of(seen) if 0 < figure < 10]
    assert small
    assert not {href for href, _ in small} & {href for href, _ in lists_of(hidden)}
    assert (await analyst.get("/desk/country?carrier=itel")).status_code == 403
    assert (await analyst.get("/desk/country?province=?")).status_code == 403


async def test_no_work_is_shown_by_day_to_who_sees_no_small_group(analyst, supervisor):
    """Days of one page, and sums of another, would tell what is hidden."""
    for page, table in (("", "cases"), ("notices", "delivery_days")):
        address = f"/desk/country/tables?format=csv&table={table}&page={page}"
        assert (await supervisor.get(address)).status_code == 200
        assert (await analyst.get(address)).status_code == 400
    for page in ("cases", "notices", ""):
        assert (await analyst.get(f"/desk/country/tables?format=xlsx&page={page}")).status_code == 200


async def test_the_figures_say_when_they_were_counted(supervisor):
    page = (await supervisor.get("/desk/country")).text
    assert f"Số liệu thuê bao lúc 12:00, {NOON:%d/%m/%Y}." in page
    assert f"Số liệu công việc lúc 12:00, {NOON:%d/%m/%Y}" in page
    assert f"Tìm lúc 12:00, {NOON:%d/%m/%Y}." in (await supervisor.get("/desk/country/patterns")).text


async def test_a_part_of_the_country(supervisor):
    page = (await supervisor.get("/desk/country?carrier=itel&province=?&days=365")).text
    assert "itel · Không rõ</h1>" in page
    assert "theo nhà mạng, không theo tỉnh" in page
    for href, _ in lists_of(page):
        assert "carrier=itel" in href


async def test_before_anything_was_counted(noon, app):
    async with at_desk(app, Role.SUPERVISOR) as desk:
        for address in ("/desk/country", "/desk/country/patterns"):
            page = await desk.get(address)
            assert page.status_code == 200
            assert 'class="empty"' in page.text
            assert "worker" in page.text
        nothing = await desk.get("/desk/country/tables?format=xlsx")
        assert nothing.status_code == 400


async def test_tables_as_files(supervisor, owner):
    book = await supervisor.get("/desk/country/tables?format=xlsx")
    assert book.headers["content-disposition"] == 'attachment; filename="simcheck.xlsx"'
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).sheet_names
    assert len(sheets) == 10
    table = await supervisor.get("/desk/country/tables?format=csv&table=carriers&carrier=itel")
    lines = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert [line[0] for line in lines] == ["Nhà mạng", "itel", "Tất cả"]
    found = await supervisor.get("/desk/country/tables?page=patterns&format=csv&table=places")
    assert "'=ĐL" in found.content.decode("utf-8-sig")
    told = owner.execute(
        "SELECT actor, act, detail FROM audit WHERE act = 'country.exported' ORDER BY seq"
    ).fetchall()
    assert [row[0] for row in told] == ["person:supervisor"] * 3
    assert told[1][2] == {"tables": ["carriers"], "format": "csv"}


async def test_an_analysts_tables_hide_what_the_page_hides(analyst):
    table = await analyst.get("/desk/country/tables?format=csv&table=provinces")
    lines = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert any("" in line for line in lines)
    assert not any(0 < int(cell) < 10 for line in lines[1:] for cell in line[1:-1] if cell)
    assert (
        await analyst.get("/desk/country/tables?format=csv&carrier=itel&table=reasons")
    ).status_code == 403


@pytest.mark.parametrize("query", ["", "format=exe", "format=csv", "format=csv&table=person_pattern"])
async def test_what_is_no_file(supervisor, query):
    assert (await supervisor.get(f"/desk/country/tables?{query}")).status_code == 400


async def test_a_page_asks_the_database_few_questions(supervisor, service):
    """However many carriers, provinces and days there are."""
    asked: list[str] = []

    def keep(_connection, _cursor, statement, *_):
        asked.append(statement)

    engine = service.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", keep)
    try:
        for address in ("/desk/country?days=365", "/desk/country/patterns"):
            asked.clear()
            assert (await supervisor.get(address)).status_code == 200
            assert 0 < len(asked) <= MOST_STATEMENTS, asked
            assert not any(re.search(r'FROM "?(subscription|case|message)\b', each) for each in asked), (
                address
            )
    finally:
        sa.event.remove(engine, "before_cursor_execute", keep)
