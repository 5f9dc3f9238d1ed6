from __future__ import annotations

import re

import pytest

from simcheck.access.roles import Role
from simcheck.reasons import Reason
from simcheck.review.queue import PAGE
from tests.casework import checked_country, counted, scripts_in, text_of
from tests.desking import at_desk
from tests.holding import AN, acts, case_of, national
from tests.reviewing import many_cases, one_case

pytestmark = pytest.mark.anyio
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


async def test_from_the_queue_to_a_decision_and_on(reviewer, owner):
    first = one_case(owner, target_at="2026-11-30T00:00Z", reasons=Reason.DOB_TYPO.mask)
    second = one_case(owner)
    text = text_of((await reviewer.get("/desk/queue")).text)
    assert "2 hồ sơ" in text
    assert "Ngày sinh có thể gõ nhầm" in text
    taken = await reviewer.send("/desk/queue/next", {"queue": "acts=staff"})
    assert taken.headers["location"].startswith(f"/desk/cases/{first}?")
    fields = {"decision": "same_person", "reason": "spelling", "version": "1", "queue": "acts=staff"}
    decided = await reviewer.send(f"/desk/cases/{first}/decide", fields)
    assert decided.headers["location"].startswith(f"/desk/cases/{second}?")
    page = (await reviewer.get(decided.headers["location"])).text
    [undo] = re.findall(r'action="(/desk/decisions/[^"]+/undo)"', page)
    undone = await reviewer.send(undo)
    assert undone.headers["location"].startswith(f"/desk/cases/{first}?")
    assert "Đã hoàn tác" in (await reviewer.get(undone.headers["location"])).text
    listed = (await reviewer.get("/desk/queue")).text
    assert "đã hoàn tác" in listed
    assert "data-binds" not in listed


async def test_pages_there_and_back_a_count_that_stops_and_how_it_divides(reviewer, owner):
    many_cases(owner, 2_500)
    page = await reviewer.get("/desk/queue?carrier=viettel&acts=staff&sort=oldest")
    found = [re.findall(r'class="code" href="[^"]+">([^<]+)', page.text)]
    assert len(found[0]) == PAGE
    assert "Hơn 1.000 hồ sơ" in text_of((await reviewer.get("/desk/queue?open=yes")).text)
    after = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert after
    then = (await reviewer.get(after[1].replace("&amp;", "&"))).text
    found.append(re.findall(r'class="code" href="[^"]+">([^<]+)', then))
    assert not set(found[0]) & set(found[1])
    before = re.search(r'rel="prev" href="([^"]+)"', then)
    assert before
    back = (await reviewer.get(before[1].replace("&amp;", "&"))).text
    assert re.findall(r'class="code" href="[^"]+">([^<]+)', back) == found[0]
    facets = (await reviewer.get("/desk/queue/facets?acts=staff")).text
    [(href, cases)] = re.findall(r'<a href="([^"]+)">viettel</a> <span class="number">([\d.]+)<', facets)
    listed = text_of((await reviewer.get(href.replace("&amp;", "&"))).text)
    assert f" {cases} hồ sơ" in listed


async def test_a_list_that_is_none_and_one_that_is_empty(reviewer, owner):
    assert (await reviewer.get("/desk/queue?x=1")).status_code == 400
    assert (await reviewer.get("/desk/queue?at=x")).status_code == 400
    assert "Không có hồ sơ nào" in (await reviewer.get("/desk/queue")).text
    assert "Không có hồ sơ nào" in (await reviewer.get("/desk/queue/facets")).text
    hostile = await reviewer.get("/desk/queue", params={"carrier": SCRIPT})
    assert (hostile.status_code, scripts_in(hostile.text)) == (200, [])
    assert "&lt;script&gt;" in hostile.text


