from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.cases import codes
from tests.browsing import token_in

pytestmark = pytest.mark.anyio


async def test_from_the_code_to_the_record_and_out(walker):
    await walker.prove(1)
    record = await walker.http.get("/record")
    assert record.status_code == 200
    assert "Thông tin cần sửa" in record.text
    assert (await walker.send("/record", {}, "/leave")).headers["location"] == "/"
    assert (await walker.http.get("/record")).status_code == 401


async def test_faults_are_said_by_field_and_nothing_is_asked_for(walker, owner):
    for fields, faulty in (
        ({"code": "K7M2P-9QXRT", "number": "0912345678"}, {"code"}),
        ({**walker.typed(1), "number": "0112"}, {"number"}),
        ({}, {"code", "number"}),
    ):
        answer = await walker.send("/", fields)
        assert answer.status_code == 422
        assert {name for name in ("code", "number") if f'id="{name}-fault"' in answer.text} == faulty
        assert "Lỗi:" in answer.text
    assert owner.execute("SELECT count(*) FROM holder_challenge").fetchone() == (0,)


async def test_the_answer_does_not_tell_whether_they_belong_together(walker, stranger):
    """The same page for a code and its number, a code and another's, and a code that nobody has."""
    said = []
    for fields in (walker.typed(1), {**walker.typed(1), "number": walker.typed(4)["number"]},
                   {**walker.typed(1), "code": codes.shown(codes.draw())}):  # fmt: skip
        stranger.http.cookies.clear()
        answer = await stranger.send("/", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/code")
        page = (await stranger.http.get("/code")).text
        said.append(page.replace(token_in(await stranger.http.get("/code")), "").replace("004", "001"))
    assert said[0] == said[1] == said[2]
    assert "+84******001" in said[0]


async def test_guessing_the_digits(walker, owner):
    digits = await walker.ask(1)
    wrong = f"{(int(digits) + 1) % 10**6:06}"
    for left in (4, 3, 2, 1):
        answer = await walker.send("/code", {"digits": wrong})
        assert answer.status_code == 422
        assert f"Bạn còn {left} lần thử" in answer.text
    page = token_in(await walker.http.get("/code"))
    answer = await walker.http.post("/code", data={"form_token": page, "digits": wrong})
    assert "Mã này không dùng được nữa" in answer.text
    again = await walker.http.post("/code", data={"form_token": page, "digits": digits})
    assert "Mã này không dùng được nữa" in again.text
    assert (await walker.http.get("/code")).headers["location"] == "/"
    assert (await walker.http.get("/record")).status_code == 401
    assert owner.execute("SELECT count(*) FROM holder_session").fetchone() == (0,)


async def test_what_cannot_be_a_code_uses_up_no_try(walker):
    digits = await walker.ask(1)
    for typed in ("", "12345", "1234567", "abcdef"):
        assert "Nhập đủ 6 chữ số" in (await walker.send("/code", {"digits": typed})).text
    assert (await walker.send("/code", {"digits": f" {digits[:3]} {digits[3:]}"})).status_code == 303


async def test_a_code_that_is_too_old(walker):
    digits = await walker.ask(1)
    with clock.fixed(clock.now() + timedelta(minutes=6)):
        assert "Mã này không dùng được nữa" in (await walker.send("/code", {"digits": digits})).text


async def test_a_form_from_before_the_session_is_good_no_more(walker):
    """Nor is the browser's old id, which somebody may have planted."""
    digits = await walker.ask(1)
    before, old = token_in(await walker.http.get("/code")), walker.http.cookies["visit"]
    answer = await walker.http.post("/code", data={"form_token": before, "digits": digits})
    assert answer.headers["location"] == "/record"
    assert walker.http.cookies["visit"] != old
    again = await walker.http.post("/code", data={"form_token": before, "digits": digits})
    assert again.status_code == 403
    assert (await walker.http.get("/record")).status_code == 200


async def test_somebody_elses_challenge_and_session(walker, stranger):
    digits = await walker.ask(1)
    await stranger.http.get("/")
    stranger.http.cookies.set("asked", walker.http.cookies["asked"])
    assert (await stranger.http.get("/code")).headers["location"] == "/"  # sealed for another browser
    await walker.send("/code", {"digits": digits})
    token = token_in(await walker.http.get("/record"))
    stranger.http.cookies.clear()
    stranger.http.cookies.set("session", "x" * 43)
    assert (await stranger.http.get("/record")).status_code == 401
    assert (await stranger.http.post("/record/confirm", data={"form_token": token})).status_code == 403


async def test_a_session_ends_by_itself(walker):
    await walker.prove(1)
    with clock.fixed(clock.now() + timedelta(minutes=21)):
        over = await walker.http.get("/record")
        assert over.status_code == 401
        assert "Bạn chưa đăng nhập" in over.text


async def test_too_many_asks_from_one_address(walker, service, monkeypatch):
    fewer = service.settings.model_copy(update={"holder_asks": 2})
    object.__setattr__(service, "settings", fewer)
    for status in (303, 303, 429):
        answer = await walker.send("/", walker.typed(1))
        assert answer.status_code == status
    assert "Bạn đã thử quá nhiều lần" in answer.text
    assert int(answer.headers["retry-after"]) > 0


async def test_a_number_with_what_cannot_be_seen_in_it(walker):
    typed = walker.typed(1)
    hidden = {"code": f"\u202e{typed['code']}\u200b", "number": "\ufeff".join(typed["number"])}
    assert (await walker.send("/", hidden)).status_code == 303


async def test_how_data_is_used(http):
    assert "cookie" in (await http.get("/privacy")).text
