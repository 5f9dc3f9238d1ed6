from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from jobs.reports import count_country, give_open_data
from simcheck import clock
from simcheck.reports.open_data import LEAST
from tests import reporting
from tests.running import NOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def given(http, service, owner):
    """A small country, beside the holders' own, whose figures were given to the public at noon."""
    reporting.a_country(owner, rows=1500)
    owner.execute("DELETE FROM report_counted")
    with clock.fixed(NOON):
        await count_country(service)
        await give_open_data(service)


def lines_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_everybody_gets_the_same_in_every_form(given, http):
    answer = await http.get("/open-data/real-sims.csv")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    lines = lines_of(answer)
    told = (await http.get("/en/open-data/real-sims.json")).json()
    assert (told["day"], told["hidden_below"]) == (NOON.date().isoformat(), LEAST)
    assert [line["code"] for line in lines] == [row["code"] for row in told["rows"]]
    for line, row in zip(lines, told["rows"], strict=True):
        for name in ("sims", "verified", "variant", "mismatch", "unverifiable"):
            assert line[name] == ("" if row[name] is None else str(row[name]))
            assert row[name] is None or row[name] % LEAST == 0
    assert {line["by"] for line in lines} == {"country", "carrier", "province"}
    assert any(line["mismatch"] == "" for line in lines)  # there are small groups in it
    for path, title in {"/open-data": "Dữ liệu mở", "/en/open-data": "Open data"}.items():
        page = await http.get(path)
        assert page.status_code == 200
        assert title in page.text
        assert ">ẩn<" in page.text or ">hidden<" in page.text
    [day] = lines_of(await http.get("/open-data/trend.csv"))
    assert day["sims"] == lines[0]["sims"]


async def test_what_a_day_was_given_stays(given, http, service, owner):
    before = (await http.get("/open-data/real-sims.json")).json()
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("UPDATE country_day SET subscriptions = subscriptions * 3")
    with clock.fixed(NOON + timedelta(hours=3)):
        await give_open_data(service)
    assert (await http.get("/open-data/real-sims.json")).json() == before
    with clock.fixed(NOON + timedelta(days=1)):
        await give_open_data(service)
    after = (await http.get("/open-data/real-sims.json")).json()
    assert after["rows"][0]["sims"] > before["rows"][0]["sims"]
    assert len(lines_of(await http.get("/open-data/trend.csv"))) == 2
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with service.database.transaction("test", ministry=True) as session:
            await session.execute(sa.text("UPDATE open_data SET least = 1"))


async def test_before_anything_was_given(http):
    page = await http.get("/open-data")
    assert page.status_code == 200
    assert "Chưa có số liệu" in page.text
    assert (await http.get("/open-data/real-sims.csv")).status_code == 404
    assert lines_of(await http.get("/open-data/trend.csv")) == []
