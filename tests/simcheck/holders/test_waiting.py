from __future__ import annotations

import datetime
import uuid

import numpy as np
import pytest

from jobs.holders import find_due
from simcheck import clock
from simcheck.cases.states import State
from simcheck.holders import correct, waiting
from simcheck.holders.correct import Given, Submitted
from simcheck.holders.models import Correction, Outcome
from simcheck.register import keeping
from simcheck.register.protocol import NONE, Fault
from tests import holding
from tests.holding import BINH, held, state_of, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio
TRUE = Given(BINH.id_number, BINH.full_name, BINH.date_of_birth)


class Silent:
    """A register that does not answer while it is `away`."""

    def __init__(self, register) -> None:
        self.register, self.away = register, True

    def ask(self, numbers, keys, threads=1, near=NONE):
        if not self.away:
            return self.register.ask(numbers, keys, threads, near)
        answer = self.register.ask(numbers[:0], keys, threads)
        return answer._replace(unanswered=np.unique(numbers), fault=Fault.SLOW)


@pytest.fixture
async def silent(service, owner, tmp_path, monkeypatch):
    """Number 1 is corrected while the online register is silent: (register, holder)."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        holder = await held(service, owner, 1)
        path = owner.execute("SELECT path FROM register_snapshot").fetchone()[0]
        register = Silent(keeping.sealed_register(service.store, service.keyring, path))
        monkeypatch.setattr(keeping, "online_register", lambda _: register)
        form = uuid.uuid4()
        done = await holding.put_right(service, holder, TRUE, form)
        assert done == Submitted(Outcome.WAITING, State.WITH_HOLDER)
        assert (await holding.put_right(service, holder, TRUE, form)).again
    return register, holder


async def test_it_is_asked_again_until_it_answers(service, owner, silent):
    register, holder = silent
    with clock.fixed(NOON + datetime.timedelta(minutes=1)):
        await find_due(service)
        await holding.checked(service)
        assert state_of(owner, holder.case_id)[0] == "with_holder"
        register.away = False
        await find_due(service)
        await holding.checked(service)
    assert state_of(owner, holder.case_id)[:2] == ("closed", "corrected")
    [kept] = await holding.all_of(service, Correction)
    assert (kept.outcome, kept.settled_at) == ("agrees", NOON + datetime.timedelta(minutes=1))
    [event] = owner.execute("SELECT actor FROM case_event WHERE move = 'corrected'").fetchall()
    assert event == ("job:holders.recheck",)
    async with service.database.transaction("job", ministry=True) as session:
        assert await waiting.look_again(session, service, kept.id) is None
        assert await waiting.due(session) == []


async def test_after_days_of_silence_staff_look(service, owner, silent):
    _, holder = silent
    with clock.fixed(NOON + correct.PATIENCE + datetime.timedelta(minutes=1)):
        await find_due(service)
        await holding.checked(service)
    assert state_of(owner, holder.case_id)[0] == "with_staff"
    [kept] = await holding.all_of(service, Correction)
    assert (kept.outcome, kept.verdict) == ("differs", None)


async def test_a_number_that_is_gone_meanwhile(service, owner, silent):
    register, holder = silent
    register.away = False
    owner.execute("DELETE FROM subscription")
    owner.execute("UPDATE \"case\" SET state = 'closed', closed_at = now(), close_reason = 'gone'")
    with clock.fixed(NOON + datetime.timedelta(minutes=1)):
        await find_due(service)
        await holding.checked(service)
    [kept] = await holding.all_of(service, Correction)
    assert (kept.outcome, kept.verdict) == ("differs", None)
    assert state_of(owner, holder.case_id)[:2] == ("closed", "gone")
