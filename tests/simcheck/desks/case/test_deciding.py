from __future__ import annotations

import re
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from simcheck.cases.decide import Wanted
from simcheck.cases.decide import decide as make_move
from simcheck.cases.states import State, Who
from simcheck.desks.case.forms import Typed, offers
from simcheck.desks.frame.pages import WORDS
from simcheck.desks.queue.told import Told
from simcheck.messages.words import Language
from simcheck.review import words
from tests.casework import scripts_in, text_of
from tests.desking import at_desk
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio
NOTE = '</textarea><script>alert("Ông A")</script>'
FIELDS = {"decision": "not_the_holder", "reason": "another_person", "version": "1", "note": NOTE}


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


@pytest.fixture
async def case(reviewer, owner):
    made = one_case(owner)
    await reviewer.send(f"/desk/cases/{made}/claim")
    return made


def pending(owner) -> list[str]:
    return [each for (each,) in owner.execute("SELECT decision FROM desk_decision WHERE state = 'pending'")]


def is_kept(page) -> None:
    """What was typed stands in its form, which is open, and nothing of it is a script."""
    form = page.text.partition('name="decision" value="not_the_holder"')[2].partition("</form>")[0]
    assert re.search(r'value="another_person"[^>]* checked', form)
    assert "&lt;/textarea&gt;&lt;script&gt;" in form
    assert scripts_in(page.text) == []


async def test_every_decision_that_a_case_allows_is_offered_under_a_key_of_its_own(reviewer, case):
    page = (await reviewer.get(f"/desk/cases/{case}")).text
    keys = re.findall(r'data-key="(.)"', page)
    digits = [key for key in keys if key.isdigit()]
    assert len(digits) == len(set(digits)) == len(words.decisions()) - 1  # nothing is on hold to be released
    letters = set(keys) - set(digits)
    assert all(set(keys) >= {"s", "n", "l", "h", "z", "e"} - {"s"} for _ in letters)
    told = Told.now(WORDS[Language.EN])
    for state in State:

        class At:
            held = state is State.DISPUTED

        At.state = state.value
        found = offers(told, At, Typed(), {})
        assert len({each.key for each in found}) == len(found)
        for each in found:
            keys = re.findall(r'data-key="(.)"', each.inside)
            assert len(keys) == len(words.decisions()[each.code].reasons), each
            assert not set(keys) & set("sntrlhzegxufvjk/?")


async def test_a_reason_has_to_be_chosen(reviewer, case, owner):
    for reason in ("", "spelling", "x"):
        answer = await reviewer.send(f"/desk/cases/{case}/decide", FIELDS | {"reason": reason})
        assert (answer.status_code, "Hãy chọn một lý do" in answer.text) == (422, True)
        assert "&lt;/textarea&gt;" in answer.text
    assert pending(owner) == []


@pytest.mark.parametrize(
    "forged",
    [{"decision": "x"}, {"decision": ""}, {"version": ""}, {"version": "-1"}, {"version": "9" * 30},
     {"queue": "x=1"}, {"note": "x" * 3000}, {"form_token": "x"}],
)  # fmt: skip
async def test_a_forged_form_does_nothing(reviewer, case, owner, forged):
    answer = await reviewer.send(f"/desk/cases/{case}/decide", FIELDS | forged)
    assert answer.status_code in {400, 403}
    assert pending(owner) == []


async def test_a_form_from_elsewhere_does_nothing(reviewer, case, owner):
    for path in ("decide", "claim", "show", "release"):
        answer = await reviewer.send(f"/desk/cases/{case}/{path}", FIELDS,
                                     headers={"Sec-Fetch-Site": "cross-site"})  # fmt: skip
        assert answer.status_code == 403
    assert pending(owner) == []


