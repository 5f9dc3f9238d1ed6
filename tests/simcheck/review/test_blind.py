from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import review as jobs
from simcheck import clock
from simcheck.review import blind, claim, decide, double, records
from simcheck.review.decide import Choice
from tests.building import row
from tests.holding import AN, a_country, case_of, wrong_name
from tests.reviewing import acting
from tests.running import NOON
from tests.simcheck.review.test_decide import decided, opened

pytestmark = pytest.mark.anyio


async def test_a_case_as_it_was_before_it_was_decided(service, owner, settings):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    service = type(service)(
        settings.model_copy(update={"double_per_mille": 1000}), service.keyring, service.database,
        service.store,
    )  # fmt: skip
    case = await opened(service)
    await decided(service, case, note="Ông A")
    with clock.fixed(clock.now() + timedelta(seconds=11)):
        await jobs.bind_due(service)
    taken = await acting(service, "binh", lambda s: double.take(s, service))
    seen = await acting(service, "binh", lambda s: blind.then(s, service, taken))
    assert (seen.state, seen.carrier) == ("with_holder", "viettel")
    assert [each.move for each in seen.history] == ["opened"]
    assert await records.read(service, seen.wanted) is None  # this test's subscription stands in no file
    assert seen.reasons


async def test_its_record_is_the_one_of_then_masked_unless_asked_for(service, owner, settings, tmp_path):
    service = type(service)(
        settings.model_copy(update={"double_per_mille": 1000}), service.keyring, service.database,
        service.store,
    )  # fmt: skip
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    with clock.fixed(NOON):
        await a_country(service, tmp_path, [wrong_name(1), row(2, AN)])
        case = case_of(owner, service.keyring, 1)[0]
        await acting(service, "lan", lambda s: claim.claim(s, service.settings, case, "lan"))
        choice = Choice("not_the_holder", "another_person", 1)
        await acting(service, "lan", lambda s: decide.decide(s, service, case, "lan", choice))
    with clock.fixed(NOON + timedelta(seconds=11)):
        await jobs.bind_due(service)
        taken = await acting(service, "binh", lambda s: double.take(s, service))
        seen = await acting(service, "binh", lambda s: blind.then(s, service, taken))
        clear = await acting(service, "binh", lambda s: blind.then(s, service, taken, clear=True))
        hidden, shown = [await records.read(service, each.wanted) for each in (seen, clear)]
    masked_name, clear_name = hidden.rows[0].declared, shown.rows[0].declared
    assert masked_name != clear_name
    assert len(clear_name) > 5
    looks = owner.execute("SELECT actor, subject FROM audit WHERE act = 'case.unmasked'").fetchall()
    assert looks == [("person:binh", f"case/{case}")]
