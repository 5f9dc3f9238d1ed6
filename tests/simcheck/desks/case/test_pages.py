from __future__ import annotations

import html
import re
import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from simcheck.holders import confirm, records
from simcheck.holders.models import Means
from tests.building import row
from tests.casework import checked_country, scripts_in, text_of
from tests.desking import at_desk
from tests.holding import AN, CHI, case_of, national
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio
SCRIPT = '"><script>alert(1)</script>'


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


async def test_both_records_masked_then_shown_for_a_purpose(reviewer, service, owner, tmp_path):
    case = await checked_country(service, owner, tmp_path)

    async def confirmed(session):
        its = await records.find(session, "viettel", service.keyring.token("msisdn", national(1)))
        await confirm.confirm(session, service, its, Means.SMS)

    await acting(service, "x", confirmed)
    page = (await reviewer.get(f"/desk/cases/{case}")).text
    known = await reviewer.get(html.unescape(re.search(r'data-load="([^"#]+)#known"', page)[1]))
    for personal in (AN.full_name, AN.id_number, str(national(1)), "Trần Văn Anh"):
        assert personal not in page + known.text
    text = text_of(page)
    assert "thừa từ vị trí 12 (•)" in text
    assert '<mark class="extra">•</mark>' in page
    assert "Họ tên" in text
    assert 'id="known"' in known.text
    assert "Xác nhận thông tin đúng (bằng tin nhắn)" in text_of(known.text)
    assert "+84******002" in text_of(known.text)  # the other SIM under the ID
    none = await reviewer.send(f"/desk/cases/{case}/show", {"purpose": "curious"})
    assert (none.status_code, 'id="purpose-fault"' in none.text) == (422, True)
    shown = (await reviewer.send(f"/desk/cases/{case}/show", {"purpose": "deciding"})).text
    for personal in (AN.id_number, f"+84{national(1)}", f"+84{national(2)}"):
        assert personal in shown
    assert "data-load" not in shown  # what is known stands there, in clear
    assert '<span class="letters">Trần Văn An<mark class="extra">h</mark></span>' in shown
    assert "•" not in text_of(shown)
    assert AN.id_number not in (await reviewer.get(f"/desk/cases/{case}")).text
    said = owner.execute("SELECT actor, detail FROM audit WHERE act = 'case.unmasked'").fetchall()
    assert said == [("person:reviewer", {"purpose": "deciding", "others": 1})]


async def test_script_in_every_cell_that_a_carrier_declares(reviewer, service, owner, tmp_path):
    hostile = row(9, CHI, **dict.fromkeys(("full_name", "date_of_birth", "gender", "id_type"), SCRIPT))
    await checked_country(service, owner, tmp_path, hostile)
    case, _ = case_of(owner, service.keyring, 9)
    for page in (
        await reviewer.get(f"/desk/cases/{case}"),
        await reviewer.get(f"/desk/cases/{case}/known"),
        await reviewer.send(f"/desk/cases/{case}/show", {"purpose": "deciding"}),
    ):
        assert (page.status_code, scripts_in(page.text)) == (200, [])
    assert "script" in page.text.partition('id="records"')[2].partition("</table>")[0]


async def test_taking_having_longer_and_giving_back(app, reviewer, owner):
    case = one_case(owner)
    page = f"/desk/cases/{case}"
    assert "data-lease" not in (await reviewer.get(page)).text
    taken = await reviewer.send(f"{page}/claim", {"queue": "carrier=viettel"})
    assert taken.headers["location"] == f"{page}?queue=carrier%3Dviettel"
    assert "data-lease" in (await reviewer.get(page)).text
    longer = await reviewer.send(f"{page}/renew")
    assert 890 <= longer.json()["seconds"] <= 900
    async with at_desk(app, Role.REVIEWER, name="lan") as lan, at_desk(app, Role.SUPERVISOR) as chief:
        assert "reviewer đang xử lý hồ sơ này" in text_of((await lan.get(page)).text)
        refused = await lan.send(f"{page}/claim")
        assert (refused.status_code, "Không nhận được hồ sơ" in refused.text) == (409, True)
        assert (await lan.send(f"{page}/claim", {"over": "yes"})).status_code == 403
        assert (await lan.send(f"{page}/renew")).status_code == 409
        assert (await chief.send(f"{page}/claim", {"over": "yes"})).status_code == 303
    assert (await reviewer.send(f"{page}/renew")).status_code == 409
    await reviewer.send(f"{page}/release")
    held = 'SELECT claimed_by FROM "case"'
    assert owner.execute(held).fetchone() == ("supervisor",)
    with clock.fixed(clock.now() + timedelta(minutes=16)):
        assert "Chưa ai nhận" in (await reviewer.get(page)).text


async def test_a_case_that_is_none_or_closed(reviewer, owner):
    for page in ("", "/known"):
        assert (await reviewer.get(f"/desk/cases/{uuid.uuid4()}{page}")).status_code == 404
    assert (await reviewer.get("/desk/cases/x")).status_code == 400
    closed = one_case(owner, state="closed", acts="carrier", closed_at="2026-11-02T00:00Z",
                      close_reason="agrees")  # fmt: skip
    page = (await reviewer.get(f"/desk/cases/{closed}")).text
    assert "Hồ sơ đã đóng: bản ghi đã khớp" in page
    assert "/decide" not in page
    assert (await reviewer.send(f"/desk/cases/{closed}/claim")).status_code == 409
    assert (await reviewer.get(f"/desk/cases/{closed}?queue=x")).status_code == 400
