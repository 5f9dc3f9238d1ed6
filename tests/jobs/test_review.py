from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import review
from simcheck import clock
from simcheck.review import claim, decide
from simcheck.review.decide import Choice
from tests.reviewing import acting, one_case
from tests.running import work

pytestmark = pytest.mark.anyio


async def decided(service, owner):
    case = one_case(owner)
    await acting(service, "lan", lambda s: claim.claim(s, service.settings, case, "lan"))
    choice = Choice("close", "duplicate", 1)
    made = await acting(service, "lan", lambda s: decide.decide(s, service, case, "lan", choice))
    return case, made.decision


def state(owner, case):
    return owner.execute('SELECT state FROM "case" WHERE id = %s', [case]).fetchone()[0]


async def test_a_worker_binds_a_decision_when_its_seconds_are_over(service, owner, settings):
    quick = type(service)(
        settings.model_copy(update={"undo_seconds": 0.0}), service.keyring, service.database, service.store
    )
    case, _ = await decided(quick, owner)
    await work(quick)
    assert state(owner, case) == "closed"


async def test_a_lost_job_is_found_and_one_that_comes_twice_does_nothing(service, owner):
    case, made = await decided(service, owner)
    await review.bind(service, str(made.id))
    assert state(owner, case) == "with_staff"
    owner.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'review.bind'")
    with clock.fixed(made.binds_at + timedelta(seconds=1)):
        await review.bind_due(service)
        assert state(owner, case) == "closed"
        await review.bind(service, str(made.id))
        await review.bind_due(service)
    assert owner.execute("SELECT count(*) FROM case_event WHERE move = 'close'").fetchone() == (1,)
