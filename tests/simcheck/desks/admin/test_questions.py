"""Lists of questions, and figures."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from simcheck.helpdesk import lists
from tests.desking import at_desk
from tests.running import NOON
from tests.simcheck.helpdesk.conftest import ask, subscribed

__all__ = ["ask", "subscribed"]

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(app):
    """A reviewer at the desk, in English, an hour after noon."""
    with clock.fixed(NOON + timedelta(hours=1)):
        async with at_desk(app, Role.REVIEWER) as desk:
            desk.http.cookies.set("desk_language", "en")
            yield desk


def numbers(page) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/desk/questions/(H-[^"]+)"', page.text)


async def test_lists_by_what_is_due(desk, ask):
    assert "There is no question" in (await desk.get("/desk/questions")).text
    late = await ask("Gấp", 2, at=NOON - timedelta(days=3))
    new = await ask("Sao?", 77)
    theirs = await ask("Hỏi", 1)
    page = await desk.get("/desk/questions")
    assert numbers(page) == [late.number, new.number]
    assert page.text.count(">Late<") == 1
    assert numbers(await desk.get("/desk/questions?which=carriers")) == [theirs.number]
    assert numbers(await desk.get("/desk/questions?about=viettel")) == [late.number]
    assert "Nothing fits" in (await desk.get("/desk/questions?about=itel")).text
    for which in ("answered", "closed", "x"):
        assert (await desk.get(f"/desk/questions?which={which}")).status_code == 200
    assert "Gấp" not in page.text


async def test_a_number_leads_to_its_question(desk, ask):
    asked = await ask("Sao?", 77)
    answer = await desk.get(f"/desk/questions?number={asked.number.lower()}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/desk/questions/{asked.number}")
    page = await desk.get("/desk/questions?number=%3Cb%3E0912345678")
    assert page.status_code == 422
    assert "<b>" not in page.text.partition("<main")[2]


async def test_pages(desk, ask, owner, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    asked = [(await ask(f"Câu {at}", 0, address=f"+8490123456{at}")).number for at in range(5)]
    seen, path = [], "/desk/questions"
    while path:
        page = await desk.get(path)
        seen += numbers(page)
        onward = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = onward[1].replace("&amp;", "&") if onward else ""
    assert seen == asked
    owner.execute("UPDATE question SET state = 'closed', closed_at = now()")
    page = await desk.get("/desk/questions?which=closed")
    assert numbers(page) == asked[:2:-1]
    onward = re.search(r'rel="next" href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    assert numbers(await desk.get(onward)) == asked[2:0:-1]
    for wrong in ("x", "2026-99-01T00:00:00.000000~1"):
        assert (await desk.get(f"/desk/questions?after={wrong}")).status_code == 404


async def test_figures(desk, ask):
    assert "No question was asked" in (await desk.get("/desk/questions/figures")).text
    await ask("Gấp", 2)
    await ask("Sao?", 77)
    page = await desk.get("/desk/questions/figures?days=7")
    assert "VIETTEL" in page.text
    assert page.text.count("<tr><th") == 2
