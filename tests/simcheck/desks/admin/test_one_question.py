"""Answering a question, handing it on, closing it; never on a stale page."""

from __future__ import annotations

import re

import pytest

from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.holding import sent
from tests.simcheck.desks.admin.test_people import EVIL
from tests.simcheck.desks.admin.test_questions import desk
from tests.simcheck.helpdesk.conftest import ask, subscribed

__all__ = ["ask", "desk", "subscribed"]

pytestmark = pytest.mark.anyio


@pytest.fixture
async def path(ask):
    """Where staff's question stands."""
    return f"/desk/questions/{(await ask(f'Sao số tôi bị khóa? {EVIL}', 77)).number}"


def version(page) -> dict[str, str]:
    return {"version": re.search(r'name="version" value="([^"]+)"', page.text)[1].replace("&#43;", "+")}


async def test_an_answer_goes_out_once(desk, path, owner, keyring):
    page = await desk.get(path)
    assert "Sao số tôi bị khóa?" in page.text
    assert EVIL not in page.text
    seen = version(page)
    answer = await desk.send(f"{path}/answer", seen | {"text": "Mang thẻ đến cửa hàng.", "close": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/questions")
    assert [each.kind for each in sent(owner, keyring)] == ["answer"]
    assert owner.execute("SELECT state FROM question").fetchone() == ("closed",)
    for act, fields in (("answer", {"text": "Lần nữa"}), ("close", {}), ("hand", {"to": "viettel"})):
        assert (await desk.send(f"{path}/{act}", seen | fields)).status_code == 409, act
    assert len(sent(owner, keyring)) == 1
    acts = owner.execute("SELECT act, actor FROM audit WHERE act LIKE 'question.%' ORDER BY at, seq")
    assert acts.fetchall()[1:] == [
        (f"question.{act}", "person:reviewer") for act in ("read", "answered", "closed")
    ]  # fmt: skip


async def test_a_stale_page_changes_nothing(desk, path, owner):
    seen = version(await desk.get(path))
    assert (await desk.send(f"{path}/hand", seen | {"to": "viettel"})).status_code == 303
    assert owner.execute("SELECT queue, carrier FROM question").fetchone() == ("carrier", "viettel")
    assert (await desk.send(f"{path}/answer", seen | {"text": "Xin chào"})).status_code == 409
    again = version(await desk.get(path))
    assert (await desk.send(f"{path}/hand", again | {"to": "staff"})).status_code == 303
    assert owner.execute("SELECT queue, carrier FROM question").fetchone() == ("staff", None)


async def test_what_cannot_be_said_is_told(desk, path, owner, keyring):
    seen = version(await desk.get(path))
    for text in (" ", "x" * 601, "x" * 5_001):
        page = await desk.send(f"{path}/answer", seen | {"text": text})
        assert page.status_code == 422
        assert 'id="text-fault"' in page.text
    page = await desk.send(f"{path}/hand", seen | {"to": "nowhere"})
    assert (page.status_code, 'id="to-fault"' in page.text) == (422, True)
    assert sent(owner, keyring) == []
    assert (await desk.get("/desk/questions/H-999999-Z")).status_code in {400, 404}
    assert (await desk.get("/desk/questions/x")).status_code == 400


async def test_an_auditor_sees_no_word_of_it(app, desk, path, owner):
    async with at_desk(app, Role.AUDITOR) as auditor:
        page = await auditor.get(path)
        assert page.status_code == 200
        assert "Sao số tôi" not in page.text
        assert f'action="{path}/answer"' not in page.text
        seen = version(await desk.get(path))
        for act in ("answer", "hand", "close"):
            assert (await auditor.send(f"{path}/{act}", seen | {"text": "x"})).status_code == 403
    assert owner.execute("SELECT state FROM question").fetchone() == ("open",)
