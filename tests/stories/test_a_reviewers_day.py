"""A reviewer's day in a real browser: by keyboard alone, without JavaScript, for everybody.

With SCREENSHOTS set to a folder, a picture of every page at every width is put there (`make screenshots`).
"""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from simcheck import clock
from simcheck.access.roles import Role
from tests.browsing import aside, fresh_home
from tests.building import citizen, row
from tests.casework import TO_STAFF
from tests.desking import PASSWORD, a_bare_site, account, sit
from tests.holding import a_country, case_of, wrong_name
from tests.running import NOON
from tests.stories.test_desks_for_everybody import PICTURES, assert_for_everybody

# What carriers make of names and dates, beside what the register holds.
DECLARED = (
    ("Nguyễn Thị Thanh Huyền", {"full_name": "Nguyen Thi Thanh Huyen", "date_of_birth": "1990-05-26"}),
    ("Trần Văn An", {"full_name": "Trần Văn Anh"}),
    ("Lê Thị Bình", {"full_name": "Phạm Hoàng Quốc Khánh"}),
    ("Đặng Ngọc Chi", {"full_name": "Đặng Ngọc Chinh", "date_of_birth": "1990-06-25"}),
    ("Hoàng Đình Dũng", {"full_name": "Hoàng Đức Dũng"}),
    ("Võ Thị Thuý Hằng", {"full_name": "Võ Thị Thúy Hường", "date_of_birth": "1991-05-25"}),
)


def build(site: Any, home: Path) -> None:
    """A small country, all of whose cases are staff's: the first the most urgent."""
    people = [citizen(number + 1, name) for number, (name, _) in enumerate(DECLARED)]
    rows = [row(at, who, **DECLARED[at][1]) for at, who in enumerate(people)]
    rows += [wrong_name(10 + at, who) for at, who in enumerate(people)]
    rows += [row(20 + at, people[0]) for at in range(3)]

    async def made(service: Any) -> None:
        with clock.fixed(NOON):
            await a_country(service, home, rows, people)

    aside(lambda: site.as_service(made))
    site.owner.execute(TO_STAFF)
    for number in range(len(DECLARED)):
        case, _ = case_of(site.owner, site.keyring, number)
        soon = clock.now() + timedelta(minutes=90 + number)
        site.owner.execute('UPDATE "case" SET target_at = %s WHERE id = %s', [soon, case])


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    home = fresh_home(run_folder)
    with a_bare_site(postgres, keyring, home, undo_seconds=60) as made:
        build(made, home)
        yield made


