from __future__ import annotations

import httpx
import pytest

from simcheck import clock
from simcheck.errors import UnavailableError
from simcheck.sending.twins.page import application
from simcheck.sending.twins.shelf import MOST, Shelf, Shown

pytestmark = pytest.mark.anyio


class Answers:
    """Where the page's answers go; refuses while `away`."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str]] = []
        self.away = False

    async def answer(self, number: str, text: str) -> None:
        if self.away:
            raise UnavailableError("away")
        self.came.append((number, text))


@pytest.fixture
def shelf():
    made = Shelf()
    made.put(Shown("email", "us@x.vn", "an@example.vn", "<b>Tin</b>", "Kính gửi", 1, clock.now()))
    made.put(Shown("sms", "1414", "+84912345678", None, "<script>alert(1)</script>", 2, clock.now()))
    return made


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
async def page(shelf, answers):
    transport = httpx.ASGITransport(application(shelf, answers))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def test_what_came_is_shown_as_text(page):
    html = (await page.get("/")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;b&gt;Tin&lt;/b&gt;" in html
    assert "<script" not in html
    only = (await page.get("/", params={"to": "an@example.vn"})).text
    assert "Kính gửi" in only
    assert "alert" not in only


async def test_programs_read_it_too(page):
    [newest, _] = (await page.get("/messages.json")).json()
    assert (newest["kind"], newest["to"], newest["parts"]) == ("sms", "+84912345678", 2)
    [letter] = (await page.get("/messages.json", params={"to": "an@example.vn"})).json()
    assert letter["subject"] == "<b>Tin</b>"


async def test_a_holder_answers_from_the_page_alone(page, answers):
    form = {"number": "+84912345678", "text": "KHONG"}
    assert (await page.post("/answer", data=form)).headers["location"] == "/?said=sent"
    assert answers.came == [("84912345678", "KHONG")]
    answers.away = True
    assert (await page.post("/answer", data=form)).headers["location"] == "/?said=away"
    answers.away = False
    other = {"Sec-Fetch-Site": "cross-site"}
    assert (await page.post("/answer", data=form, headers=other)).status_code == 400
    assert (await page.post("/answer", data={**form, "number": "x"})).status_code == 400
    assert len(answers.came) == 1


def test_only_the_last_messages_are_kept():
    shelf = Shelf()
    for each in range(MOST + 5):
        shelf.put(Shown("sms", "1414", str(each), None, "x", 1, clock.now()))
    assert (len(shelf.messages), shelf.count) == (MOST, MOST + 5)
    assert shelf.messages[0].to == str(MOST + 4)
