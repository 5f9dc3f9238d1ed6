"""The pages in a real browser, over a real server: at every width, without JavaScript, for everybody.

With SCREENSHOTS set to a folder, a picture of every page at every width is put there (`make screenshots`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from simcheck.public.pages import ASSETS
from tests.browsing import ROWS_EACH, a_person, a_site, fresh_home
from tests.identities import provider
from tests.walking import everywhere, of_a_number, prove

WIDTHS = (360, 768, 1440)
MOST_BYTES = 50_000
AXE, PICTURES = Axe(), os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    people = [a_person(at) for at in range(5)]
    with provider() as identities, a_site(
        postgres, keyring, fresh_home(run_folder), identities.issuer, people
    ) as made:  # fmt: skip
        for at, person in enumerate(people):
            identities.add(f"person-{at}", id_number=person.id_number)
        yield made


class Watched:
    """A page of the browser, with what it asked for beside pages, and complained of."""

    def __init__(self, site: Any, chromium: Any, **more: Any) -> None:
        self.site = site
        self.context = chromium.new_context(**more)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _note(self, request: Any) -> None:
        if request.frame.url.startswith(self.site.address) and not request.is_navigation_request():
            self.asked.add(request.url)

    def _hear(self, said: Any) -> None:
        # That a page was not found or not taken is what some steps are about.
        if said.type in {"error", "warning"} and "Failed to load resource" not in said.text:
            self.complaints.append(said.text)

    def weight(self) -> int:
        """Bytes of this page with everything beside it."""
        beside = sum(len(content) for content, _ in ASSETS.by_name.values())
        return beside + len(self.page.content().encode())


def test_every_page_for_everybody(site, chromium):
    """No violation for axe-core, in light and dark; nothing too wide, too heavy or from elsewhere."""
    seen: set[str] = set()
    watched = Watched(site, chromium, viewport={"width": WIDTHS[0], "height": 740})
    for name in everywhere(site, watched.page, 0):
        if name in seen:  # the way to the code is gone three times
            continue
        seen.add(name)
        assert watched.weight() < MOST_BYTES, name
        assert_nobody_is_kept_out(watched.page, name)
        for width in (320, *WIDTHS):
            watched.page.set_viewport_size({"width": width, "height": 740})
            wide = watched.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide at {width}"
            if PICTURES and width in WIDTHS:
                watched.page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
        watched.page.set_viewport_size({"width": WIDTHS[0], "height": 740})
    assert len(seen) == 30
    assert watched.complaints == []
    assert all(url.startswith(f"{site.address}/assets/") for url in watched.asked)
    assert len(watched.asked) == len(ASSETS.names)


def assert_nobody_is_kept_out(page: Any, name: str) -> None:
    """By axe-core: everything in light, and the colours again in dark."""
    for scheme, only in (("light", {"type": "tag", "values": RULES}), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)
        if PICTURES and scheme == "dark":
            page.screenshot(path=Path(PICTURES) / f"{name}-dark.png", full_page=True)
        found = AXE.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
    page.emulate_media(color_scheme="light", media="print")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-print.png", full_page=True)
    page.emulate_media(media="screen")


def test_without_javascript_in_english(site, chromium):
    watched = Watched(site, chromium, java_script_enabled=False)
    for name in everywhere(site, watched.page, 1, "/en"):
        assert watched.page.locator("html").get_attribute("lang") == "en", name
        assert watched.page.locator("h1").count() == 1, name


def test_with_a_keyboard_alone(site, chromium):
    """The way to the code, by Tab and Enter; the first Tab leads past the menu."""
    page = Watched(site, chromium).page
    number = 2 * ROWS_EACH
    page.goto(f"{site.address}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "code"
    page.keyboard.type(site.code(number))
    page.keyboard.press("Tab")
    page.keyboard.type(f"0{900_000_000 + number}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/code")


def test_checks_as_they_type(site, chromium):
    page = Watched(site, chromium).page
    page.goto(f"{site.address}/")
    code = site.code(2 * ROWS_EACH)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    for typed, told in {code: "ok", wrong: "bad", code[:5]: "", "K7M2P-0OI1L": "bad"}.items():
        page.fill("#code", typed)
        assert page.locator("#code-told").get_attribute("class") == f"told {told}".strip(), typed
    for typed, told in {
        "0912 345 678": "ok",
        "+84912345678": "ok",
        "0112345678": "bad",
        "09x": "bad",
    }.items():
        page.fill("#number", typed)
        assert page.locator("#number-told").get_attribute("class") == f"told {told}", typed


def test_checks_of_a_correction_as_they_type(site, chromium):
    page = Watched(site, chromium).page
    for _ in prove(site, page, 2 * ROWS_EACH):
        pass
    page.goto(f"{site.address}/record/correct")
    for field, typed, told in (
        ("id_number", "001085012345", "ok"), ("id_number", "00108501234a", "bad"),
        ("full_name", "Nguyễn Thị Hòa", "ok"), ("full_name", "Hòa 2", "bad"),
    ):  # fmt: skip
        page.fill(f"#{field}", typed)
        assert page.locator(f"#{field}-told").get_attribute("class") == f"told {told}", typed
    for born, told in {"29/2/1988": "ok", "29/2/1989": "bad", "1/1/2999": "bad"}.items():
        for name, value in zip(("day", "month", "year"), born.split("/"), strict=True):
            page.fill(f"#{name}", value)
        assert page.locator("#born-told").get_attribute("class") == f"told {told}", born


def test_a_holder_mends_a_record_from_the_message_to_the_closed_case(site, chromium):
    """What the pages say and what the ledger has at the end."""
    from tests.holding import case_of, state_of

    page, at = Watched(site, chromium).page, 3
    names = of_a_number(site, page, at)
    for name in names:
        if name == "record":
            text = page.inner_text("main")
            assert "Họ tên chưa khớp" in text
            assert "Nguyễn Hữu Sai" not in text
            assert "Lê Thị Bình" not in text
        if name == "done-agrees":
            case, _ = case_of(site.owner, site.keyring, at * ROWS_EACH)
            assert state_of(site.owner, case) == ("closed", "corrected", "corrected")
            assert "thông tin đã khớp" in page.inner_text("h1")
        if name == "done-disowned":
            case, _ = case_of(site.owner, site.keyring, at * ROWS_EACH + 1)
            assert state_of(site.owner, case)[0] == "disowned"
        if name == "done-differs":
            case, _ = case_of(site.owner, site.keyring, at * ROWS_EACH + 3)
            assert state_of(site.owner, case)[0] == "with_staff"
    page.goto(f"{site.address}/record")
    assert "Bạn chưa đăng nhập" in page.inner_text("h1")
