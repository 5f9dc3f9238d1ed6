from __future__ import annotations

import html
import uuid

import pytest

from simcheck.access.roles import Role
from simcheck.cases import history
from simcheck.desks.portal import cases
from simcheck.reasons import Reason, Verdict
from tests import publishing
from tests.desking import at_desk
from tests.holding import state_of
from tests.publishing import Sim

pytestmark = pytest.mark.anyio
PAGE = "/portal/cases"
SCRIPT = "</textarea><script>alert('x')</script>"


@pytest.fixture
async def ids(service, owner):
    """Cases by what they are: `ours` waits for viettel, `holders` for its holder, `theirs` is mobifone's."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now()), ('mobifone', now()) ON CONFLICT DO NOTHING")
    await publishing.run(
        service, Sim("ours", Verdict.VARIANT, (Reason.NAME_DIACRITICS,), contract="K", row=7),
        Sim("holders", contract="K", row=8), Sim("theirs", carrier="mobifone"),
    )  # fmt: skip
    rows = owner.execute('SELECT msisdn_token, id FROM "case"').fetchall()
    names = {publishing.token(name): name for name in ("ours", "holders", "theirs")}
    return {names[token]: case for token, case in rows}


async def move(desk, case, name="answered", reason="record_right", version="1", **more):
    fields = {"move": name, "reason": reason, "version": version, **more}
    return await desk.send(f"{PAGE}/{case}/moves", fields)


async def test_without_a_case_the_page_says_so(manager):
    assert "Không có vụ việc nào chờ nhà mạng" in (await manager.get(PAGE)).text
    assert "Không có vụ việc nào" in (await manager.get(f"{PAGE}?show=closed")).text


async def test_lists_hold_what_they_say(manager, ids):
    waiting, opened = (await manager.get(PAGE)).text, (await manager.get(f"{PAGE}?show=open")).text
    assert [str(ids[each]) in waiting for each in ("ours", "holders", "theirs")] == [True, False, False]
    assert [str(ids[each]) in opened for each in ("ours", "holders", "theirs")] == [True, True, False]
    assert "Khớp, khác cách ghi" in waiting
    assert "Không có vụ việc nào" in (await manager.get(f"{PAGE}?show=closed")).text


async def test_pages_follow_one_another(manager, ids, monkeypatch):
    monkeypatch.setattr(cases, "PAGE", 1)
    first = (await manager.get(f"{PAGE}?show=open")).text
    second = (await manager.get(html.unescape(first.split('rel="next" href="')[1].split('"')[0]))).text
    assert {str(ids[each]) in first for each in ("ours", "holders")} == {True, False}
    assert {str(ids[each]) in second for each in ("ours", "holders")} == {True, False}


async def test_a_number_is_searched_for_and_stands_in_no_address(manager, service, checked):
    found = await manager.send(PAGE, {"number": "0900 000 001"})
    assert found.text.count("data-row") == 1
    assert "900000001" not in found.text
    assert "không có vụ việc" in (await manager.send(PAGE, {"number": "0900 000 099"})).text
    wrong = await manager.send(PAGE, {"number": SCRIPT[:40]})
    assert (wrong.status_code, "Không đọc được số di động" in wrong.text) == (422, True)
    assert "<script>alert" not in wrong.text


async def test_a_case_shows_what_it_lacks_and_who_is_beside(manager, ids):
    page = (await manager.get(f"{PAGE}/{ids['ours']}?lang=en")).text
    assert "The name has lost its marks" in page
    assert "row 7" in page
    assert f"{PAGE}/{ids['holders']}" in page
    assert "Send the answer" in page
    theirs = (await manager.get(f"{PAGE}/{ids['holders']}")).text
    assert "Send the answer" not in theirs  # the holder has it; evidence may be added at any time
    assert "Add evidence" in theirs


async def test_an_answer_moves_the_case(manager, ids, owner, service):
    answer = await move(manager, ids["ours"], note=SCRIPT)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}/{ids['ours']}")
    assert state_of(owner, ids["ours"])[0] == "with_staff"
    page = (await manager.get(answer.headers["location"])).text
    assert "Hồ sơ đúng với giấy tờ gốc" in page
    assert "Có ghi chú kèm theo" in page
    assert "<script>alert" not in page
    async with service.database.transaction("test", ministry=True) as session:
        [kept] = await history.evidence(session, service.keyring, ids["ours"])
    assert (kept.actor, kept.content.decode()) == ("person:manager-viettel", SCRIPT)


async def test_how_staff_share_their_work_is_not_told(manager, ids, owner):
    for move, reason in (("assigned", "to_an"), ("ask_carrier", "record_unclear"), ("take", "a_word")):
        owner.execute(
            "INSERT INTO case_event (case_id, carrier, at, actor, move, to_state, reason) "
            "VALUES (%s, 'viettel', now(), 'person:boss', %s, 'with_carrier', %s)",
            [ids["ours"], move, reason],
        )  # fmt: skip
    page = (await manager.get(f"{PAGE}/{ids['ours']}")).text
    assert "to_an" not in page
    assert "boss" not in page
    assert "Lý do: Thông tin đăng ký không rõ." in page
    assert "Lý do: a_word." in page


async def test_the_holder_is_asked_and_evidence_added(manager, ids, owner):
    assert (await move(manager, ids["ours"], "ask_holder", "holder_must_confirm")).status_code == 303
    assert state_of(owner, ids["ours"])[0] == "with_holder"
    assert (await move(manager, ids["ours"], "evidence", "contract", "2", note="Số 12")).status_code == 303
    page = (await manager.get(f"{PAGE}/{ids['ours']}")).text
    assert "Thêm chứng cứ" in page


async def test_what_changed_meanwhile_is_not_overwritten(manager, ids, owner):
    await move(manager, ids["ours"], "evidence", "contract", note="Số 12")
    stale = await move(manager, ids["ours"], note=SCRIPT)
    assert (stale.status_code, "chưa có gì bị ghi đè" in stale.text) == (409, True)
    assert html.escape(SCRIPT, quote=False).replace("'", "&#39;") in stale.text
    assert "<script>alert" not in stale.text
    assert state_of(owner, ids["ours"])[0] == "with_carrier"


async def test_words_that_are_not_ours_move_nothing(manager, ids, owner):
    for wrong in (
        {"reason": ""}, {"reason": "contract"}, {"name": "same_person"}, {"version": "x"}, {"side": "<b>"},
        {"name": "evidence", "reason": "contract"},
    ):  # fmt: skip
        assert (await move(manager, ids["ours"], **wrong)).status_code == 422, wrong
    forged = await manager.http.post(f"{PAGE}/{ids['ours']}/moves", data={"move": "answered"})
    assert forged.status_code == 403
    assert state_of(owner, ids["ours"])[0] == "with_carrier"


async def test_another_carriers_case_is_not_there(manager, app, ids, owner):
    for case in (ids["theirs"], uuid.uuid4()):
        assert (await manager.get(f"{PAGE}/{case}")).status_code == 404
        assert (await move(manager, case)).status_code == 404
    async with at_desk(app, Role.UPLOADER) as uploader:
        assert (await uploader.get(f"{PAGE}/{ids['ours']}")).status_code == 403
