from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.errors import InvalidError, NotFoundError
from simcheck.holders import confirm, disown, numbers, sessions
from simcheck.holders.models import Means
from tests import holding
from tests.building import row
from tests.holding import AN, BINH, CHI, held, national, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def an(service, tmp_path, keyring):
    """The session of a person with three numbers at two carriers."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [row(1, AN), wrong_name(2), wrong_name(3, AN)])
        await holding.a_file(service, "itel", [row(4, AN), row(5, CHI)])
        await holding.checked(service)
        async with service.database.transaction("public", ministry=True) as session:
            yield (await sessions.start_identity(session, keyring, AN.id_number)).holder


async def mine(service, holder):
    async with holder.transaction(service) as session:
        return await numbers.of(session, service, holder)


async def test_every_number_of_a_person(service, owner, an):
    found = await mine(service, an)
    assert found.total == 3
    seen = [each.record for each in found.numbers]
    assert sorted((each.carrier, each.number, each.agrees) for each in seen) == [
        ("itel", "+84******004", True), ("viettel", "+84******001", True), ("viettel", "+84******003", False)
    ]  # fmt: skip
    handles = {each.record.number[-1]: each.handle for each in found.numbers}
    async with an.transaction(service) as session:
        kept = await numbers.one(session, service, an, handles["1"])
        assert await confirm.confirm(session, service, kept, Means.SIGN_IN)
        stranger = await numbers.one(session, service, an, handles["4"])
        assert stranger.msisdn_token == service.keyring.token("msisdn", national(4))
        await disown.disown(session, service, stranger, Means.SIGN_IN)
    again = {each.record.number[-1]: each for each in (await mine(service, an)).numbers}
    assert {at: each.confirmed for at, each in again.items()} == {"1": True, "3": False, "4": False}
    assert again["4"].record.case is not None
    assert again["4"].record.case.state == "disowned"
    assert owner.execute("SELECT carrier FROM subscription WHERE contested").fetchall() == [("itel",)]


async def test_anothers_handles_are_worth_nothing(service, owner, keyring, an):
    async with service.database.transaction("public", ministry=True) as session:
        binh = (await sessions.start_identity(session, keyring, BINH.id_number)).holder
        again = (await sessions.start_identity(session, keyring, AN.id_number)).holder
    [own] = (await mine(service, binh)).numbers
    async with an.transaction(service) as session:
        for handle in (own.handle, "", "ñ", (await mine(service, again)).numbers[0].handle):
            with pytest.raises(NotFoundError):
                await numbers.one(session, service, an, handle)


async def test_a_session_of_a_number_sees_that_number_alone(service, owner, an):
    holder = await held(service, owner, 2)
    with pytest.raises(InvalidError, match="one number"):
        await mine(service, holder)


async def test_of_very_many_the_first_are_shown(service, an, monkeypatch):
    monkeypatch.setattr(numbers, "MOST", 2)
    found = await mine(service, an)
    assert (len(found.numbers), found.total) == (2, 3)
