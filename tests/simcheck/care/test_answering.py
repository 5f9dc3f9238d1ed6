"""Answers by a job, whatever becomes of the job; requests that are late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import care
from simcheck import clock
from simcheck.care import answering
from tests.caring import ask, binh
from tests.holding import checked
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def test_an_answer_is_made_once_also_when_its_job_was_lost(country, owner):
    person = await binh(country)
    made = await ask(country, person, "copy")
    async with country.database.transaction("test", ministry=True) as session:
        assert await answering.by_itself(session, country, made.id) is False
    owner.execute("DELETE FROM request_file")
    owner.execute(
        "UPDATE person_request SET state = 'received', acknowledged_at = NULL, answered_at = NULL,"
        " answered_by = NULL, outcome = NULL"
    )
    await care.find_due(country)
    assert owner.execute("SELECT state FROM person_request").fetchone() == ("received",)  # give it a moment
    with clock.fixed(NOON + timedelta(minutes=6)):
        await care.find_due(country)
        await checked(country)
    assert owner.execute("SELECT state, late FROM person_request").fetchone() == ("answered", False)


async def test_a_request_that_nobody_acknowledges_or_answers_is_late_once(country, owner):
    person = await binh(country)
    await ask(country, person, "erase")
    late = []
    for days in (2, 5, 30):
        with clock.fixed(NOON + timedelta(days=days)):
            await care.find_due(country)
        late.append(owner.execute("SELECT late FROM person_request").fetchone()[0])
    assert late == [False, True, True]
    assert owner.execute("SELECT count(*) FROM audit WHERE act = 'request.late'").fetchone() == (1,)
