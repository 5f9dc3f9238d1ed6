from __future__ import annotations

import re
from dataclasses import replace

import pytest

from jobs import bulk as jobs
from simcheck.access.roles import Role
from simcheck.review import bulk
from tests.desking import at_desk
from tests.reviewing import one_case

pytestmark = pytest.mark.anyio
WISH = {"filter": "carrier=viettel", "choice": "suspend.no_answer", "note": "Ông A <b>không</b> trả lời"}


@pytest.fixture
async def desk(app):
    async with at_desk(app, Role.SUPERVISOR) as made:
        yield made


@pytest.fixture
async def other(app):
    async with at_desk(app, Role.SUPERVISOR, name="binh") as made:
        yield made


async def drafted(desk, **more):
    answer = await desk.send("/desk/bulk/new", WISH | more)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_from_a_filter_to_its_end(app, desk, other, owner):
    for _ in range(3):
        one_case(owner)
    one_case(owner, carrier="mobifone")
    page = await desk.get("/desk/bulk/new?carrier=viettel&state=with_staff&sort=oldest")
    assert "Nhà mạng" in page.text
    assert re.search(r'class="value">3<', page.text)
    at = await drafted(desk)
    page = await desk.get(at)
    assert "Chạy thử" in page.text
    assert "&lt;b&gt;" in page.text
    assert page.text.count("/desk/case/") == 3
    assert "/approve" not in page.text
    assert (await desk.send(f"{at}/propose")).headers["location"] == at
    assert "người khác phải duyệt" in (await desk.get(at)).text
    refused = await desk.send(f"{at}/approve")
    assert refused.status_code == 403
    assert "Bạn không thể duyệt" in refused.text
    assert f"{at}/approve" in (await other.get(at)).text
    assert (await other.send(f"{at}/approve")).status_code == 303
    await jobs.batch(app.state.service, at.rpartition("/")[2])
    page = await other.get(f"{at}?lang=en")
    assert "What became of them so far" in page.text
    assert "100%" in page.text
    assert (await other.send(f"{at}/stop")).status_code == 409
    assert owner.execute("SELECT count(*) FROM \"case\" WHERE state = 'suspension'").fetchone() == (3,)


async def test_refused_withdrawn_and_the_list(desk, other, owner):
    one_case(owner)
    assert "Chưa có đề xuất nào" in (await desk.get("/desk/bulk")).text
    at = await drafted(desk)
    await desk.send(f"{at}/propose")
    assert at in (await other.get("/desk/bulk?show=waiting")).text
    assert (await other.send(f"{at}/refuse", {"why": "nonsense"})).status_code == 400
    await other.send(f"{at}/refuse", {"why": "too_broad"})
    assert "Bộ lọc quá rộng" in (await desk.get(at)).text
    gone = await drafted(desk, choice="close.duplicate")
    await desk.send(f"{gone}/withdraw")
    page = (await desk.get("/desk/bulk")).text
    assert "Đã rút" in page
    assert "Bị từ chối" in page
    assert "Danh sách hồ sơ không được giữ lại" in (await desk.get(gone)).text


async def test_what_cannot_be_is_told_beside_the_form(app, desk, owner, monkeypatch):
    empty = await desk.get("/desk/bulk/new?carrier=viettel")
    assert "Không có hồ sơ mở" in empty.text
    one_case(owner)
    for wrong in ({"choice": ""}, {"choice": "dispute.both_claim"}, {"choice": "close.spelling"}):
        answer = await desk.send("/desk/bulk/new", WISH | wrong)
        assert answer.status_code == 422
        assert "Hãy chọn quyết định" in answer.text
    assert (await desk.get("/desk/bulk/new?nonsense=1")).status_code == 400
    assert (await desk.send("/desk/bulk/new", WISH | {"filter": "nonsense=1"})).status_code == 400
    assert (await desk.send("/desk/bulk/new", WISH | {"filter": "carrier=itel"})).status_code == 422
    one_case(owner)
    held = app.state.service
    few = held.settings.model_copy(update={"bulk_cap": 1})
    monkeypatch.setattr(app.state, "service", replace(held, settings=few))
    assert "Quá nhiều hồ sơ" in (await desk.get("/desk/bulk/new?carrier=viettel")).text


async def test_a_long_list_goes_on(desk, owner, monkeypatch):
    one_case(owner)
    at = [await drafted(desk) for _ in range(2)]
    monkeypatch.setattr(bulk, "PAGE", 1)
    page = (await desk.get("/desk/bulk")).text
    assert at[1] in page
    following = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert at[0] in (await desk.get(following)).text
