"""From what is due to an order that was sent, at the desks: proposed by one, approved by another, braked."""

from __future__ import annotations

import re

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.ordering import NOON, a_wrong_country, batches, let_be_due, rows, sent, states

pytestmark = pytest.mark.anyio


@pytest.fixture
def noon():
    with clock.fixed(NOON):
        yield


async def test_from_due_to_sent(app, service, owner, tmp_path, noon):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2])
    owner.execute('UPDATE "case" SET held = true WHERE id = (SELECT case_id FROM clock LIMIT 1)')
    async with (
        at_desk(app, Role.SUPERVISOR) as desk, at_desk(app, Role.SUPERVISOR, name="binh") as other,
        at_desk(app, Role.AUDITOR) as auditor,
    ):  # fmt: skip
        assert "Không có lệnh nào ở đây" in (await desk.get("/desk/orders")).text
        page = await auditor.get("/desk/orders/due?lang=en")
        assert "The case is on hold" in page.text
        assert "One-way suspension" in page.text
        owner.execute('UPDATE "case" SET held = false')
        assert (await auditor.send("/desk/orders/propose")).status_code == 403
        assert (await desk.send("/desk/orders/propose")).status_code == 303
        assert "Đã đề xuất 2 dòng" in (await desk.get("/desk/orders")).text
        [order] = batches(owner)
        at = f"/desk/orders/{order.id}"
        page = await desk.get(at)
        assert "người khác phải duyệt" in page.text
        assert f"{at}/approve" not in page.text
        assert page.text.count("/desk/case/") == 2
        assert (await desk.send(f"{at}/approve", {"lines": "2"})).status_code == 403
        assert f"{at}/approve" in (await other.get(at)).text
        assert (await other.send(f"{at}/approve", {"lines": "1"})).status_code == 409
        assert (await other.send(f"{at}/approve", {"lines": "2"})).status_code == 303
        assert "Đã duyệt, chờ gửi" in (await other.get(at)).text
        await sent(service)
        assert "Sent, not acknowledged" in (await auditor.get(f"{at}?lang=en")).text
        assert (await other.send(f"{at}/reject", {"why": "not_now"})).status_code == 409


async def test_the_brake_is_pulled_and_released_by_people(app, service, owner, tmp_path, noon):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1])
    async with at_desk(app, Role.SUPERVISOR) as desk, at_desk(app, Role.SUPERVISOR, name="binh") as other:
        assert (await desk.send("/desk/orders/brake", {"scope": "nobody"})).status_code == 400
        assert (await desk.send("/desk/orders/brake", {"scope": "all"})).status_code == 303
        page = await desk.get("/desk/orders")
        assert "Phanh đang kéo: toàn quốc" in page.text
        await desk.send("/desk/orders/propose")
        assert batches(owner) == []
        [release] = re.findall(r'action="(/desk/orders/brake/[0-9a-f-]+/release)"', page.text)
        assert (await desk.send(release, {"allowed": "many"})).status_code == 400
        assert (await desk.send(release, {"allowed": "5"})).status_code == 303
        assert "Phanh đã nhả gần đây" in (await desk.get("/desk/orders")).text
        await other.send("/desk/orders/propose")
        [order] = batches(owner)
        refused = await desk.send(f"/desk/orders/{order.id}/approve", {"lines": "1"})
        assert refused.status_code == 403
        assert (await desk.send(f"/desk/orders/{order.id}/reject", {"why": "too_many"})).status_code == 303
        assert states(owner, order.id) == [("dropped", "rejected")]
        for show in ("open", "late", "all", "x"):
            assert (await desk.get(f"/desk/orders?show={show}")).status_code == 200
    acts = {each.act for each in rows(owner, "SELECT act FROM audit")}
    assert {"brake.pulled", "brake.released", "order.proposed", "order.rejected"} <= acts


async def test_without_a_policy_nothing_can_be_ordered(app, noon):
    async with at_desk(app, Role.SUPERVISOR) as desk:
        assert (await desk.send("/desk/orders/propose")).status_code == 409
