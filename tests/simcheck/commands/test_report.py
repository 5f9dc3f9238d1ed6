from __future__ import annotations

from asyncio import to_thread

import pytest

from jobs.reports import count_country, count_flow, find_patterns
from simcheck import clock
from tests import reporting

pytestmark = pytest.mark.anyio


async def test_a_month_in_files(command, service, owner, tmp_path):
    reporting.a_country(owner, rows=100)
    for job in (count_country, count_flow, find_patterns):
        await job(service)
    month = f"{clock.now():%Y-%m}"
    out = tmp_path / "reports"
    code, said, error = await to_thread(command, "report", "monthly", "--month", month, "--out", str(out))
    assert (code, error) == (0, "")
    names = {
        f"report-{month}.{language}.{kind}" for language in ("vi", "en") for kind in ("html", "pdf", "xlsx")
    }
    assert {path.name for path in out.iterdir()} == names
    assert said.count("\n") == 6
    page = (out / f"report-{month}.vi.html").read_text("utf-8")
    assert "Thuê bao chính chủ: báo cáo tháng" in page


async def test_what_cannot_be(command, service, owner, tmp_path):
    code, _, error = await to_thread(command, "report", "monthly", "--month", "10", "--out", str(tmp_path))
    assert (code, error.count("\n")) == (2, 1)
    assert "write a month as YYYY-MM" in error
    (tmp_path / "file").write_text("")
    asked = ("report", "monthly", "--month", "2026-01", "--out", str(tmp_path / "file" / "x"))
    code, _, error = await to_thread(command, *asked)
    assert code == 2
    assert "Name another one" in error
