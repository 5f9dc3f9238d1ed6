"""Every page of every room of the desks, found in the table of routes, over the demo's country.

With SCREENSHOTS set to a folder (`make screenshots`) each is opened by whoever may do the most there, who has
signed in as the demo says, and a picture at every width is put there. Without it, only whether all pages can
be addressed is looked at. A new room needs nothing here, unless its address has a value that no table gives.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe

from simcheck.access.roles import MAY, Role
from simcheck.cases.codes import ALPHABET
from simcheck.commands.demo import Demo
from simcheck.commands.demo_people import CARRIER
from simcheck.db.base import Base
from simcheck.desks.doors import OPEN
from simcheck.service import opened
from simcheck.terminal import Language
from tests.browsing import aside
from tests.wiring.test_desks import ROUTES, may

PICTURES = os.environ.get("SCREENSHOTS")
WIDTHS = (390, 1024, 1440)
CITIZENS, SUBSCRIPTIONS = 3_000, 4_000
AXE = Axe()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NUMBER = (
    "SELECT '{}-' || lpad(number::text, 6, '0') || '-' || substr("
    f"'{ALPHABET}', (number % {len(ALPHABET)})::int + 1, 1) FROM {{}} ORDER BY number LIMIT 1"
)
# Where a value of an address comes from, unless it is the key of the table that the name names.
VALUES = {
    "case_id": "SELECT id FROM \"case\" WHERE acts = 'staff' ORDER BY reasons DESC, opened_at, id LIMIT 1",
    "name": "SELECT 'cases'",
    "month": "SELECT to_char(max(day), 'YYYY-MM') FROM country_day",
    "number": NUMBER.format("H", "question"),
    "order_id": "SELECT id FROM order_batch ORDER BY proposed_at DESC LIMIT 1",
    "file_name": "SELECT name FROM request_file ORDER BY name LIMIT 1",
    "request_number": NUMBER.format("Y", "person_request"),
    "proposal_id": "SELECT id FROM bulk_proposal ORDER BY proposed_at DESC LIMIT 1",
    "review_id": "SELECT id FROM double_review ORDER BY id LIMIT 1",
    "username": "SELECT min(username) FROM person",
    "version": "SELECT max(version) FROM policy",
}
# Of these the demo has none; who works with them in a story of their own takes their pictures there.
ELSEWHERE = {
    "/desk/bulk/{proposal_id}", "/desk/double/{review_id}", "/desk/holds/appeal/{appeal_id}",
    "/portal/systems/webhooks/{webhook}",
}  # fmt: skip
# What is asked of an address that says nothing without it.
ASKED = {
    "/desk/country/tables": "format=xlsx", "/desk/country/list": "of=subscription",
    "/desk/country/reconciliation/{name}/file": "format=csv",
    "/desk/country/export": "of=subscription&format=csv", "/desk/country/months/{month}/file": "format=pdf",
}  # fmt: skip
# The same for a carrier's people, who see what is the carrier's alone.
OWN = {
    "case_id": f"SELECT id FROM \"case\" WHERE carrier = '{CARRIER}' AND acts = 'carrier' LIMIT 1",
    "order_id": f"SELECT id FROM order_batch WHERE carrier = '{CARRIER}' AND sent_at IS NOT NULL LIMIT 1",
}
PAGES = [route for route in ROUTES if "GET" in route.methods and route.path not in OPEN]


# Tables of which a row has not as many cells as there are headings.
UNEVEN = """
[...document.querySelectorAll('table')].filter(table => table.tHead).flatMap(table => {
    const wide = row => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0)
    const most = Math.max(...[...table.tHead.rows].map(wide))
    const odd = [...table.tBodies].flatMap(body => [...body.rows]).find(row =>
        wide(row) !== most && ![...table.rows].some(other => [...other.cells].some(cell => cell.rowSpan > 1)))
    return odd ? [`${table.caption?.textContent}: ${most} headings, ${wide(odd)} cells`] : []
})
"""


def names_in(route: Any) -> list[str]:
    """The values that the route's address has."""
    return re.findall(r"\{(\w+)", route.path)


