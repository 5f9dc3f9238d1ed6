from __future__ import annotations

import pytest

from tests.holding import acts, case_of, state_of

pytestmark = pytest.mark.anyio


async def test_what_is_registered_is_shown_masked_and_the_look_audited(walker):
    await walker.prove(1)
    text = (await walker.http.get("/record")).text
    for shown in ("+84******001", "N. H. S.", "VIETTEL", "1988", "Họ tên chưa khớp", "Sửa thông tin"):
        assert shown in text, shown
    for hidden in ("Nguyễn Hữu Sai", "Lê Thị Bình", "900000001"):
        assert hidden not in text, hidden
    assert "record.shown" in acts(walker.owner)


async def test_it_is_right(walker):
    await walker.prove(1)
    answer = await walker.send("/record", {}, "/record/confirm")
    assert answer.headers["location"] == "/record/done"
    assert "Đã ghi nhận xác nhận của bạn" in (await walker.http.get("/record/done")).text
    assert walker.owner.execute("SELECT means FROM confirmation").fetchall() == [("page",)]
    assert (await walker.send("/record", {}, "/record/confirm")).status_code == 303  # again: no harm


async def test_it_is_not_mine(walker):
    await walker.prove(1)
    answer = await walker.send("/record/not-mine", {})
    assert answer.headers["location"] == "/record/done"
    assert "không phải số của bạn" in (await walker.http.get("/record/done")).text
    case, _ = case_of(walker.owner, walker.service.keyring, 1)
    assert state_of(walker.owner, case)[0] == "disowned"
    record = (await walker.http.get("/record")).text
    assert "/record/not-mine" not in record
    assert "/record/correct" not in record
    assert (await walker.http.get("/record/correct")).headers["location"] == "/record"


async def test_what_was_done_is_said_to_whom_it_was_done_by_alone(walker, stranger):
    assert (await walker.http.get("/record/done")).status_code == 401
    await walker.prove(1)
    assert (await walker.http.get("/record/done")).headers["location"] == "/record"
    await walker.send("/record", {}, "/record/confirm")
    noted = walker.http.cookies["noted"]
    await stranger.prove(4)
    stranger.http.cookies.set("noted", noted)
    assert (await stranger.http.get("/record/done")).headers["location"] == "/record"


async def test_a_number_that_the_carrier_declares_no_more(walker):
    await walker.prove(1)
    walker.owner.execute("DELETE FROM subscription")
    gone = await walker.http.get("/record")
    assert gone.status_code == 404
    assert "không còn khai báo số này" in gone.text


async def test_in_english(walker):
    walker.prefix = "/en"
    await walker.prove(1)
    text = (await walker.http.get("/en/record")).text
    assert "The name does not agree with the ID." in text
    assert 'href="/en/record/correct"' in text
    codes = walker.owner.execute("SELECT language FROM message WHERE kind = 'code'").fetchall()
    assert codes == [("en",)]
