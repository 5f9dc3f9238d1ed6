"""A day of an analyst and a supervisor at the country's pages, in a real browser.

With SCREENSHOTS set to a folder, a picture of every page at every width is put there (`make screenshots`).
"""

from __future__ import annotations

import datetime
import random
from pathlib import Path
from typing import Any

import pytest

from jobs.reports import check_invariants, give_open_data
from simcheck import clock
from simcheck.access.roles import Role
from tests import reporting
from tests.browsing import aside, fresh_home
from tests.desking import a_bare_site, sit
from tests.running import NOON
from tests.stories.test_desks_for_everybody import PICTURES, assert_for_everybody

HOLDER = bytes([7]) * 32


async def counted(service: Any) -> None:
    """The country counted on some days, as the jobs do."""
    for ago in range(20, -1, -4):
        with clock.fixed(NOON - datetime.timedelta(days=ago)):
            await reporting.count(service)
    await check_invariants(service)
    await give_open_data(service)


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    """A country in which somebody has twelve SIMs of one hostile place in four provinces."""
    with a_bare_site(postgres, keyring, fresh_home(run_folder)) as made:
        reporting.a_country(made.owner, rows=2000)
        draw = random.Random(3)
        provinces, place = ("001", "004", "008", "011"), "<script>alert(1)</script>"
        striking = [
            reporting.subscription(
                draw, 5000 + at, id_token=HOLDER, province=provinces[at % 4], carrier="itel",
                point_of_sale=place, activated_on=NOON.date(), status="active",
            )
            for at in range(12)
        ]  # fmt: skip
        reporting.insert(made.owner, "subscription", reporting.SUBSCRIPTION, striking)
        aside(lambda: made.as_service(counted))
        yield made


def opened(site: Any, chromium: Any, role: Role, **more: Any) -> tuple[Any, Any, list[str]]:
    """A context with somebody signed in, its page, and what the browser complains of."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, **more)
    sit(site, context, role)
    page, complaints = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return context, page, complaints


def printed(page: Any, name: str) -> None:
    """The page as it would be printed on A4: nothing is cut off at the right."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 less its margins, at 96 dots an inch
    assert page.evaluate("document.documentElement.scrollWidth") <= 718, name
    assert page.locator("details .sheet").first.is_visible() or page.locator("details").count() == 0
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"desk-{name}-print.png", full_page=True)
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_supervisors_look_at_the_country_for_everybody(site, chromium):
    context, page, complaints = opened(site, chromium, Role.SUPERVISOR)
    page.goto(f"{site.address}/desk")
    page.click("main a:has-text('Cả nước')")
    assert_for_everybody(page, "country")
    printed(page, "country")
    page.select_option("#carrier", "itel")
    page.click("main form button")
    page.wait_for_url("**carrier=itel**")
    assert page.inner_text("h1") == "Cả nước · itel"
    page.click("text=Bỏ chọn")
    page.wait_for_url("**/desk/country?days=*")
    # By keyboard alone: to a carrier's row, and into its list.
    for _ in range(3):
        page.keyboard.press("j")
    figure = page.evaluate("document.activeElement.textContent.trim()")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/country/list?*")
    assert_for_everybody(page, "country-list")
    assert f"{figure} dòng lúc này" in page.inner_text("main")
    printed(page, "country-list")
    page.keyboard.press("n")
    page.wait_for_url("**after=*")
    with page.expect_download() as saved:
        page.click("text=CSV")
    assert saved.value.suggested_filename == "simcheck-subscription.csv"
    page.click("nav >> text=Dấu hiệu cần kiểm tra")
    assert_for_everybody(page, "country-patterns")
    assert "<script>alert(1)</script>" in page.inner_text("main")
    printed(page, "country-patterns")
    page.click("text=Báo cáo tháng")
    assert_for_everybody(page, "country-months")
    page.click("tbody th a")
    page.wait_for_url("**/months/2*")
    assert_for_everybody(page, "country-month")
    printed(page, "country-month")
    with page.expect_download() as saved:
        page.click("main >> text=PDF")
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF")
    assert complaints == []
    context.close()


@pytest.mark.slow
def test_an_analysts_day_without_javascript(site, chromium):
    context, page, _ = opened(site, chromium, Role.ANALYST, java_script_enabled=False)
    page.goto(f"{site.address}/desk/country?lang=en")
    assert page.inner_text("h1") == "The country"
    assert "Your role does not see groups of fewer than 10 SIMs" in page.inner_text("main")
    assert page.locator("#carrier").count() == 0
    page.select_option("#days", "180")
    page.click("main form button")
    page.wait_for_url("**days=180**")
    page.click("summary")
    assert page.locator("#part-carriers tbody a").count() == 0
    page.goto(f"{site.address}/desk/country?carrier=itel")
    assert page.inner_text("h1") == "This group is too small for your role"
    page.click("header >> text=The country")
    page.click("text=Patterns for inspection")
    page.click("#part-bursts tbody a")
    assert "12 rows now" in page.inner_text("main")
    assert "Number (token)" not in page.inner_text("main")
    context.close()


@pytest.mark.slow
def test_the_goal_every_case_every_notice_and_what_adds_up_for_everybody(site, chromium):
    context, page, complaints = opened(site, chromium, Role.SUPERVISOR)
    for name in ("goal", "cases", "notices", "reconciliation", "reconciliation/case_history"):
        page.goto(f"{site.address}/desk/country/{name}")
        assert_for_everybody(page, f"country-{name.replace('/', '-')}")
        printed(page, f"country-{name.replace('/', '-')}")
    for prefix in ("", "/en"):
        page.goto(f"{site.address}{prefix}/open-data")
        assert page.locator("table").count() == 4
        assert_for_everybody(page, f"open-data{prefix.replace('/', '-')}")
    assert complaints == []
    context.close()


@pytest.mark.slow
def test_before_anything_was_counted_for_everybody(postgres, keyring, run_folder, chromium):
    with a_bare_site(postgres, keyring, fresh_home(run_folder)) as bare:
        context, page, complaints = opened(bare, chromium, Role.SUPERVISOR)
        for name in ("", "/patterns", "/months"):
            page.goto(f"{bare.address}/desk/country{name}")
            assert page.locator(".empty").count() == 1
            assert_for_everybody(page, f"country-empty{name.replace('/', '-')}")
        assert complaints == []
        context.close()
