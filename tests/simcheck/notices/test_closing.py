from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.cases.states import Closed, Who
from simcheck.notices import policy
from simcheck.notices.closing import KINDS, finish
from tests import noticing
from tests.noticing import MORNING, close, follow_run, messages, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio
LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("move", "who", "kind"),
    [
        ("corrected", Who.HOLDER, "thanks"),
        ("same_person", Who.STAFF, "corrected"),
        ("close", Who.STAFF, "corrected"),
    ],
)
async def test_who_was_told_hears_that_it_is_over(service, owner, move, who, kind):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    settle(owner, "delivered")
    case_id = await close(service, owner, move, who)
    await sweep(service, LATER)
    await sweep(service, LATER)
    last = messages(owner, service)[0]
    assert (last["key"], last["kind"], last["due_at"]) == (f"closed/{case_id}/1/own", kind, LATER)
    assert "***678" in last["text"]
    assert len(messages(owner, service)) == 2
    assert noticing.tracks(owner) == [("ended", 1, 1)]


async def test_whoever_closes_a_case_can_say_so_at_once(service, owner):
    records(service, owner, [row(912345678), row(912345679)])
    await follow_run(service)
    await sweep(service)
    closed = [await close(service, owner, "corrected", Who.HOLDER) for _ in range(2)]
    with clock.fixed(LATER):
        for only, wanted in (([closed[0]], (1, 1)), ([closed[0]], (0, 0)), (None, (1, 1))):
            async with service.database.transaction("test", ministry=True) as session:
                assert await finish(session, service, policy.load(), only) == wanted
    assert [each["kind"] for each in messages(owner, service)].count("thanks") == 2


async def test_what_has_not_left_is_called_off(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    await close(service, owner, "corrected", Who.HOLDER)
    await sweep(service, LATER)
    assert [(each["kind"], each["state"]) for each in messages(owner, service)] == [
        ("thanks", "due"), ("first", "cancelled"),
    ]  # fmt: skip


async def test_who_was_not_told_hears_nothing(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service, MORNING)  # the case is found, and it is night
    await close(service, owner, "close", Who.STAFF)
    await sweep(service)
    assert noticing.tracks(owner) == [("ended", 1, 0)]
    assert messages(owner, service) == []


async def test_of_a_number_that_is_gone_nobody_hears(service, owner):
    assert set(KINDS) == set(Closed) - {Closed.GONE}
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    settle(owner, "delivered")
    owner.execute("DELETE FROM subscription")
    owner.execute("""UPDATE "case" SET state = 'closed', closed_at = now(), close_reason = 'gone'""")
    await sweep(service, LATER)
    assert noticing.tracks(owner) == [("ended", 1, 1)]
    assert len(messages(owner, service)) == 1


async def test_over_at_night_said_in_the_morning_whatever_else_came_that_day(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    owner.execute("UPDATE notice_day SET count = 9")
    await close(service, owner, "corrected", Who.HOLDER)
    night = MORNING + timedelta(hours=23)
    await sweep(service, night)
    last = messages(owner, service)[0]
    assert last["due_at"] == MORNING + timedelta(hours=32)
    assert last["expires_at"] == MORNING + timedelta(hours=44)