async def test_what_is_looked_for_stands_in_no_address_and_nothing_of_a_person_in_a_row(
    reviewer, service, owner, tmp_path
):
    case = await checked_country(service, owner, tmp_path)
    listed = (await reviewer.get("/desk/queue?open=yes")).text
    for personal in (AN.full_name, AN.id_number, str(national(1)), "Nguyễn Hữu Sai"):
        assert personal not in listed
    _, code = case_of(owner, service.keyring, 1)
    for typed in (f"0{national(1)}", f"+84 {national(1)}", AN.id_number, code):
        answer = await reviewer.send("/desk/queue/search", {"q": typed})
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/desk/cases/{case}?queue=acts%3Dstaff",
        )
    assert "case.searched" in acts(owner)
    none = await reviewer.send("/desk/queue/search", {"q": "0911222333"})
    assert "Không có hồ sơ nào" in none.text
    wrong = await reviewer.send("/desk/queue/search", {"q": SCRIPT})
    assert (wrong.status_code, scripts_in(wrong.text), "alert(1)" in wrong.text) == (422, [], False)
    one_case(owner, msisdn_token=service.keyring.token("msisdn", national(1)), carrier="mobifone")
    both = await reviewer.send("/desk/queue/search", {"q": f"0{national(1)}"})
    assert (both.status_code, "2 hồ sơ" in both.text, str(national(1)) in both.text) == (200, True, False)


async def test_passing_by_does_not_lead_back(reviewer, owner):
    cases = {str(one_case(owner)) for _ in range(3)}
    seen, leave = [], ""
    for _ in cases:
        answer = await reviewer.send("/desk/queue/next", {"leave": leave})
        leave = answer.headers["location"].split("/")[3].partition("?")[0]
        seen.append(leave)
    assert set(seen) == cases
    over = await reviewer.send("/desk/queue/next", {"leave": leave})
    assert over.headers["location"] == "/desk/queue?acts=staff"
    assert "ngoài những hồ sơ bạn đã bỏ qua" in (await reviewer.get("/desk/queue")).text
    assert owner.execute('SELECT count(claimed_by) FROM "case"').fetchone() == (0,)
    again = await reviewer.send("/desk/queue/next", {"leave": "x"})
    assert "/desk/cases/" in again.headers["location"]


async def test_two_reviewers_get_two_cases(app, reviewer, owner):
    for _ in range(2):
        one_case(owner)
    async with at_desk(app, Role.REVIEWER, name="lan") as other:
        found = {(await each.send("/desk/queue/next")).headers["location"] for each in (reviewer, other)}
        assert len(found) == 2
        assert (await other.send("/desk/queue/next")).headers["location"] in found  # her own


async def test_whoever_only_looks_is_offered_nothing_to_do(app, owner):
    case = one_case(owner)
    async with at_desk(app, Role.AUDITOR) as auditor:
        listed = (await auditor.get("/desk/queue")).text
        assert "/desk/queue/next" not in listed
        shown = (await auditor.get(f"/desk/cases/{case}")).text
    posts = set(re.findall(r'method="post" action="([^"]+)"', listed + shown))
    assert posts == {"/desk/sign-out", "/desk/queue/search", "/desk/queue/views"}


async def test_few_questions_are_asked_of_the_database(reviewer, service, owner):
    case = one_case(owner, target_at="2026-11-30T00:00Z")
    one_case(owner)
    await reviewer.get("/desk/queue")
    with counted(service) as asked:
        await reviewer.get("/desk/queue")
    assert len(asked) <= 7, asked  # session, page, count, views, carriers, late
    token = await reviewer.form_token()
    with counted(service) as asked:
        await reviewer.http.post("/desk/queue/next", data={"form_token": token})
    assert len(asked) <= 5, asked
    fields = {"form_token": token, "decision": "same_person", "reason": "spelling", "version": "1"}
    with counted(service) as asked:
        answer = await reviewer.http.post(f"/desk/cases/{case}/decide", data=fields)
    assert answer.status_code == 303
    assert len(asked) <= 16, asked
