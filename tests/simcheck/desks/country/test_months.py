from __future__ import annotations

import io

import pytest
from python_calamine import CalamineWorkbook

from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.running import NOON

pytestmark = pytest.mark.anyio
MONTH = f"{NOON:%Y-%m}"
AT = f"/desk/country/months/{MONTH}"


async def test_months_with_figures_are_offered(supervisor):
    page = (await supervisor.get("/desk/country/months")).text
    assert page.count("<tr data-row>") == 1
    assert f'href="{AT}"' in page
    assert f"Tháng {NOON.month} năm {NOON.year}" in page


async def test_no_month_yet(noon, app):
    async with at_desk(app, Role.SUPERVISOR) as desk:
        assert "Chưa có tháng nào" in (await desk.get("/desk/country/months")).text
        assert "Chưa có số liệu của tháng này" in (await desk.get(AT)).text


@pytest.mark.parametrize(
    "month", ["x", "2026-13", "2099-01", "2026-1", "%00", "2026-01%0d%0aX:y", "<script>", "0000-01"]
)
async def test_what_is_no_month(supervisor, month):
    for more in ("", "/file?format=pdf"):
        answer = await supervisor.get(f"/desk/country/months/{month}{more}")
        assert answer.status_code == 404
        assert "<script>" not in answer.text


async def test_a_report_as_page_pdf_and_workbook_is_audited(supervisor, owner):
    page = await supervisor.get(AT)
    assert page.text.count("<svg ") == 6
    assert "style=" not in page.text
    pdf = await supervisor.get(f"{AT}/file?format=pdf")
    assert pdf.headers["content-disposition"] == f'attachment; filename="simcheck-{MONTH}.pdf"'
    assert pdf.content.startswith(b"%PDF")
    book = await supervisor.get(f"{AT}/file?format=xlsx")
    assert len(CalamineWorkbook.from_filelike(io.BytesIO(book.content)).sheet_names) == 11
    assert (await supervisor.get(f"{AT}/file?format=csv")).status_code == 400
    told = owner.execute("SELECT act, subject FROM audit WHERE act LIKE 'report.%' ORDER BY seq").fetchall()
    assert [row[0] for row in told] == [
        "report.made", "report.made", "report.exported", "report.made", "report.exported",
    ]  # fmt: skip
    assert {row[1] for row in told} == {f"report/{MONTH}"}


async def test_an_analysts_report_hides_small_groups(analyst):
    page = (await analyst.get(AT)).text
    assert "Nhóm dưới 10 thuê bao không hiển thị." in page
    assert ">ẩn</td>" in page