async def test_a_stale_case_is_told_and_offered_anew_with_what_was_typed(reviewer, service, case, owner):
    wanted = Wanted("ask_carrier", Who.STAFF, "record_unclear")
    week = timedelta(days=7)
    await acting(service, "lan", lambda s: make_move(s, service.keyring, case, wanted, referral=week))
    answer = await reviewer.send(f"/desk/cases/{case}/decide", FIELDS)
    assert answer.status_code == 409
    text = text_of(answer.text)
    assert "Hồ sơ đã thay đổi từ khi bạn mở" in text
    assert "lan hỏi nhà mạng (Thông tin đăng ký không rõ)" in text
    is_kept(answer)
    assert pending(owner) == []
    again = await reviewer.send(f"/desk/cases/{case}/decide", FIELDS | {"version": "2"})
    assert again.status_code == 303
    assert pending(owner) == ["not_the_holder"]


async def test_a_lease_that_ran_out_is_told_and_taken_again_with_what_was_typed(reviewer, case, owner):
    with clock.fixed(clock.now() + timedelta(minutes=16)):
        answer = await reviewer.send(f"/desk/cases/{case}/decide", FIELDS)
        assert (answer.status_code, "Thời gian giữ đã hết" in answer.text) == (409, True)
        hidden = dict(
            re.findall(r'name="(act|reason|note)" value="([^"]*)"', answer.text.partition("/claim")[2])
        )
        assert hidden["act"] == "not_the_holder"
        kept = {"act": "not_the_holder", "reason": "another_person", "note": NOTE}
        taken = await reviewer.send(f"/desk/cases/{case}/claim", kept)
        assert taken.status_code == 200
        is_kept(taken)
        assert (await reviewer.send(f"/desk/cases/{case}/decide", FIELDS)).status_code == 303
    assert pending(owner) == ["not_the_holder"]


async def test_of_two_reviewers_one_decides_and_the_other_is_told(app, reviewer, case, owner):
    with clock.fixed(clock.now() + timedelta(minutes=16)):
        async with at_desk(app, Role.REVIEWER, name="lan") as lan:
            assert (await lan.send(f"/desk/cases/{case}/claim")).status_code == 303
            answer = await reviewer.send(f"/desk/cases/{case}/decide", FIELDS)
            assert (answer.status_code, "lan đang xử lý hồ sơ này" in answer.text) == (409, True)
            assert (await lan.send(f"/desk/cases/{case}/decide", FIELDS)).status_code == 303
            twice = await lan.send(f"/desk/cases/{case}/decide", FIELDS)
            assert "Một quyết định khác đang chờ có hiệu lực" in twice.text
            page = (await lan.get("/desk/queue")).text
            [undo] = re.findall(r'action="(/desk/decisions/[^"]+/undo)"', page)
            assert (await reviewer.send(undo)).status_code == 404
            assert (await lan.send(undo)).status_code == 303
            late = await lan.send(undo)
            assert (late.status_code, "Không hoàn tác được nữa" in late.text) == (409, True)
    assert pending(owner) == []


async def test_a_dispute_is_decided_when_both_sides_were_heard(reviewer, owner):
    case = one_case(owner, state="disputed")
    await reviewer.send(f"/desk/cases/{case}/claim")
    fields = {"decision": "same_person", "reason": "papers_seen"}
    early = await reviewer.send(f"/desk/cases/{case}/decide", fields | {"version": "1"})
    assert (early.status_code, "Hãy ghi chứng cứ của cả hai bên" in early.text) == (409, True)
    nothing = await reviewer.send(f"/desk/cases/{case}/evidence", {"side": "recorded"})
    assert (nothing.status_code, 'id="evidence-fault"' in nothing.text) == (422, True)
    for side in ("recorded", "other"):
        heard = await reviewer.send(f"/desk/cases/{case}/evidence", {"side": side, "note": NOTE})
        assert heard.status_code == 303
    shown = await reviewer.send(f"/desk/cases/{case}/show", {"purpose": "deciding"})
    assert scripts_in(shown.text) == []
    decided = await reviewer.send(f"/desk/cases/{case}/decide", fields | {"version": "3"})
    assert decided.status_code == 303
