from __future__ import annotations

import re

import pytest

from tests.holding import national

pytestmark = pytest.mark.anyio
ASKED = {"text": "Số của tôi bị khóa.\r\nTôi phải làm gì?", "number": f"0{national(1)}", "back": "sms"}


async def ask(walker, fields) -> object:
    page = await walker.http.get(f"{walker.prefix}/help")
    form_id = re.findall(r'name="form_id" value="([^"]+)"', page.text)[0]
    return await walker.send("/help", {**fields, "form_id": form_id})


def rows(owner, columns: str) -> list[tuple[object, ...]]:
    return owner.execute(f"SELECT {columns} FROM question ORDER BY number").fetchall()


async def test_a_question_gets_a_number_and_its_state_is_seen(walker, stranger):
    answer = await ask(walker, ASKED)
    assert answer.status_code == 303, answer.text
    number = re.findall(r"H-\d{6}-\w", answer.headers["location"])[0]
    asked = await walker.http.get(answer.headers["location"])
    assert "Đã nhận câu hỏi của bạn" in asked.text
    assert rows(walker.owner, "queue, carrier, channel, language, proved") == [
        ("carrier", "viettel", "sms", "vi", False)
    ]
    found = await stranger.send("/help", {"question": number.lower()}, "/help/look")
    page = await stranger.http.get(found.headers["location"])
    assert "Đang chờ trả lời" in page.text
    assert "bị khóa" not in page.text


async def test_of_a_holder_who_proved_the_number(walker):
    await walker.prove(1)
    answer = await ask(walker, {"text": "Câu hỏi", "number": "", "back": "sms"})
    assert answer.status_code == 303, answer.text
    await ask(walker, {"text": "Câu hỏi", "number": f"0{national(4)}", "back": "sms"})
    assert rows(walker.owner, "proved") == [(True,), (False,)]


async def test_answered_by_email_without_a_number(walker):
    answer = await ask(walker, {"text": "Hỏi", "number": "", "back": "email", "email": "an@example.vn"})
    assert answer.status_code == 303, answer.text
    assert rows(walker.owner, "queue, channel") == [("staff", "email")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": "\u200b"}, "text"), ({"text": "a" * 2001}, "text"), ({"number": ""}, "number"),
        ({"number": "0112"}, "number"), ({"back": "email", "email": ""}, "email"),
        ({"back": "email", "email": "an@example.vn\r\nBcc: binh@example.vn"}, "email"),
    ],
)  # fmt: skip
async def test_faults(walker, owner, change, field):
    answer = await ask(walker, ASKED | change)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert rows(owner, "1") == []


async def test_a_number_that_no_question_has(walker, http):
    for typed in ("", "H-000001-2", "x", "H-999999-2"):
        answer = await walker.send("/help", {"question": typed}, "/help/look")
        assert (answer.status_code, "Không có câu hỏi nào" in answer.text) == (422, True)
    assert (await http.get("/help/H-000001-2")).status_code == 404


async def test_the_same_form_twice_is_one_question(walker):
    page = await walker.http.get("/help")
    form_id = re.findall(r'name="form_id" value="([^"]+)"', page.text)[0]
    first = await walker.send("/help", {**ASKED, "form_id": form_id})
    again = await walker.send("/help", {**ASKED, "form_id": form_id})
    assert first.headers["location"] == again.headers["location"]
    assert len(rows(walker.owner, "1")) == 1


async def test_too_many_questions(walker):
    for _ in range(walker.service.settings.questions_a_day):
        assert (await ask(walker, ASKED)).status_code == 303
    assert (await ask(walker, ASKED)).status_code == 429
