from __future__ import annotations

import re
import uuid

import pytest

from tests.receiving import receiving
from tests.running import work

pytestmark = pytest.mark.anyio
PAGE = "/portal/systems/webhooks"
NEW = {"url": "https://carrier.example/a?b=<i>", "event-batch.done": "yes"}


@pytest.fixture
async def address(manager, owner):
    """The id of a new address."""
    answer = await manager.send(PAGE, NEW)
    assert re.search(r"<dd>whsec_[\w+/=]+</dd>", answer.text)
    return owner.execute("SELECT id FROM webhook").fetchone()[0]


async def test_before_the_first_address_the_page_says_what_to_do(manager):
    assert "Chưa có địa chỉ nào" in (await manager.get(PAGE)).text


async def test_an_address_is_added_and_removed(manager, address, owner):
    page = (await manager.get(PAGE)).text
    assert f'href="{PAGE}/{address}"' in page
    assert "<i>" not in page
    assert "whsec_" not in page
    assert "Chưa gửi gì" in (await manager.get(f"{PAGE}/{address}")).text
    assert (await manager.send(f"{PAGE}/{address}/remove")).status_code == 303
    assert owner.execute("SELECT count(*) FROM webhook").fetchone() == (0,)


async def test_an_address_is_tried_and_the_page_tells_how_it_went(manager, service, monkeypatch):
    monkeypatch.setitem(service.settings.__dict__, "webhooks_private", True)
    with receiving() as receiver:
        made = await manager.send(PAGE, NEW | {"url": receiver.url})
        place = re.search(rf'href="({PAGE}/[0-9a-f-]+)"', made.text)[1]
        receiver.answers.append(410)
        for state, status in (("Thôi không gửi", "410"), ("Đã nhận", "204")):
            assert (await manager.send(f"{place}/try")).headers["location"] == place
            await work(service)
            page = (await manager.get(place)).text
            assert f"<td>{status}</td>" in page
            assert state in page
        assert [b"webhook.test" in body for _, body in receiver.came] == [True, True]


async def test_wrong_addresses_are_told(manager, owner):
    for changed, words in (
        ({"url": "http://carrier.example/"}, "Địa chỉ phải là https://"),
        ({"url": "https://127.0.0.1/"}, "Địa chỉ phải là https://"),
        ({"url": "javascript:alert(1)"}, "Địa chỉ phải là https://"),
        ({"event-batch.done": ""}, "Hãy chọn ít nhất một sự kiện"),
    ):
        answer = await manager.send(PAGE, NEW | changed)
        assert (answer.status_code, words in answer.text) == (422, True), changed
    assert owner.execute("SELECT count(*) FROM webhook").fetchone() == (0,)


async def test_another_carriers_address_is_not_there(manager, stranger, address, owner):
    for there in (address, uuid.uuid4()):
        assert (await stranger.get(f"{PAGE}/{there}")).status_code == 404
        for act in ("try", "remove"):
            assert (await stranger.send(f"{PAGE}/{there}/{act}")).status_code == 404
    assert (await manager.http.post(f"{PAGE}/{address}/remove", data={"a": "b"})).status_code == 403
    assert owner.execute("SELECT count(*) FROM webhook").fetchone() == (1,)
