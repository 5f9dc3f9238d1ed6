from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simcheck import clock
from simcheck.notices import figures, policy
from tests.noticing import follow_run, records, row, settle, sweep

pytestmark = pytest.mark.anyio


async def test_every_notice_is_counted(service, owner):
    records(service, owner, [row(912345671), row(912345672), row(912345673, status="suspended")])
    records(service, owner, [row(987654321)], carrier="mobifone")
    await follow_run(service)
    await sweep(service)
    settle(owner, "delivered", f"%{owner.execute('SELECT case_id FROM message LIMIT 1').fetchone()[0]}%")
    async with service.database.transaction("test", ministry=True) as session:
        tracks = await figures.tracks(session)
        messages = await figures.messages(session)
    assert tracks == [("mobifone", "active", 1), ("viettel", "active", 2), ("viettel", "unreachable", 1)]
    assert sum(each.messages for each in messages) == 3
    assert sum(each.parts for each in messages) == 9
    assert {each.state for each in messages} == {"due", "delivered"}


def test_a_calendar_that_ends_is_told_of_in_time():
    for moment, ends in (
        (datetime(2027, 8, 1, tzinfo=UTC), False),
        (datetime(2027, 10, 10, tzinfo=UTC), True),
    ):
        with clock.fixed(moment):
            assert figures.calendar_ends(policy.load()) is ends
