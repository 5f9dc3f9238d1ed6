from __future__ import annotations

import re
import uuid

import pytest

from tests.holding import BINH, case_of, state_of

pytestmark = pytest.mark.anyio
RIGHT = {
    "id_number": BINH.id_number, "full_name": BINH.full_name, "day": "3", "month": "2", "year": "1988",
}  # fmt: skip


def form_id(page) -> str:
    return re.findall(r'name="form_id" value="([^"]+)"', page.text)[0]


async def sent_for_good(walker, fields) -> None:
    """Preview and send; the page of what came of it."""
    preview = await walker.send("/record/correct", fields)
    assert preview.status_code == 200, preview.text
    return await walker.send("/record", {**fields, "form_id": form_id(preview)}, "/record/correct/send")


async def test_it_agrees(walker):
    await walker.prove(1)
    preview = await walker.send("/record/correct", {**RIGHT, "full_name": "  lê  thị\u200b bình "})
    for shown in (BINH.id_number, "lê thị bình", "03/02/1988"):
        assert f"<dd>{shown}</dd>" in preview.text, shown
    answer = await sent_for_good(walker, RIGHT)
    assert answer.headers["location"] == "/record/done"
    assert "thông tin đã khớp" in (await walker.http.get("/record/done")).text
    case, _ = case_of(walker.owner, walker.service.keyring, 1)
    assert state_of(walker.owner, case) == ("closed", "corrected", "corrected")


async def test_it_does_not_agree_and_nobody_learns_why(walker):
    """Two corrections that are wrong in different cells get the same answer."""
    said = []
    for number, change in ((1, {"full_name": "Lê Thị Sai"}), (2, {"year": "1989"})):
        await walker.prove(number)
        await sent_for_good(walker, RIGHT | change)
        page = (await walker.http.get("/record/done")).text
        said.append(re.sub(r'value="[^"]+"', "", page))
        case, _ = case_of(walker.owner, walker.service.keyring, number)
        assert state_of(walker.owner, case)[0] == "with_staff"
    assert said[0] == said[1]
    assert "Thông tin bạn gửi chưa khớp" in said[0]


async def test_the_same_form_twice_is_one_correction(walker):
    await walker.prove(1)
    preview = await walker.send("/record/correct", RIGHT)
    fields = {**RIGHT, "form_id": form_id(preview)}
    for _ in range(2):
        answer = await walker.send("/record", fields, "/record/correct/send")
        assert answer.headers["location"] == "/record/done"
        assert "thông tin đã khớp" in (await walker.http.get("/record/done")).text
    assert walker.owner.execute("SELECT count(*) FROM correction").fetchone() == (1,)
    other = await walker.send("/record", {**RIGHT, "form_id": str(uuid.uuid4())}, "/record/correct/send")
    assert other.status_code == 409
    assert "Hồ sơ đã thay đổi" in other.text


async def test_a_form_of_another_case(walker, stranger):
    """What one holder sent cannot be sent by another one."""
    await walker.prove(1)
    preview = await walker.send("/record/correct", RIGHT)
    fields = {**RIGHT, "form_id": form_id(preview)}
    await walker.send("/record", fields, "/record/correct/send")
    await stranger.prove(4)
    assert (await stranger.send("/record", fields, "/record/correct/send")).status_code == 409


FAULTS = (
    ({"id_number": ""}, "id_number", "Ghi số căn cước."),
    ({"id_number": "12345"}, "id_number", "phải có 12 chữ số"),
    ({"full_name": ""}, "full_name", "Ghi họ và tên."),
    ({"full_name": "Lê <b>Bình</b> 2"}, "full_name", "chỉ có chữ"),
    ({"full_name": "Lê Thị Bình\r\nBcc: binh@example.vn"}, "full_name", "chỉ có chữ"),
    ({"full_name": "a" * 101}, "full_name", "dài nhất 100"),
    ({"day": "", "month": "", "year": ""}, "born", "Ghi ngày sinh."),
    ({"day": "31"}, "born", "Không có ngày này"),
    ({"day": "x"}, "born", "bằng số"),
)


async def test_faults(walker):
    """Each by its field, with what was typed still there and nothing of it as HTML."""
    await walker.prove(1)
    for change, field, words in FAULTS:
        answer = await walker.send("/record/correct", RIGHT | change)
        assert answer.status_code == 422, change
        assert words in re.findall(rf'id="{field}-fault">([^<]+)<', answer.text)[0]
        assert "<b>" not in answer.text
        assert RIGHT["month"] in answer.text
    assert walker.owner.execute("SELECT count(*) FROM correction").fetchone() == (0,)


async def test_too_many_tries(walker):
    await walker.prove(1)
    wrong = RIGHT | {"full_name": "Lê Thị Sai"}
    for _ in range(walker.service.settings.correction_tries):
        walker.owner.execute("""UPDATE "case" SET state = 'with_holder'""")
        assert (await sent_for_good(walker, wrong)).status_code == 303
    walker.owner.execute("""UPDATE "case" SET state = 'with_holder'""")
    assert (await sent_for_good(walker, RIGHT)).status_code == 429


async def test_going_back_to_change_something(walker):
    await walker.prove(1)
    form = await walker.send("/record/correct", {**RIGHT, "change": "1"})
    assert form.status_code == 200
    for value in RIGHT.values():
        assert f'value="{value}"' in form.text, value


async def test_a_form_that_was_not_ours(walker):
    await walker.prove(1)
    answer = await walker.send("/record", {**RIGHT, "form_id": "x"}, "/record/correct/send")
    assert answer.status_code == 400
