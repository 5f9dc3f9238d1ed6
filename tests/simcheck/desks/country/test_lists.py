from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from python_calamine import CalamineWorkbook

from simcheck.access.roles import Role
from simcheck.desks.country import lists
from simcheck.reasons import Verdict
from simcheck.reports.drill import Drill
from simcheck.reports.kinds import Of
from tests.desking import at_desk

pytestmark = pytest.mark.anyio
PLACE = Drill(Of.SUBSCRIPTION, carrier="viettel", sold_at="=ĐL")


def at(drill: Drill, page: str = "list", **more: str) -> str:
    return f"/desk/country/{page}?{urlencode(drill.query() | more)}"


HOSTILE = (
    "", "of=person_pattern", "of=subscription&verdict=x", "of=subscription&carrier=%00",
    "of=subscription&sold_at=%00", "of=subscription&person=1", "of=case&kind=case_opened&since=0001-01-01"
    "&until=9999-12-31", "of=case&kind=open_week&since=0001-01-01",
    "of=subscription&carrier=x&sold_at=y&repeated=99999999999999999999", "of=subscription&reason=__class__",
    "of=subscription&after=", "of=subscription&after=AAAA", "of=subscription&after=%FF%FE",
    "of=subscription;x",
    "of=case&kind=case_opened&since=2026-01-01&until=" + "9" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
async def test_what_is_no_list(supervisor, query):
    answer = await supervisor.get(f"/desk/country/list?{query}")
    assert answer.status_code == 400, query


async def test_what_somebody_writes_stays_text(supervisor):
    evil = "<script>alert(1)</script>' OR '1'='1"
    for drill in (Drill(Of.SUBSCRIPTION, carrier=evil), Drill(Of.SUBSCRIPTION, sold_at=evil)):
        page = await supervisor.get(at(drill))
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "Không còn dòng nào" in page.text


async def test_the_place_in_a_list_is_sealed_and_of_this_list(supervisor):
    page = (await supervisor.get(at(Drill(Of.SUBSCRIPTION)))).text
    after = re.search(r"after=([\w-]+)", page)[1]
    assert (await supervisor.get(at(Drill(Of.SUBSCRIPTION), after=after))).status_code == 200
    other = Drill(Of.SUBSCRIPTION, carrier="viettel")
    assert (await supervisor.get(at(other, after=after))).status_code == 400
    middle = len(after) // 2
    spoilt = after[:middle] + ("A" if after[middle] != "A" else "B") + after[middle + 1 :]
    assert (await supervisor.get(at(Drill(Of.SUBSCRIPTION), after=spoilt))).status_code == 400


async def test_a_list_that_is_longer_than_is_counted(supervisor, monkeypatch):
    monkeypatch.setattr(lists, "COUNTED", 70)
    assert "hơn 70 dòng lúc này" in (await supervisor.get(at(Drill(Of.SUBSCRIPTION)))).text


async def test_an_analyst_sees_no_row_of_which_anything_hidden_could_be_counted(analyst, supervisor):
    """Of a pattern the places, and neither anybody's number nor what was found of them."""
    whole, place = (await supervisor.get(at(PLACE))).text, (await analyst.get(at(PLACE))).text
    for head in ("Mã số thuê bao", "Kết quả", "Lý do", "Thay đổi lúc"):
        assert f'<th scope="col">{head}</th>' in whole
        assert f'<th scope="col">{head}</th>' not in place
    assert '<th scope="col">Điểm bán</th>' in place


@pytest.mark.parametrize(
    "drill",
    [
        Drill(Of.SUBSCRIPTION, carrier="viettel", province="001"),
        Drill(Of.SUBSCRIPTION, carrier="viettel", verdict=Verdict.VERIFIED, province=""),
        Drill(Of.SUBSCRIPTION, carrier="itel", verdict=Verdict.UNVERIFIABLE),
        Drill(Of.SUBSCRIPTION, carrier="nobody"),
        Drill(Of.SUBSCRIPTION, carrier="viettel", sold_at="=ĐL", province="001"),
        Drill(Of.SUBSCRIPTION),
        Drill(Of.CASE, "case_any"),
        Drill(Of.SUBSCRIPTION, sold_at="=ĐL"),
        replace(PLACE, verdict=Verdict.VARIANT),
        replace(PLACE, repeated=2),
        replace(PLACE, contested=True, verdict=Verdict.MISMATCH),
    ],
)
async def test_an_analyst_opens_no_small_group(analyst, drill):
    """Nor two large ones that tell it between them."""
    for address in (at(drill), at(drill, "export", format="csv")):
        answer = await analyst.get(address)
        assert answer.status_code == 403
        assert "quá nhỏ với vai trò của bạn" in answer.text


async def test_no_text_of_a_carrier_is_computed(supervisor, owner):
    table = await supervisor.get(at(PLACE, "export", format="csv"))
    assert table.headers["content-disposition"] == 'attachment; filename="simcheck-subscription.csv"'
    lines = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    place = lines[0].index("Điểm bán")
    assert len(lines) > 10
    assert {line[place] for line in lines[1:]} == {"'=ĐL"}
    book = await supervisor.get(at(PLACE, "export", format="xlsx"))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
    assert len(rows) == len(lines)
    assert rows[1][place] == "=ĐL"
    [first, _] = owner.execute(
        "SELECT actor, detail FROM audit WHERE act = 'country.list_exported' ORDER BY seq"
    ).fetchall()
    assert first == (
        "person:supervisor", {"query": PLACE.query(), "format": "csv", "rows": len(lines) - 1}
    )  # fmt: skip


async def test_an_export_has_the_columns_of_its_reader(analyst):
    table = await analyst.get(at(PLACE, "export", format="csv"))
    assert "Mã số thuê bao" not in table.content.decode("utf-8-sig")


async def test_an_export_that_is_too_long(supervisor, monkeypatch):
    monkeypatch.setattr(lists, "MOST", dict.fromkeys(lists.MOST, 20))
    answer = await supervisor.get(at(Drill(Of.SUBSCRIPTION), "export", format="xlsx"))
    assert answer.status_code == 400
    assert "Danh sách quá dài cho một tệp" in answer.text
    for query in ("format=pdf", "format=", ""):
        answer = await supervisor.get(f"/desk/country/export?of=subscription&{query}")
        assert answer.status_code == 400


async def test_who_may_not_export_is_not_offered_it(country, app):
    async with at_desk(app, Role.AUDITOR) as desk:
        page = (await desk.get(at(Drill(Of.SUBSCRIPTION)))).text
        assert "/export?" not in page
        assert (await desk.get(at(PLACE, "export", format="csv"))).status_code == 403
        for address in ("", "/patterns", "/months"):
            page = (await desk.get(f"/desk/country{address}")).text
            assert "format=" not in page
