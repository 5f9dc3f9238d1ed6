"""A carrier's people see what their subscribers object to, and object for them."""

from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.enforcement.stops import appeals
from tests.holding import national, sent
from tests.ordering import NOON, a_policy, let_be_due

pytestmark = pytest.mark.anyio
PAGE = "/portal/appeals"


@pytest.fixture
async def due(service, owner, checked) -> None:
    """Two of viettel's numbers are about to be suspended."""
    with clock.fixed(NOON):
        await a_policy(service)
    let_be_due(owner, service.keyring, [1, 2])


async def test_an_appeal_is_made_for_whoever_came_to_a_shop_and_followed(
    manager, stranger, due, service, owner
):
    assert "Không có khiếu nại nào" in (await manager.get(PAGE)).text
    form = {"msisdn": f"0{national(1)}", "words": "<b>Của tôi</b>", "told_in": "en"}
    done = await manager.send(PAGE, form)
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    page = (await manager.get(PAGE)).text
    for words in (
        "K-000001",
        f"******{national(1) % 1000:03}",
        "Người của nhà mạng",
        "Chờ trả lời",
        "Khóa một chiều",
    ):
        assert words in page
    assert f"{national(1)}" not in page
    assert "K-000001" not in (await stranger.get(PAGE)).text
    async with service.database.transaction("person:chi", ministry=True) as session:
        [made] = await appeals.page(session)
        assert (made.means, made.language, appeals.shown(made.number)) == ("portal", "en", "K-000001")
        assert appeals.written(session, service.keyring, made) == "<b>Của tôi</b>"
        asked = await appeals.to_tell(session, service, made.id)
    to = await appeals.reach(service, asked)
    async with service.database.transaction("person:chi", ministry=True) as session:
        await appeals.decide(session, service, made.id, to, "not_proved")
    assert "K-000001" not in (await manager.get(PAGE)).text
    page = (await manager.get(f"{PAGE}?show=decided&lang=en")).text
    assert "nothing proves what was said" in page
    assert "is rejected" in sent(owner, service.keyring)[-1].text


async def test_what_cannot_be_appealed_is_said_beside_the_field(manager, stranger, uploader, due, service):
    for number, status, words in (
        ("1", 422, "số di động Việt Nam"), (f"0{national(3)}", 409, "Chưa có lệnh nào về số này"),
        (f"0{national(9)}", 404, "không khai báo số này"),
    ):  # fmt: skip
        answer = await manager.send(PAGE, {"msisdn": number, "words": "<i>"})
        assert (answer.status_code, words in answer.text, "&lt;i&gt;" in answer.text) == (status, True, True)
    assert (await stranger.send(PAGE, {"msisdn": f"0{national(1)}"})).status_code == 404
    assert (await uploader.get(PAGE)).status_code == 403
    async with service.database.transaction("test", ministry=True) as session:
        assert await appeals.page(session) == []
