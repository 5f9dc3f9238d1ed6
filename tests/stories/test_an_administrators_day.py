"""A day of an administrator and of those whom they let in, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe

from simcheck.access.roles import Role
from simcheck.desks.frame.pages import ASSETS
from tests.browsing import aside, fresh_home
from tests.desking import PASSWORD, a_bare_site, sit
from tests.running import work

AXE, PICTURES = Axe(), os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (390, 1024, 1440)
PAGES = {
    "people": "/desk/people", "people-add": "/desk/people/_add", "person": "/desk/people/reviewer",
    "clients": "/desk/clients", "clients-add": "/desk/clients/_add", "notices": "/desk/notices",
    "texts": "/desk/notices/texts", "text": "/desk/notices/texts/one", "links": "/desk/notices/links",
    "letter": "/desk/notices/texts/one?channel=email", "audit": "/desk/audit", "failed": "/desk/failed",
}  # fmt: skip
HELP_DESK = {"questions": "/desk/questions", "figures": "/desk/questions/figures"}
EVIL = "<img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    with a_bare_site(postgres, keyring, fresh_home(run_folder)) as made:
        yield made


def opened(site: Any, chromium: Any, role: Role | None = None, **more: Any) -> Any:
    context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | more))
    if role is not None:
        sit(site, context, role)
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def test_from_a_new_reviewer_to_what_the_chain_says_of_them(site, chromium):
    page = opened(site, chromium, Role.ADMINISTRATOR)
    page.goto(f"{site.address}/desk/people?lang=en")
    page.get_by_role("link", name="Add a person").click()
    page.fill("#username", "an.nguyen")
    page.fill("#name", EVIL)
    page.check("#role_reviewer-yes")
    page.get_by_role("button", name="Add the account").click()
    password = page.text_content("#secret")
    page.get_by_role("link", name="Handed over, go on").click()
    assert EVIL in page.text_content("h1")
    assert "owned" not in page.title()

    reviewer = opened(site, chromium)
    first_sign_in(site, reviewer, password)
    assert reviewer.get_by_role("link", name="Hỏi đáp").count() >= 1
    assert reviewer.get_by_role("link", name="Người dùng").count() == 0

    page.reload()
    assert page.get_by_role("button", name="Sign out").count() == 2  # one's own, and the reviewer's browser
    page.get_by_role("button", name="Disable the account").click()
    page.get_by_role("status").get_by_text("The account an.nguyen is disabled.").wait_for()
    reviewer.goto(f"{site.address}/desk")
    assert "/desk/sign-in" in reviewer.url

    page.get_by_role("link", name="See what this person did").click()
    done = page.locator("tbody tr td:nth-child(3)").all_text_contents()
    assert done[0] == "person.password_changed" or "sign_in.done" in done
    page.goto(f"{site.address}/desk/audit?subject=person/an.nguyen")
    assert page.locator("tbody tr td:nth-child(3)").first.text_content() == "person.disabled"
    page.get_by_role("button", name="Check the whole chain now").click()
    aside(lambda: site.as_service(work))
    page.goto(f"{site.address}/desk/audit")
    page.get_by_text("Whole up to row").wait_for()


def first_sign_in(site: Any, page: Any, password: str) -> None:
    """With the password that was drawn: the second step is set up, and the password changed."""
    page.goto(f"{site.address}/desk/sign-in")
    page.fill("#username", "an.nguyen")
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/enrol")
    secret = page.text_content("#secret").replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.locator(".codes").wait_for()
    page.get_by_role("link", name="Tôi đã cất các mã này").click()
    page.fill("#old", password)
    page.fill("#new", PASSWORD)
    page.fill("#again", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/account")
    page.goto(f"{site.address}/desk")


def test_a_text_is_looked_at_by_keyboard_alone(site, chromium):
    page = opened(site, chromium, Role.AUDITOR)
    page.goto(f"{site.address}/desk/notices/texts?lang=en&kind=reminder&language=vi")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/texts/one?kind=reminder&group=id_old**")
    assert page.locator(".piece").count() == 2
    page.focus("#marks")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**marks=yes**")
    assert "UCS-2" in page.text_content(".facts")


def test_every_page_for_everybody(site, chromium):
    """No violation for axe-core, in light and dark; nothing wider than the window; nothing from elsewhere."""
    for role, pages in ((Role.ADMINISTRATOR, PAGES), (Role.REVIEWER, HELP_DESK)):
        if role is Role.ADMINISTRATOR:
            sit(site, chromium.new_context(), Role.REVIEWER)  # so that there is a reviewer to look at
        page, said, asked = opened(site, chromium, role), list[str](), set[str]()
        page.on("console", lambda told, said=said: said.append(told.text))
        page.on("request", lambda each, asked=asked: asked.add(each.url))
        for name, path in pages.items():
            page.goto(site.address + path)
            assert page.locator("h1").count() == 1, name
            assert_nobody_is_kept_out(page, name)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{name} is {wide} wide at {width}"
                if PICTURES:
                    page.screenshot(path=Path(PICTURES) / f"admin-{name}-{width}.png", full_page=True)
        assert said == []
        beside = {url for url in asked if "/assets/" in url}
        assert {url.rpartition("/")[2] for url in beside} <= set(ASSETS.names.values())


def assert_nobody_is_kept_out(page: Any, name: str) -> None:
    for scheme, only in (("light", {"type": "tag", "values": RULES}), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)
        found = AXE.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
        if PICTURES and scheme == "dark":
            page.screenshot(path=Path(PICTURES) / f"admin-{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")


def test_without_javascript(site, chromium):
    page = opened(site, chromium, Role.ADMINISTRATOR, java_script_enabled=False)
    page.goto(f"{site.address}/desk/clients/_add?lang=en")
    page.fill("#id", "a-bank")
    page.check("[id='scope_otp-checks-yes']")
    page.get_by_role("button", name="Add the client").click()
    assert len(page.text_content("#secret")) > 30
    page.get_by_role("link", name="Handed over, go on").click()
    page.get_by_role("button", name="Switch off").click()
    assert "is switched off" in page.text_content("[role=status]")
    page.goto(f"{site.address}/desk/notices?group=id_old&opened=2026-12-01")
    assert page.locator("tbody tr").count() > 40