def look(page: Any, name: str) -> None:
    """What everybody can use, and nothing that scrolls sideways; with a picture of a wide desk."""
    assert_for_everybody(page, name)
    if PICTURES:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.screenshot(path=Path(PICTURES) / f"desk-{name}-1440.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 800})


def code_on(page: Any) -> str:
    """The code of the case that is shown."""
    return page.inner_text("h1 .mono")


def sign_in(site: Any, page: Any) -> None:
    """From the queue's address to the queue, by keyboard, with the second step."""
    name = aside(lambda: site.as_service(lambda service: account(service, Role.REVIEWER)))
    page.goto(f"{site.address}/desk/queue")
    page.wait_for_url("**/desk/sign-in?next=*")
    press = page.keyboard.press
    while page.evaluate("document.activeElement.id") != "username":
        press("Tab")
    page.keyboard.type(name)
    press("Tab")
    page.keyboard.type(PASSWORD)
    press("Enter")
    page.wait_for_url("**/enrol")
    secret = page.inner_text("#secret").replace(" ", "")
    while page.evaluate("document.activeElement.id") != "code":
        press("Tab")
    page.keyboard.type(pyotp.TOTP(secret).now())
    press("Enter")
    page.wait_for_selector(".codes")
    while not page.evaluate("document.activeElement.matches('main a.button')"):
        press("Tab")
    press("Enter")
    page.wait_for_url("**/desk/queue")


def test_a_day_by_keyboard_alone_for_everybody(site, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page, complaints = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    press = page.keyboard.press
    sign_in(site, page)
    press("f")  # the filter, from its first field to the reason
    look(page, "queue-filter")
    while page.evaluate("document.activeElement.id") != "carrier":
        press("Tab")
    page.keyboard.type("viettel")
    press("Tab")
    while not page.evaluate("document.activeElement.matches('form.panel button.button')"):
        press("Tab")
    press("Enter")
    page.wait_for_url("**/desk/queue?*carrier=viettel*")
    assert "12 hồ sơ" in page.inner_text("main")
    look(page, "queue")
    press("j")
    press("j")
    second = page.inner_text("tr.marked .code")
    press("Enter")
    page.wait_for_url("**/desk/cases/*")
    assert code_on(page) == second
    page.wait_for_selector("#history")
    look(page, "case-not-taken")
    press("l")
    page.wait_for_url("**/desk/queue?*")

    press("n")
    page.wait_for_url("**/desk/cases/*")
    first = code_on(page)
    assert first != second
    page.wait_for_selector("#history")  # what is known of it comes by itself
    look(page, "case")
    press("h")  # and to whom it can be given when somebody wants to
    page.wait_for_selector("#hand_over-to")
    look(page, "case-hand-over")
    press("h")
    press("s")
    page.wait_for_url("**/show")
    assert page.locator("mark").count() > 5
    look(page, "case-shown")
    press("4")
    press("b")
    assert page.evaluate("document.activeElement.value") == "another_person"
    look(page, "case-decision")
    press("1")  # another decision: the one that was open is closed
    assert page.locator("details.decision[open]").count() == 1
    press("a")
    press("Enter")
    page.wait_for_selector(".undo")
    assert code_on(page) == second
    assert first in page.inner_text(".undo")
    look(page, "case-undo")
    press("u")
    page.wait_for_selector(".toast")
    assert code_on(page) == first
    press("1")
    press("b")
    press("Tab")  # the note
    page.keyboard.type("Đã xem giấy tờ cũ; n, s và 1 là chữ ở đây")
    press("Tab")
    press("Enter")
    page.wait_for_selector(".undo")
    assert code_on(page) == second
    press("n")
    page.wait_for_function("code => document.querySelector('h1 .mono').textContent !== code", arg=second)
    press("?")
    told = page.inner_text("dialog#keys")
    for words in ("Cùng một người", "Hiện đầy đủ", "Hoàn tác", "Bàn giao"):
        assert words in told
    press("Escape")
    press("/")
    assert page.url.count("/desk/cases/") == 1  # there is no search on a case's page
    press("l")
    page.wait_for_url("**/desk/queue?*")
    press("/")
    page.keyboard.type("0900000001")
    press("Enter")
    page.wait_for_url("**/desk/cases/*")
    assert code_on(page) == second
    assert complaints == []
    context.close()


@pytest.mark.slow
def test_a_lease_is_renewed_while_somebody_works_and_its_end_is_told(site, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    sit(site, context, Role.SUPERVISOR)
    page = context.new_page()
    case, _ = case_of(site.owner, site.keyring, 12)
    page.goto(f"{site.address}/desk/cases/{case}")
    page.keyboard.press("t")
    page.wait_for_selector("[data-lease]")
    until = 'UPDATE "case" SET claimed_until = now() + %s::interval WHERE id = %s'
    site.owner.execute(until, ["12 seconds", case])
    page.reload()  # now the page knows that little is left
    time.sleep(3.2)
    with page.expect_response("**/renew") as renewed:
        page.mouse.move(50, 50)
        page.mouse.move(60, 60)
    assert renewed.value.status == 200
    site.owner.execute(until, ["12 seconds", case])
    page.reload()
    site.owner.execute('UPDATE "case" SET claimed_by = %s WHERE id = %s', ["lan", case])
    site.owner.execute(until, ["10 minutes", case])
    page.keyboard.press("5")
    page.keyboard.press("b")
    page.fill("details[open] textarea", "chữ đã gõ")
    page.wait_for_selector("#lost:not([hidden])")
    look(page, "case-lost")
    page.click("#lost button")
    page.wait_for_selector("[role=alert] h2")
    assert "Không nhận được hồ sơ" in page.inner_text("main")
    site.owner.execute(until, ["-1 second", case])
    page.goto(f"{site.address}/desk/cases/{case}")
    assert page.locator("button:has-text('Nhận hồ sơ')").count() == 1
    context.close()


def test_a_day_without_javascript_in_english(site, chromium):
    context = chromium.new_context(java_script_enabled=False)
    sit(site, context, Role.SUPERVISOR)
    page = context.new_page()
    page.goto(f"{site.address}/desk/queue?lang=en")
    page.click("text=How the list divides")
    page.click("text=Count by carrier, province, reason…")
    page.click("#facets >> text=Mismatch")
    assert re.search(r"Cases: \d+", page.inner_text("main"))
    page.click("text=Take the next case")
    page.wait_for_url("**/desk/cases/*")
    first = code_on(page)
    page.click("text=Show in full")
    assert "on this page load only" in page.inner_text("main")
    page.click("summary:has-text('Same person')")
    page.click("text=Only written differently")
    page.click("text=Confirm: Same person")
    page.wait_for_selector(".undo")
    assert code_on(page) != first
    page.click(".undo button")
    assert code_on(page) == first
    assert "Undone" in page.inner_text("[role=status]")
    page.click("summary:has-text('Same person')")
    page.click("text=Confirm: Same person")
    assert "Choose a reason." in page.inner_text("details[open]")
    context.close()
