from __future__ import annotations

import datetime

import pytest

from tests.running import NOON

pytestmark = pytest.mark.anyio
TARGET = NOON.date() + datetime.timedelta(days=28)


@pytest.fixture
def settings(settings):
    """The target has a day."""
    return settings.model_copy(update={"target_on": TARGET})


@pytest.fixture
async def before(country, service, owner):
    """A week and a month ago fewer SIMs were real: half of those that are now, at every carrier."""
    for ago in (7, 30):
        owner.execute(
            "INSERT INTO country_day SELECT day - %s, carrier, province, verdict,"
            " CASE verdict WHEN 0 THEN subscriptions / 2 ELSE subscriptions END FROM country_day"
            " WHERE day = %s",
            [ago, NOON.date()],
        )


async def test_the_way_to_the_target(before, supervisor):
    page = (await supervisor.get("/desk/country/goal")).text
    assert "Mục tiêu: 100,0%." in page
    assert f"Từ ngày {NOON.date() - datetime.timedelta(days=30):%d/%m/%Y}, mỗi tuần" in page
    assert "amiss=1" in page
    assert page.count("<svg ") == 3
    assert "của mỗi nhà mạng ở mỗi tỉnh, thành phố" in page
    part = (await supervisor.get("/desk/country/goal?province=001")).text
    assert "của mỗi nhà mạng ở mỗi tỉnh, thành phố" not in part


async def test_a_country_that_stands_still_never_gets_there(country, service, supervisor, owner):
    owner.execute(
        "INSERT INTO country_day SELECT day - 30, carrier, province, verdict, subscriptions FROM country_day"
    )
    page = (await supervisor.get("/desk/country/goal")).text
    assert "không, theo nhịp này" in page


async def test_the_day_of_the_target_asks_for_a_pace(before, supervisor):
    page = (await supervisor.get("/desk/country/goal")).text
    assert f"Để đạt vào ngày {TARGET:%d/%m/%Y}, mỗi tuần cần thêm" in page


async def test_tables_as_files(before, supervisor, analyst):
    for room in ("goal", "cases", "notices"):
        for kind, begins in (("pdf", b"%PDF"), ("xlsx", b"PK")):
            file = await supervisor.get(f"/desk/country/tables?page={room}&format={kind}")
            assert file.content.startswith(begins), room
    told = await supervisor.get("/desk/country/tables?page=goal&format=csv&table=goal_carriers&carrier=itel")
    assert b"itel" in told.content
    assert b"viettel" not in told.content
    hidden = await analyst.get("/desk/country/tables?page=goal&format=csv&table=matrix_amiss")
    assert hidden.status_code == 400  # a cut that would show small groups


async def test_before_anything_was_counted(service, supervisor, owner):
    owner.execute("DELETE FROM report_counted; DELETE FROM country_day")
    for room in ("goal", "cases", "notices"):
        page = await supervisor.get(f"/desk/country/{room}")
        assert page.status_code == 200
        assert 'class="empty"' in page.text
