"""Orders in a real browser: due, braked, approved, answered by the carrier's people; each page at every
width, and for people who use a screen reader.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from simcheck import clock
from simcheck.access.roles import Role
from tests.browsing import aside, fresh_home
from tests.desking import a_bare_site, account, sit
from tests.holding import a_country, national, wrong_name
from tests.ordering import a_policy, batches, let_be_due, sent, states

pytestmark = pytest.mark.slow
AXE, PICTURES = Axe(), os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (390, 1024, 1440)


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    with a_bare_site(postgres, keyring, fresh_home(run_folder)) as made:
        yield made


def opened(site: Any, chromium: Any, role: Role) -> Any:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    sit(site, context, role)
    return context.new_page()


def look_at(page: Any, name: str) -> None:
    found = AXE.run(
        page, options={"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    )
    assert not found.violations_count, f"{name}: {found.generate_report()}"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


async def a_country_of_now(service: Any, folder: Path) -> None:
    """Three wrong records that were checked just now, and a policy."""
    await account(service, Role.SUPERVISOR)
    await a_country(service, folder, [wrong_name(number) for number in (1, 2, 3)])
    await a_policy(service)


def test_from_due_to_answered(site, chromium, tmp_path):
    aside(lambda: site.as_service(lambda service: a_country_of_now(service, tmp_path)))
    now = clock.now()
    let_be_due(site.owner, site.keyring, [1, 2], at=now)
    aside(lambda: site.as_service(proposed_by_the_job))
    [order] = batches(site.owner)

    desk = opened(site, chromium, Role.SUPERVISOR)
    desk.goto(f"{site.address}/desk/orders?lang=en")
    desk.get_by_role("button", name="Pull the brake").click()
    desk.get_by_role("dialog").get_by_role("button", name="Pull the brake").click()
    desk.get_by_text("The brake is on: all carriers").wait_for()
    look_at(desk, "orders-braked")
    desk.goto(f"{site.address}/desk/orders/due")
    look_at(desk, "orders-due")
    desk.goto(f"{site.address}/desk/orders/{order.id}")
    desk.get_by_text("the whole order waits").wait_for()
    look_at(desk, "order")
    site.owner.execute("UPDATE brake SET released_by = 'person:x', released_at = now(),"
                       " released_day = current_date - 1, allowed = 0")  # fmt: skip
    desk.reload()
    desk.get_by_role("button", name="Approve and send 2 lines").click()
    desk.get_by_text("Approved. The order is sent at once.").wait_for()
    aside(lambda: site.as_service(lambda service: sent(service, clock.now())))

    portal = opened(site, chromium, Role.MANAGER)
    portal.goto(f"{site.address}/portal/orders?lang=en")
    look_at(portal, "portal-orders")
    portal.get_by_role("link", name="One-way suspension").click()
    with portal.expect_download() as download:
        portal.get_by_role("link", name="Get the file").click()
    portal.get_by_role("button", name="Acknowledge 2 lines").click()
    portal.get_by_text("Acknowledged.").wait_for()
    back = filled(Path(download.value.path()), tmp_path)
    portal.set_input_files("#file", back)
    portal.get_by_role("button", name="Send the file back").click()
    portal.get_by_text("The file is here.").wait_for()
    aside(lambda: site.as_service(lambda service: sent(service, clock.now())))
    portal.reload()
    look_at(portal, "portal-order")
    assert states(site.owner, order.id) == [("done", "done"), ("sent", None)]
    portal.goto(f"{site.address}/portal/appeals")
    portal.get_by_label("Phone number").fill(f"0{national(1)}")
    portal.get_by_role("button", name="Make the appeal").click()
    portal.get_by_text("Appeal K-000001 is taken in.").wait_for()
    look_at(portal, "portal-appeals")
    [appeal] = site.owner.execute("SELECT id FROM appeal").fetchone()
    desk.goto(f"{site.address}/desk/holds/appeal/{appeal}")
    look_at(desk, "appeal")


async def proposed_by_the_job(service: Any) -> None:
    from jobs import orders

    await orders.find_due(service)


def filled(file: Path, folder: Path) -> Path:
    """The file with an outcome in its first row."""
    import gzip

    header, first, second = gzip.decompress(file.read_bytes()).decode().splitlines()
    path = folder / "back.csv"
    path.write_text("\n".join([header, f"{first.removesuffix(';;')};Đã thực hiện;", second, ""]), "utf-8")
    return path
