from __future__ import annotations

import csv
import io
import re

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from simcheck import clock
from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.reporting import CARRIERS, lists_of
from tests.running import NOON

pytestmark = pytest.mark.anyio
MOST_STATEMENTS = 25


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
async def test_every_figure_is_as_long_as_its_list(country, app, role):
    """Every number of every page that leads to a list, with small groups and without."""
    async with at_desk(app, role) as desk:
        seen: dict[str, int] = {}
        addresses = ["/desk/country", "/desk/country/patterns"]
        if role is Role.SUPERVISOR:
            addresses += ["/desk/country?carrier=itel", "/desk/country?province=001&carrier=viettel"]
        for address in addresses:
            page = await desk.get(address)
            assert page.status_code == 200
            for href, figure in lists_of(page.text):
                assert seen.setdefault(href, figure) == figure, href
        assert len(seen) > (400 if role is Role.SUPERVISOR else 60)
        small = 0
        for at, (href, figure) in enumerate(seen.items()):
            small += figure < 10
            shown = await desk.get(href)
            assert shown.status_code == 200, href
            assert f">{figure} dòng lúc này<" in shown.text, href
            if at % 10 == 0:
                assert await rows_of(desk, href) == figure, href
        assert (small > 0) is (role is Role.SUPERVISOR)
