from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from tests.holding import acts, national, sent

pytestmark = pytest.mark.anyio
PAGE = "/portal/questions"
SCRIPT = "Giúp tôi </p><script>alert('x')</script>"


@pytest.fixture
async def asked(service, owner, keyring, manager):
    """Three questions about viettel's number, the newest first; the newest's holder proved it."""
    owner.execute(
        "INSERT INTO subscription (msisdn_token, carrier, verdict, reasons, bucket, facts, cells, row, "
        "batch_id, run_id, changed_at) VALUES (%s, 'viettel', 0, 0, 0, '', 0, 1, gen_random_uuid(), "
        "gen_random_uuid(), now())", [keyring.token("msisdn", national(1))],
    )  # fmt: skip
    now = clock.now()
    for each in range(3):
        asking = Asking(
            SCRIPT, Back.SMS, f"+84{national(1)}", "vi", uuid.uuid4(), national(1), proved=not each
        )
        with clock.fixed(now - timedelta(hours=each)):
            async with service.database.transaction("public", ministry=True) as session:
                await questions.open_question(session, service, asking)
    return [row[0] for row in owner.execute("SELECT id FROM question ORDER BY opened_at DESC").fetchall()]


async def test_without_a_question_the_page_says_so(manager):
    assert "Không có câu hỏi nào chờ trả lời" in (await manager.get(PAGE)).text
    assert "Không có câu hỏi nào ở tình trạng này" in (await manager.get(f"{PAGE}?state=closed")).text


async def test_those_due_first_come_first(manager, asked):
    page = (await manager.get(PAGE)).text
    places = [page.index(str(each)) for each in asked]
    assert places == sorted(places, reverse=True)
    assert "Giúp tôi" not in page


async def test_a_question_is_read_and_answered(manager, asked, owner, keyring):
    page = (await manager.get(f"{PAGE}/{asked[1]}")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "Đừng cho biết điều gì" in page
    assert "Đừng cho biết điều gì" not in (await manager.get(f"{PAGE}/{asked[0]}")).text
    assert acts(owner).count("question.read") == 2
    path = f"{PAGE}/{asked[0]}/answers"
    assert (await manager.send(path, {"text": "\u200b"})).status_code == 422
    long = await manager.send(path, {"text": "<b>" + "a" * 700})
    assert (long.status_code, "từ 1 đến 600" in long.text, "&lt;b&gt;aaa" in long.text) == (422, True, True)
    done = await manager.send(path, {"text": "Mang thẻ căn cước đến cửa hàng.", "close": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    [message] = sent(owner, keyring)
    assert "Mang thẻ căn cước" in message.text
    late = await manager.send(path, {"text": "Thêm nữa."})
    assert (late.status_code, "Câu hỏi đã đóng" in late.text) == (409, True)
    assert str(asked[0]) in (await manager.get(f"{PAGE}?state=closed")).text


async def test_a_question_is_handed_to_staff_and_is_theirs_then(manager, asked, owner):
    assert (await manager.send(f"{PAGE}/{asked[0]}/staff")).status_code == 303
    found = owner.execute("SELECT queue, carrier, about FROM question WHERE id = %s", [asked[0]]).fetchone()
    assert found == ("staff", None, "viettel")
    assert (await manager.get(f"{PAGE}/{asked[0]}")).status_code == 404
    assert (await manager.send(f"{PAGE}/{asked[0]}/staff")).status_code == 404


async def test_a_question_is_closed_without_an_answer(manager, asked, owner, keyring):
    assert (await manager.send(f"{PAGE}/{asked[0]}/close")).status_code == 303
    assert owner.execute("SELECT state FROM question WHERE id = %s", [asked[0]]).fetchone() == ("closed",)
    assert sent(owner, keyring) == []


async def test_another_carriers_question_is_not_there(stranger, asked, owner):
    for question in (asked[0], uuid.uuid4()):
        assert (await stranger.get(f"{PAGE}/{question}")).status_code == 404
        for act in ("answers", "close", "staff"):
            assert (await stranger.send(f"{PAGE}/{question}/{act}", {"text": "x"})).status_code == 404
    assert str(asked[0]) not in (await stranger.get(PAGE)).text
    assert owner.execute("SELECT DISTINCT state, queue FROM question").fetchall() == [("open", "carrier")]
    forged = await stranger.http.post(f"{PAGE}/{asked[0]}/staff", data={"a": "b"})
    assert forged.status_code == 403
