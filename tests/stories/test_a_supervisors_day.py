"""A supervisor's day in a real browser: a bulk decision proposed by keyboard and approved by another, a
second judgement that differs, what they agree on. JavaScript is off for the one who approves.

With SCREENSHOTS set to a folder, a picture of every page at every width is put there (`make screenshots`).
"""

from __future__ import annotations

import pytest

from simcheck.access.roles import Role
from tests.browsing import aside, fresh_home
from tests.desking import COOKIE, a_bare_site, token
from tests.reviewing import one_case
from tests.running import work
from tests.stories.test_desks_for_everybody import assert_for_everybody

CASES = 60


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    home = fresh_home(run_folder)
    with a_bare_site(postgres, keyring, home, double_per_mille=1000, bulk_batch=25) as made:
        yield made


def seated(site, chromium, role, name, **more):
    """A page of somebody's own browser."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, **more)
    held = aside(lambda: site.as_service(lambda service: token(service, role, None, name)))
    context.add_cookies([{"name": COOKIE, "value": held, "url": site.address}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def tab_to(page, what):
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({what!r})"):
            return
    raise AssertionError(f"{what} is not reached by Tab")


def propose(site, page):
    """From the filter to a proposal, with keys alone; its address."""
    page.goto(f"{site.address}/desk/bulk")
    assert_for_everybody(page, "bulk-empty")
    page.goto(f"{site.address}/desk/bulk/new?carrier=viettel&reason=NAME_DIFFERENT&opened_before=7d")
    assert "60" in page.inner_text(".figure .value")
    assert_for_everybody(page, "bulk-new")
    page.reload()
    tab_to(page, "#choice")
    page.select_option("#choice", "suspend.no_answer")
    tab_to(page, "#note")
    page.keyboard.type("Danh sách của đợt kiểm tra tháng 11")
    tab_to(page, "main button.button")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Chạy thử")
    assert page.locator("a[href^='/desk/case/']").count() == 20
    assert_for_everybody(page, "bulk-draft")
    page.reload()
    page.keyboard.press("g")
    page.wait_for_selector("text=người khác phải duyệt")
    assert_for_everybody(page, "bulk-proposed")
    return page.url


def test_a_supervisors_day(site, chromium):
    for number in range(CASES):
        one_case(
            site.owner, state="with_carrier" if number % 3 else "with_staff",
            acts="carrier" if number % 3 else "staff",
        )  # fmt: skip
    lan = seated(site, chromium, Role.SUPERVISOR, "lan")
    at = propose(site, lan)

    binh = seated(site, chromium, Role.SUPERVISOR, "binh", java_script_enabled=False)
    binh.goto(f"{site.address}/desk/bulk?show=waiting&lang=en")
    binh.click("main td a")
    assert "Dry run" in binh.inner_text("main")
    binh.click("text=Approve and carry out")
    assert "0%" in binh.inner_text(".progress")
    aside(lambda: site.as_service(work))
    binh.click("text=See how far it is")
    assert "100%" in binh.inner_text(".progress")
    lan.goto(at)
    assert_for_everybody(lan, "bulk-done")
    lan.goto(f"{site.address}/desk/bulk")
    assert_for_everybody(lan, "bulk-list")

    chi = seated(site, chromium, Role.REVIEWER, "chi")
    chi.goto(f"{site.address}/desk/double")
    assert_for_everybody(chi, "double-start")
    chi.reload()
    chi.keyboard.press("n")
    chi.wait_for_selector("#choice")
    assert_for_everybody(chi, "double-judge")
    for choice in ("suspend.no_answer", "ask_holder.papers_wanted", "suspend.fraud_suspected"):
        before = chi.url
        chi.select_option("#choice", choice)
        chi.click("text=Gửi đánh giá")
        chi.wait_for_url(lambda url, b=before: url != b)
    lan.goto(f"{site.address}/desk/double/apart")
    assert "Một đánh giá là của bạn" in lan.inner_text("main")
    dung = seated(site, chromium, Role.SUPERVISOR, "dung")
    dung.goto(f"{site.address}/desk/double/apart")
    assert_for_everybody(dung, "double-apart")
    dung.goto(f"{site.address}/desk/agreement")
    assert "66,7%" in dung.inner_text(".figures")
    assert_for_everybody(dung, "double-agreement")
    dung.goto(f"{site.address}/desk/double/apart")
    dung.click("text=Quyết định đầu đúng")
    dung.wait_for_selector("text=chờ phân xử")
    for page in (lan, binh, chi, dung):
        page.context.close()
