from __future__ import annotations

import html
import re

import pytest

from simcheck.access.roles import Role
from tests.casework import scripts_in
from tests.desking import at_desk
from tests.reviewing import one_case

pytestmark = pytest.mark.anyio
NOTE = "<script>alert(1)</script> đã gọi hai lần"


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


@pytest.fixture
async def case(reviewer, owner):
    made = one_case(owner)
    await reviewer.send(f"/desk/cases/{made}/claim")
    return made


def row(owner, case):
    [found] = owner.execute('SELECT to_jsonb("case") FROM "case" WHERE id = %s', [case]).fetchone()
    return found


async def test_a_case_is_handed_over_with_a_note_that_is_read_when_it_is_shown(app, reviewer, case, owner):
    async with at_desk(app, Role.REVIEWER, name="lan") as lan:
        page = f"/desk/cases/{case}"
        opened = (await reviewer.get(page)).text
        assert '<option value="lan">' not in opened  # nobody is asked for them before
        form = await reviewer.get(html.unescape(re.search(r'data-load="([^"#]+)#hand_over"', opened)[1]))
        assert '<option value="lan">' in form.text.partition('id="hand_over"')[2]
        assert 'id="assign"' not in form.text
        assert 'id="hand_over"' not in (await lan.get(f"{page}/give")).text  # it is not theirs to give
        for lacking in ({"to": "lan"}, {"note": NOTE}):
            answer = await reviewer.send(f"{page}/hand-over", lacking)
            assert (answer.status_code, 'id="hand_over-fault"' in answer.text) == (422, True)
            assert '<option value="lan"' in answer.text  # the form stands there, with what was typed
        nobody = await reviewer.send(f"{page}/hand-over", {"to": "nobody", "note": NOTE})
        assert nobody.status_code == 400
        given = await reviewer.send(f"{page}/hand-over", {"to": "lan", "note": NOTE, "queue": "acts=staff"})
        assert given.headers["location"] == "/desk/queue?acts=staff"
        assert (row(owner, case)["assignee"], row(owner, case)["claimed_by"]) == ("lan", None)
        assert "hai lần" not in (await lan.get(page)).text
        shown = (await lan.send(f"{page}/show", {"purpose": "deciding"})).text
        assert "đã gọi hai lần</blockquote>" in shown
        assert scripts_in(shown) == []


async def test_a_case_is_put_off_and_woken(reviewer, case, owner):
    page = f"/desk/cases/{case}"
    for wrong in ({"days": "1"}, {"days": "9", "reason": "waiting_for_papers"}):
        assert (await reviewer.send(f"{page}/snooze", wrong)).status_code == 422
    asked = {"days": "3", "reason": "waiting_for_papers"}
    assert (await reviewer.send(f"{page}/snooze", asked)).status_code == 303
    assert "T01:00:00" in row(owner, case)["snoozed_until"]  # eight in the morning
    assert "Thôi hoãn" in (await reviewer.get(page)).text
    await reviewer.send(f"{page}/wake")
    assert row(owner, case)["snoozed_until"] is None


async def test_a_case_goes_to_the_supervisors_and_comes_back(app, reviewer, case, owner):
    page = f"/desk/cases/{case}"
    assert (await reviewer.send(f"{page}/escalate")).status_code == 422
    await reviewer.send(f"{page}/escalate", {"reason": "unclear_rule", "note": NOTE})
    assert row(owner, case)["escalated"]
    assert (await reviewer.send(f"{page}/calm")).status_code == 403
    async with at_desk(app, Role.SUPERVISOR) as chief:
        assert str(case) in (await chief.get("/desk/queue?escalated=yes")).text
        await chief.send(f"{page}/calm")
        assert not row(owner, case)["escalated"]
        await chief.send(f"{page}/assign", {"to": "reviewer"})
        assert row(owner, case)["assignee"] == "reviewer"
        assert str(case) in (await reviewer.get("/desk/queue?assigned=me")).text
        assert (await chief.send(f"{page}/assign", {"to": "nobody"})).status_code == 400
        await chief.send(f"{page}/assign", {"to": ""})
    assert row(owner, case)["assignee"] is None


async def test_nothing_of_it_without_having_the_case(app, case, owner):
    asked = {
        "hand-over": {"to": "reviewer", "note": NOTE},
        "snooze": {"days": "1", "reason": "waiting_for_papers"},
        "escalate": {"reason": "unclear_rule"},
    }  # fmt: skip
    async with at_desk(app, Role.REVIEWER, name="lan") as lan:
        for path, fields in asked.items():
            answer = await lan.send(f"/desk/cases/{case}/{path}", fields)
            assert (answer.status_code, "reviewer đang xử lý" in answer.text) == (409, True)
    assert row(owner, case)["claimed_by"] == "reviewer"
