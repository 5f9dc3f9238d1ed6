"""The desks' frame in a real browser: signing in by keyboard, without JavaScript, at every width, for
everybody.

With SCREENSHOTS set to a folder, a picture of every page at every width is put there (`make screenshots`).
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe

from simcheck.access.roles import Permission, Role
from simcheck.desks.frame import pages
from simcheck.messages.words import Language
from tests.browsing import aside, fresh_home
from tests.desking import PASSWORD, a_bare_site, account, sit

WIDTHS = (390, 1024, 1920)
AXE, PICTURES = Axe(), os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    with a_bare_site(postgres, keyring, fresh_home(run_folder)) as made:
        yield made


def assert_for_everybody(page: Any, name: str) -> None:
    """Nothing for axe-core to find in light, dark colours that can be read, nothing too wide."""
    for scheme, only in (("light", {"type": "tag", "values": RULES}), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)
        found = AXE.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
        if PICTURES and scheme == "dark":
            page.screenshot(path=Path(PICTURES) / f"desk-{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    for width in (320, *WIDTHS):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide at {width}"
        if PICTURES and width in WIDTHS:
            page.screenshot(path=Path(PICTURES) / f"desk-{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 800})


def next_code(secret: str) -> str:
    """A code of a period that has not counted yet, as soon as there is one."""
    totp = pyotp.TOTP(secret)
    return totp.at(time.time() + totp.interval)


def sign_in(site: Any, page: Any, role: Role, seen: list[str]) -> str:
    """Everything from the first page to the start page, with keys alone; the secret of the second step."""
    name = aside(lambda: site.as_service(lambda service: account(service, role)))
    press = page.keyboard.press

    def tab_to(what: str) -> None:
        for _ in range(20):
            press("Tab")
            if page.evaluate(f"document.activeElement.matches({what!r})"):
                return
        raise AssertionError(f"{what} is not reached by Tab")

    def look(at: str) -> None:
        seen.append(at)
        assert_for_everybody(page, at)

    page.goto(f"{site.address}/desk/account")
    page.wait_for_url("**/desk/sign-in?next=*")
    look("sign-in")
    press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to("#username")
    page.keyboard.type(name)
    press("Enter")
    page.wait_for_selector("#faults")
    look("sign-in-faults")
    tab_to("#password")
    page.keyboard.type(PASSWORD)
    press("Enter")
    page.wait_for_url("**/desk/sign-in/enrol")
    look("enrol")
    secret = page.inner_text("#secret").replace(" ", "")
    tab_to("#code")
    page.keyboard.type(pyotp.TOTP(secret).now())
    press("Enter")
    page.wait_for_selector(".codes")
    look("codes")
    tab_to("main a.button")
    press("Enter")
    page.wait_for_url("**/desk/account")
    look("account")
    return secret


def test_signing_in_with_a_keyboard_alone_for_everybody(site, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page, complaints, asked = context.new_page(), [], set()
    page.set_default_timeout(10_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(request.url))
    seen: list[str] = []
    secret = sign_in(site, page, Role.REVIEWER, seen)
    page.keyboard.press("?")
    assert page.is_visible("dialog#keys")
    assert_for_everybody(page, "keys")
    page.keyboard.press("Escape")
    page.goto(f"{site.address}/desk")
    assert_for_everybody(page, "start")
    page.click("text=Đăng xuất")
    page.wait_for_url("**/desk/sign-in")
    page.fill("#username", "reviewer")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/code")
    assert_for_everybody(page, "code")
    assert page.evaluate("document.activeElement.id") == "code"
    page.keyboard.type(next_code(secret))
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site.address}{page.locator('.masthead nav a').last.get_attribute('href')}")
    here = page.locator(".masthead nav [aria-current]").bounding_box()
    assert 0 <= here["x"] <= here["x"] + here["width"] <= 390  # of a menu that is one long line
    refused = [each for each in complaints if "422" not in each]
    assert refused == []
    assert all(url.startswith(site.address) for url in asked)
    context.close()


@pytest.mark.slow
def test_without_javascript_in_english(site, chromium):
    context = chromium.new_context(java_script_enabled=False)
    sit(site, context, Role.MANAGER)
    page = context.new_page()
    page.goto(f"{site.address}/portal/account?lang=en")
    assert page.inner_text("h1") == "My account"
    page.fill("#password", PASSWORD)
    page.click("text=Make new codes")
    assert page.locator(".codes li").count() == 10
    page.click("main a.button")
    page.click("text=Change password")
    page.fill("#old", PASSWORD)
    page.fill("#new", f"{PASSWORD}!")
    page.fill("#again", f"{PASSWORD}!")
    page.click("main button")
    page.wait_for_url("**/portal/account")
    assert "The password was changed" in page.inner_text("[role=status]")
    page.goto(f"{site.address}/desk")
    assert page.inner_text("h1") == "This page is not for you"
    page.click("text=Sign out")
    page.wait_for_url("**/desk/sign-in")
    assert page.inner_text("h1") == "Sign in"
    context.close()


PARTS = Path(__file__).with_name("desk_parts.html")


def shown_parts() -> str:
    """A page of all parts, as a room would make it."""
    values = {
        "form_token": "x", "person": None, "can": lambda *_: False, "P": Permission,
        "faults": {"why": "Hãy ghi lý do."}, "noted": "Đã lưu.", "menu": [],
        "root": "/desk", "path": "/desk/parts", "here": None,
        "other_language": "/desk/parts?lang=en", "by": lambda key: f"/desk/parts?sort={key}",
    }  # fmt: skip
    say, template = pages.WORDS[Language.VI], pages._TEMPLATES.from_string(PARTS.read_text("utf-8"))
    return template.render(
        say=say, language="vi", asset=pages.ASSETS.path, other=pages.WORDS[Language.EN], **values
    )


@pytest.mark.slow
def test_every_part_of_pages_for_everybody(site, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.route(
        "**/desk/parts",
        lambda route: route.fulfill(body=shown_parts(), content_type="text/html; charset=utf-8"),
    )
    page = context.new_page()
    page.goto(f"{site.address}/desk/parts")
    assert_for_everybody(page, "parts")
    press, active = page.keyboard.press, "document.activeElement.textContent.trim()"
    for key, there in (("j", "K7M2P"), ("j", "QXRT9"), ("j", "ABCDE"), ("j", "ABCDE"), ("k", "QXRT9")):
        press(key)
        assert page.evaluate(active) == there
    press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("dv?")  # keys in a field are letters
    assert page.input_value("#q") == "dv?"
    page.evaluate("document.activeElement.blur()")
    press("v")
    assert page.is_visible("#why-not")
    assert_for_everybody(page, "parts-dialog")
    press("Escape")
    assert not page.is_visible("#why-not")
    press("?")
    assert "Đóng hồ sơ" in page.inner_text("dialog#keys")
    page.uncheck("#keys-on")
    press("Escape")
    press("v")
    assert not page.is_visible("#why-not")
    context.close()