def source_of(name: str, own: bool = False) -> str:
    """The statement that gives a value for a name in an address; `own`: of the demo's carrier."""
    if own and name in OWN:
        return OWN[name]
    if name in VALUES:
        return VALUES[name]
    table = Base.metadata.tables.get(name.removesuffix("_id"))
    assert table is not None, f"say in VALUES where a value of {name} comes from"
    [key] = table.primary_key.columns
    newest = [each for each in ("made_at", "opened_at", "added_at") if each in table.columns]
    query = sa.select(key).order_by(*(table.columns[each].desc() for each in newest)).limit(1)
    if own and "carrier" in table.columns:
        query = query.where(table.columns.carrier == CARRIER)
    return str(query.compile(compile_kwargs={"literal_binds": True}))


def address_of(route: Any, values: dict[str, str]) -> str:
    """The route's address with these values, and with what it has to be asked."""
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values[found[1]], route.path)
    return path + (f"?{ASKED[route.path]}" if route.path in ASKED else "")


def role_for(route: Any) -> Role:
    """Who sees the most of a page."""
    return max((role for role in Role if may(role, route)), key=lambda role: len(MAY[role]))


def test_every_page_has_somebody_and_an_address():
    assert len(PAGES) > 1
    for route in PAGES:
        assert role_for(route) in MAY
        for name in names_in(route):
            assert source_of(name)


@pytest.fixture
def demo(home, tmp_path) -> Iterator[Demo]:
    """The demo as anybody runs it, a small one."""
    with Demo(home, Language.VI) as made:
        with ThreadPoolExecutor(1) as aside_of_the_browsers_loop:
            aside_of_the_browsers_loop.submit(made.show, tmp_path, CITIZENS, SUBSCRIPTIONS).result()
        yield made


async def values_of(demo: Demo, names: set[str], own: bool = False) -> dict[str, str]:
    """A value for each name that has one in this country."""
    found = {}
    async with (
        opened(demo.settings) as service,
        service.database.transaction("test", ministry=True) as session,
    ):
        for name in names:
            value = await session.scalar(sa.text(source_of(name, own)))
            if value is not None:
                found[name] = str(value)
    return found


def sign_in(demo: Demo, page: Any, role: Role) -> None:
    """As somebody does who reads what the demo printed."""
    account = next(each for each in demo.accounts if each.role == role)
    page.goto(f"{demo.url}/desk/sign-in")
    page.fill("#username", account.username)
    page.fill("#password", account.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/code")
    page.fill("#code", account.code(time.time()))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/(desk|portal)$"))


def look_at(page: Any, name: str) -> list[str]:
    """Take the pictures; what is wrong with the page."""
    wrong = []
    found = AXE.run(
        page, options={"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    )
    if found.violations_count:
        wrong.append(f"{name}: {found.generate_report()}")
    wrong += [f"{name}: {each}" for each in page.evaluate(UNEVEN)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{name} is too wide at {width}")
        page.screenshot(path=Path(PICTURES or ".") / f"{name}-{width}.png", full_page=True)
    return wrong


@pytest.mark.skipif(not PICTURES, reason="takes minutes, for pictures: make screenshots")
def test_pictures_of_every_page_for_everybody(demo, chromium):
    names = {name for route in PAGES for name in names_in(route)}
    of_all, of_carrier = (
        aside(lambda: values_of(demo, names)),
        aside(lambda: values_of(demo, names, own=True)),
    )
    wrong, missing = [], []
    for role in Role:
        mine = [route for route in PAGES if role_for(route) is role]
        if not mine:
            continue
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        sign_in(demo, page, role)
        for route in mine:
            values = of_carrier if route.path.startswith("/portal") else of_all
            if set(names_in(route)) - set(values):
                missing.append(route.path)
                continue
            path = address_of(route, values)
            if is_page(context, demo.url + path):
                answer = page.goto(demo.url + path)
                name = re.sub(r"\W+", "-", route.path.replace("{", "").replace("}", "")).strip("-")
                wrong += look_at(page, name) if answer.status == 200 else [f"{path}: {answer.status}"]
        context.close()
    assert wrong == [], "\n".join(wrong)
    assert set(missing) <= ELSEWHERE, f"the demo has nothing to show on {set(missing) - ELSEWHERE}"


def is_page(context: Any, address: str) -> bool:
    """Whether it is a page, and no file that is saved."""
    answer = context.request.get(address)
    kind, way = answer.headers.get("content-type", ""), answer.headers.get("content-disposition", "")
    return kind.startswith("text/html") and not way.startswith("attachment")
