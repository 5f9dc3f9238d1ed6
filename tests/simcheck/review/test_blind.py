from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import review as jobs
from simcheck import clock
from simcheck.review import blind, double
from tests.reviewing import acting
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
    assert seen.records is None  # this test's subscription stands in no file
    assert seen.reasons
