"""A day of an administrator and of those whom they let in, in a real browser."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe

from simcheck import clock
from simcheck.access import clients
from simcheck.access.roles import Role
from simcheck.desks.frame.pages import ASSETS
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from simcheck.messages.words import Channel
from simcheck.sending import beats, intents
from simcheck.sending.links import Lane, Pace
from tests import clocking
from tests.browsing import aside, fresh_home
from tests.desking import PASSWORD, a_bare_site, sit
from tests.reviewing import one_case
from tests.running import work
from tests.sending import an_intent

AXE, PICTURES = Axe(), os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (390, 1024, 1440)
PAGES = {
    "people": "/desk/people", "people-add": "/desk/people/_add", "person": "/desk/people/reviewer",
    "clients": "/desk/clients", "client": "/desk/clients/viettel-upload",
    "clients-add": "/desk/clients/_add", "notices": "/desk/notices",
    "texts": "/desk/notices/texts", "text": "/desk/notices/texts/one", "links": "/desk/notices/links",
    "letter": "/desk/notices/texts/one?channel=email", "audit": "/desk/audit", "failed": "/desk/failed",
    "policy": "/desk/policy", "policy-one": "/desk/policy/2026.11.1", "simulation": "/desk/policy/simulation",
}  # fmt: skip
# Those with something of every colour in them: the others are made of the same.
COLOURED = {"people", "person", "links", "audit", "question"}
HELP_DESK = {
    "questions": "/desk/questions", "question": "/desk/questions/H-000001-3",
    "figures": "/desk/questions/figures",
}  # fmt: skip
EVIL = "<img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    with a_bare_site(postgres, keyring, fresh_home(run_folder)) as made:
        yield made


async def filled(service: Any) -> None:
    """Something on every page: questions, messages that wait and that failed, links, work that failed."""
    async with service.database.transaction("test", ministry=True) as session:
        for at, text in enumerate(("Tại sao số của tôi bị khóa chiều gọi?", "Why was I written to?")):
            asked = Asking(text, Back.SMS, f"+8490123456{at}", "vi", uuid.uuid4())
            await questions.open_question(session, service, asked)
        scopes = ["batches:read", "batches:write"]
        await clients.add(session, "viettel-upload", "Viettel", carrier="viettel", scopes=scopes)
        await intents.store(session, service.keyring, [an_intent(), an_intent("two")])
    await clocking.in_force(service, at=clock.now())
    lane: Any = Lane(Up(), Pace(400))
    lane.health.answered(0, 0.04)
    async with service.database.transaction("job:sending.send", ministry=True) as session:
        await beats.write(session, uuid.uuid4(), {Channel.SMS: [lane]})


class Up:
    """A link that is up."""

    name, window, whole, up = "viettel-1", 10, False, True


FAILED = """
UPDATE message_part SET state = 'failed', link = 'viettel-1', failure = '0x0000000B'
WHERE message_id IN (SELECT id FROM message WHERE key = 'two');
UPDATE message SET due_at = now() - interval '1 hour' WHERE key = 'one';
INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'audit.verify', '{}');
UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'audit.verify';
UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'
"""


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


@pytest.mark.slow
def test_every_page_for_everybody(site, chromium):
    """No violation for axe-core, in light and dark; nothing wider than the window; nothing from elsewhere."""
    aside(lambda: site.as_service(filled))
    site.owner.execute(FAILED)
    one_case(site.owner, acts="holder", state="with_holder", province="079")
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
    looks = [("light", {"type": "tag", "values": RULES}), ("dark", ["color-contrast"])]
    for scheme, only in looks if name in COLOURED else looks[:1]:
        page.emulate_media(color_scheme=scheme)
        found = AXE.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
        if PICTURES and scheme == "dark":
            page.screenshot(path=Path(PICTURES) / f"admin-{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")


@pytest.mark.slow
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
