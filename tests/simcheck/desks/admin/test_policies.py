"""The policy in force, and the calendar by it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from simcheck import clock
from simcheck.messages.words import Group
from simcheck.notices import policy

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


async def test_every_rule_with_its_source(admin):
    page = await admin.get("/desk/notices")
    assert page.status_code == 200
    for ladder in policy.load().ladders:
        assert ladder.basis in page.text
        assert ladder.id in page.text
    assert policy.load().version in page.text
    assert "The one that is shipped" in page.text


async def test_a_calendar_of_a_day(admin):
    with clock.fixed(NOW):
        page = await admin.get("/desk/notices?group=id_old&opened=2026-11-02&hour=night")
        days = re.findall(r'<th scope="row">([A-Z][a-z]{2}, \d+ \w+ \d{4})</th>', page.text)
        assert days[0] == "Mon, 2 November 2026"
        assert "kind=first&amp;group=id_old" in page.text
        assert "1 January 2027" in page.text  # the deadline is after sixty days
        for wrong in ("opened=1999-01-01", "opened=9999-12-31", "opened=x", "group=x&hour=x"):
            assert (await admin.get(f"/desk/notices?{wrong}")).status_code == 200, wrong
        assert "too far off" in (await admin.get("/desk/notices?opened=9999-12-31")).text


async def test_every_group_has_a_calendar(admin):
    for group in Group:
        assert (await admin.get(f"/desk/notices?group={group}")).status_code == 200
