from __future__ import annotations

import pytest

from jobs.reports import check_invariants, count_country, count_flow
from simcheck import clock
from simcheck.reports import invariants
from simcheck.reports.invariants import INVARIANTS
from tests.building import row
from tests.holding import AN, BINH, CHI, a_country, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def checked_country(service, owner, tmp_path):
    """A carrier's file that was checked, with a case or two, as the service itself makes them."""
    with clock.fixed(NOON):
        await a_country(service, tmp_path, [row(0, AN), row(1, BINH), row(2, CHI), wrong_name(3)])
        await count_country(service)
        await count_flow(service)
    owner.execute("SET app.scope = 'ministry'")


async def checks(service) -> dict[str, invariants.Checked]:
    with clock.fixed(NOON):
        await check_invariants(service)
        async with service.database.transaction("test", ministry=True) as session:
            return {each.name: each for each in await invariants.newest(session)}


async def test_what_the_service_made_adds_up(checked_country, service):
    found = await checks(service)
    assert list(found) == list(INVARIANTS)
    assert {name: each.off for name, each in found.items() if each.off} == {}
    for name in ("batch_rows", "run_rows", "run_buckets", "country", "wrong", "cases", "case_history"):
        assert found[name].counted == found[name].accounted > 0, name
    assert found["batch_rows"].counted == 4
