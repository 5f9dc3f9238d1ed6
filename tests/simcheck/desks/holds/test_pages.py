"""Appeals and holds at the desk: made by one, decided or confirmed by another."""

from __future__ import annotations

import re

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.holding import national
from tests.ordering import NOON, a_wrong_country, let_be_due, rows

pytestmark = pytest.mark.anyio


@pytest.fixture
def noon():
    with clock.fixed(NOON):
        yield


async def test_appeals_and_holds_at_the_desk(app, service, owner, tmp_path, noon):
    await a_wrong_country(service, tmp_path, 2)
    let_be_due(owner, service.keyring, [1, 2])
    said = {"carrier": "viettel", "msisdn": f"0{national(1)}", "words": "It is my number."}
    bar = {
        "kind": "vital",
        "of": f"0{national(2)}",
        "basis": "list 7/2026",
        "from": "",
        "until": "2026-12-31",
    }
    async with (
        at_desk(app, Role.SUPERVISOR) as desk, at_desk(app, Role.SUPERVISOR, name="binh") as other,
        at_desk(app, Role.REVIEWER, name="chi") as reviewer, at_desk(app, Role.AUDITOR) as auditor,
    ):  # fmt: skip
        assert "Chưa có khiếu nại" in (await auditor.get("/desk/holds")).text
        assert (await auditor.send("/desk/holds/appeal", said)).status_code == 403
        assert (await reviewer.send("/desk/holds/bar", bar)).status_code == 403
        assert (await desk.send("/desk/holds/appeal", {**said, "msisdn": "1"})).status_code == 400
        made = (await reviewer.send("/desk/holds/appeal", said)).headers["location"]
        assert "It is my number." in (await auditor.get(made)).text
        assert (await reviewer.send(f"{made}/uphold")).status_code == 403
        assert "K-000001" in (await desk.get("/desk/holds")).text
        assert (await desk.send(f"{made}/reject", {"reason": ""})).status_code == 400
        assert (await desk.send(f"{made}/reject", {"reason": "still_wrong"})).status_code == 303
        assert "vẫn chưa khớp" in (await desk.get(made)).text
        assert (await desk.send(f"{made}/uphold")).status_code == 409

        for wrong in ({"kind": "x"}, {"until": "soon"}, {"of": "1"}, {"basis": ""}):
            assert (await desk.send("/desk/holds/bar", {**bar, **wrong})).status_code == 400, wrong
        assert (await desk.send("/desk/holds/bar", bar)).status_code == 303
        assert "/confirm" not in (await desk.get("/desk/holds")).text
        page = (await other.get("/desk/holds")).text
        [at] = re.findall(r'action="(/desk/holds/bar/[0-9a-f-]+)/confirm"', page)
        assert (await other.send(f"{at}/confirm")).status_code == 303
        assert (await desk.send(f"{at}/lift")).status_code == 303
        assert (await desk.send(f"{at}/lift")).status_code == 403
        assert (await other.send(f"{at}/lift")).status_code == 303
        assert "list 7/2026" in (await other.get("/desk/holds?show=over")).text
    [held] = rows(owner, "SELECT ends_at, lifted_by FROM order_bar")
    assert held.ends_at.isoformat() == "2026-12-31T17:00:00+00:00"
    assert held.lifted_by == "person:binh"
