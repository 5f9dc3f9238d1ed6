from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.commands import demo_orders
from tests.building import row
from tests.holding import PEOPLE, a_country, national
from tests.ordering import batches
from tests.running import NOON

pytestmark = pytest.mark.anyio
TWO = ["supervisor", "supervisor-2"]
MINE = [f"+84{national(number)}" for number in range(demo_orders.EACH)]


async def test_orders_wait_are_answered_and_undone(service, owner, tmp_path):
    with clock.fixed(NOON):
        people = [row(number, PEOPLE[number % len(PEOPLE)]) for number in range(demo_orders.EACH)]
        await a_country(service, tmp_path, people)
        shown = await demo_orders.show(service, TWO, "manager", "viettel", {"viettel": MINE})
    ordered = len(MINE) - demo_orders.LATER
    assert shown[1:3] == (demo_orders.LATER, ordered)
    assert 0 < shown.restored <= demo_orders.FACES
    assert shown.clocks == len(MINE) - demo_orders.FACES
    made = sorted((each.act, each.state, each.lines) for each in batches(owner))
    assert made == [
        ("one_way", "done", ordered), ("one_way", "proposed", demo_orders.LATER),
        ("restore", "sent", shown.restored),
    ]  # fmt: skip
    signed = "SELECT made_by, approved_by FROM policy"
    assert owner.execute(signed).fetchall() == [("person:supervisor", "person:supervisor-2")]


async def test_where_no_policy_is_law_yet_nothing_is_ordered(service, owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    with clock.fixed(NOON.replace(year=2025)):
        assert await demo_orders.show(service, TWO, "manager", "viettel", {"viettel": MINE}) == (0, 0, 0, 0)
