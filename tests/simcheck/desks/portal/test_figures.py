from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.desks.portal.figures import figures
from tests import publishing
from tests.publishing import Sim
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def of(service, carrier="viettel"):
    async with service.database.transaction("person:x", carrier) as session:
        return await figures(session, carrier)


async def test_nothing_yet(service):
    found = await of(service)
    assert (found.verdicts, found.at, found.batches, found.cases) == ({}, None, [], [])
    assert (found.corrections.waiting, found.corrections.median) == (0, None)
    assert (found.questions.open, found.questions.asked, found.questions.median) == (0, 0, None)


async def test_verdicts_and_batches_are_those_of_the_checks(service, checked):
    with clock.fixed(NOON):
        found = await of(service)
        other = await of(service, "mobifone")
    assert found.verdicts["mismatch"] == 3
    assert found.at == NOON
    [batch] = found.batches
    assert (batch.rows, batch.kind, batch.verdicts["mismatch"]) == (3, "snapshot", 3)
    assert (other.verdicts, other.batches, other.cases) == ({}, [], [])


async def test_open_cases_are_counted_by_state_and_age(service, owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now()), ('mobifone', now())")
    with clock.fixed(NOON):
        await publishing.run(service, *(Sim(f"{each}") for each in range(4)), Sim("x", carrier="mobifone"))
    for days, row in ((8, 1), (40, 2), (100, 3)):
        owner.execute(
            'UPDATE "case" SET opened_at = %s WHERE msisdn_token = %s',
            [NOON - timedelta(days=days), publishing.token(row)],
        )
    with clock.fixed(NOON + timedelta(minutes=1)):
        [cases] = (await of(service)).cases
    assert (cases.state, cases.ages, cases.count) == ("with_holder", (1, 1, 1, 1), 4)


async def test_corrections_and_questions_are_counted_with_their_times(service, owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    for settled, taken in ((50, 2), (60, 4), (30, None)):
        owner.execute(
            "INSERT INTO correction (id, carrier, case_id, msisdn_token, form, batch_id, row, outcome, "
            "made_by, made_at, settled_at, acknowledged_at, acknowledged_by) VALUES (gen_random_uuid(), "
            "'viettel', gen_random_uuid(), '', gen_random_uuid(), gen_random_uuid(), 1, 'agrees', 'x', %s, "
            "%s, %s, %s)",
            [
                NOON, NOON - timedelta(hours=settled), taken and NOON - timedelta(hours=settled - taken),
                taken and "x",
            ],
        )  # fmt: skip
    for answered, due in ((None, 24), (3, 24), (30, 24)):
        owner.execute(
            "INSERT INTO question (id, carrier, about, queue, state, channel, language, proved, form, "
            "opened_at, due_at, changed_at, answered_at) VALUES (gen_random_uuid(), 'viettel', 'viettel', "
            "'carrier', %s, 'sms', 'vi', true, gen_random_uuid(), %s, %s, %s, %s)",
            [
                "answered" if answered else "open", NOON - timedelta(hours=48),
                NOON - timedelta(hours=48 - due), NOON, answered and NOON - timedelta(hours=48 - answered),
            ],
        )  # fmt: skip
    with clock.fixed(NOON):
        found = await of(service)
    assert (found.corrections.waiting, found.corrections.taken) == (1, 2)
    assert found.corrections.since == NOON - timedelta(hours=30)
    assert found.corrections.median == timedelta(hours=3)
    asked = found.questions
    assert (asked.open, asked.asked, asked.answered, asked.in_time) == (1, 3, 2, 1)
    assert asked.median == timedelta(hours=16.5)
