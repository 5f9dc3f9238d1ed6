from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from simcheck import clock
from simcheck.cases.states import Who
from simcheck.enforcement import calendar, follow, moves, project, reading, simulate, store
from simcheck.enforcement.moves import Done
from simcheck.enforcement.orders import propose
from simcheck.enforcement.orders.brake import Caps
from simcheck.enforcement.policy import shipped
from simcheck.enforcement.words import Act, Step
from tests import clocking
from tests.noticing import DAY, MORNING, close, follow_run, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAYS = 120


async def simulated(service, at, text=None, **more):
    with clock.fixed(at):
        async with service.database.transaction("test", ministry=True) as session:
            policy = reading.read(text) if text else await store.in_force(session)
            return await simulate.simulate(session, policy, store.today(), DAYS, **more)


async def a_country(service, owner):
    """Four numbers of two carriers: two were told for days, one of them is suspended one way already, one is
    staff's now; and one handset was changed.
    """
    records(service, owner, [row(912345670 + place) for place in range(3)], verified=[2])
    records(service, owner, [row(912345680)], carrier="mobifone")
    await follow_run(service)
    await clocking.in_force(service)
    for day in range(7):
        await sweep(service, NOON + day * DAY)
        settle(owner, "delivered")
    token = service.keyring.token("msisdn", 912345672)
    at = NOON + 6 * DAY
    owner.execute(
        "INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at) "
        "VALUES ('viettel', 'c', %s, 'device_changed', %s, %s)", [token, at, at],
    )  # fmt: skip
    await clocking.follow(service, at)
    async with service.database.transaction("test", ministry=True) as session:
        done = [Done("viettel", service.keyring.token("msisdn", 912345670), at)]
        assert await moves.reached(session, Step.ONE_WAY, done) == 1
    await clocking.follow(service, at)
    return at


async def test_the_database_counts_what_its_clocks_come_to(service, owner):
    at = await a_country(service, owner)
    found = await simulated(service, at)
    assert (found.clocks, found.waiting, found.standing) == (4, 0, 0)
    policy = reading.read(shipped())
    states = clocking.folded(owner, at)
    from simcheck.enforcement import machine

    places = project.project(machine.columns_of(states, policy), policy, found.first, DAYS)
    expected = [[int((row == day).sum()) for row in places] for day in range(DAYS)]
    assert found.by_day.tolist() == expected
    assert found.carriers == ("mobifone", "viettel")
    assert found.by_day.sum(axis=0).tolist() == [3, 4, 4]
    assert found.by_province.sum() == found.by_carrier.sum() == 11
    alone = await simulated(service, at, carrier="mobifone")
    assert alone.by_day.sum(axis=0).tolist() == [1, 1, 1]


async def test_a_draft_is_tried_before_anybody_is_touched(service, owner):
    """It is for those who were not told yet, too; what stands still is left alone."""
    records(service, owner, [row(912345670), row(912345671)])
    await follow_run(service)
    found = await simulated(service, MORNING, shipped())
    assert (found.clocks, found.waiting) == (2, 2)
    assert [int(each) for each in found.by_day[:, 0].nonzero()[0]] == [6]
    assert owner.execute("SELECT count(*) FROM clock").fetchone() == (0,)
    await clocking.in_force(service)
    await sweep(service, NOON)
    await clocking.follow(service, NOON + timedelta(hours=1))
    with clock.fixed(NOON):
        await close(service, owner, "take", Who.STAFF)
    await clocking.follow(service, NOON + timedelta(hours=1))
    found = await simulated(service, NOON + timedelta(hours=2))
    assert (found.clocks, found.standing) == (1, 1)
    mild = shipped().replace("2026.11.1", "draft").replace("after = 5\n", "after = 9\n")
    assert [int(each) for each in (await simulated(service, NOON, mild)).by_day[:, 0].nonzero()[0]] == [10]
    old = mild.replace('applies = "open"', 'applies = "new"')
    assert [int(each) for each in (await simulated(service, NOON, old)).by_day[:, 0].nonzero()[0]] == [6]


async def test_the_brake_is_shown(service, owner):
    at = await a_country(service, owner)
    assert not any((await simulated(service, at)).brakes)
    low = shipped().replace("most_of_a_carrier = 25_000", "most_of_a_carrier = 1")
    found = await simulated(service, at, low.replace("2026.11.1", "low"))
    of_carriers = found.counts.sum(axis=(2, 3))
    assert found.brakes == [bool((each > 1).any()) for each in of_carriers]
    assert any(found.brakes)


# What the simulation assumes: every day a notice that warns arrives, register and files are those of the day.
A_DAY = """
UPDATE clock SET notice_days = notice_days + 1, told_at = %(at)s, warned_at = %(at)s, reckoned = false
WHERE ended_at IS NULL AND paused_at IS NULL
"""
FRESH = "UPDATE register_snapshot SET as_of = %(at)s", "UPDATE batch SET received_at = %(at)s"
CARRIED_OUT = """
UPDATE order_line SET state = 'done', outcome = 'done', outcome_at = %(at)s WHERE state = 'proposed'
RETURNING carrier, msisdn_token, act
"""
SPREAD = """
UPDATE clock SET started_at = started_at - n * interval '31 hours', notice_days = n % 7, reckoned = false
FROM (SELECT msisdn_token AS token, row_number() OVER (ORDER BY msisdn_token) AS n FROM clock) AS numbered
WHERE msisdn_token = token AND step = 0 AND case_id IS NOT NULL
"""


async def test_the_job_proposes_on_the_same_days(service, owner):
    """Day by day, what the job proposes is carried out: each step of each clock on the day foreseen."""
    records(service, owner, [row(912345690 + place) for place in range(9)], carrier="itel")
    at = await a_country(service, owner)
    owner.execute(SPREAD)
    await clocking.follow(service, at)
    found = await simulated(service, at)
    begun = calendar.datetime_of(project.opening(found.policy, found.first))
    counts = np.zeros((DAYS, len(found.carriers), len(Act)), int)
    for day in range(DAYS):
        moment = {"at": begun + day * DAY}
        for statement in (A_DAY, *FRESH):
            owner.execute(statement, moment)
        with clock.fixed(moment["at"]):
            async with service.database.transaction("job:test", ministry=True) as session:
                await follow.reckon(session)
                await propose.propose(session, service, Caps(1000, 1000))
            for carrier, token, act in owner.execute(CARRIED_OUT, moment).fetchall():
                counts[day, found.carriers.index(carrier), Act(act).step - 1] += 1
                async with service.database.transaction("job:test", ministry=True) as session:
                    done = [Done(carrier, token, moment["at"])]
                    assert await moves.reached(session, Act(act).step, done) == 1
    assert counts.tolist() == found.counts.sum(axis=2).tolist()
    assert counts.sum(axis=(0, 1)).tolist() == [12, 13, 13]


async def test_days_have_a_limit(service):
    async with service.database.transaction("test", ministry=True) as session:
        with pytest.raises(ValueError, match="from 1 to"):
            await simulate.simulate(session, reading.read(shipped()), NOON.date(), 0)
