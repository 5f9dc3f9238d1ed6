from __future__ import annotations

import datetime
import uuid

import pytest

from jobs.holders import tidy
from simcheck import clock
from simcheck.errors import NotFoundError
from simcheck.holders import correct, owed
from simcheck.holders.correct import Given
from simcheck.holders.models import Correction
from tests import holding
from tests.holding import BINH, CHI, held, national, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio
TRUE = Given(BINH.id_number, BINH.full_name, BINH.date_of_birth)
CHIS = Given(CHI.id_number, CHI.full_name, CHI.date_of_birth)


@pytest.fixture
async def corrected(service, owner, tmp_path):
    """Numbers 1 and 2 are corrected, a minute after one another; what 3 says does not agree."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2, CHI), wrong_name(3)])
        holders = [await held(service, owner, number) for number in (1, 2, 3)]
    said = (TRUE, CHIS, Given(BINH.id_number, "Ai Khác", BINH.date_of_birth))
    for minute, (holder, given) in enumerate(zip(holders, said, strict=True)):
        with clock.fixed(NOON + datetime.timedelta(minutes=minute)):
            await holding.put_right(service, holder, given)


async def within(service, work, carrier="viettel"):
    async with service.database.transaction("client:v", carrier) as session:
        return await work(session)


async def test_a_carrier_is_given_what_agrees_until_it_has_it(service, owner, keyring, corrected):
    def pages(**more):
        return within(service, lambda session: owed.page(session, keyring, "viettel", **more))

    with clock.fixed(NOON + holding.HOUR):
        both = await pages()
        assert [each.given for each in both] == [TRUE, CHIS]
        [second] = await pages(after=(both[0].correction.settled_at, both[0].correction.id))
        assert second.given == CHIS
        assert len(await pages(limit=1)) == 1
        first = both[0].correction.id
        acknowledged = [
            await within(service, lambda session: owed.acknowledge(session, "viettel", [first, first]))
            for _ in range(2)
        ]
        assert acknowledged == [1, 0]
        assert [each.given for each in await pages()] == [CHIS]
        assert [each.given for each in await pages(acknowledged=True)] == [TRUE]
    assert holding.acts(owner).count("correction.acknowledged") == 1
    assert holding.acts(owner).count("correction.fetched") == 5


async def test_what_was_not_given_cannot_be_acknowledged(service, owner, keyring, corrected):
    ids = dict(owner.execute("SELECT outcome, id FROM correction ORDER BY made_at").fetchall())
    for wrong in (ids["differs"], uuid.uuid4()):
        with pytest.raises(NotFoundError, match="None was"):
            await within(
                service,
                lambda session, wrong=wrong: owed.acknowledge(session, "viettel", [ids["agrees"], wrong]),
            )
    with pytest.raises(NotFoundError):
        await within(service, lambda session: owed.acknowledge(session, "itel", [ids["agrees"]]), "itel")
    assert await within(service, lambda session: owed.page(session, keyring, "itel"), "itel") == []
    assert owner.execute("SELECT count(*) FROM correction WHERE acknowledged_at IS NOT NULL").fetchone() == (
        0,
    )


async def test_by_number_the_last_word_counts(service, owner, keyring, corrected):
    owner.execute("UPDATE correction SET msisdn_token = %s", [keyring.token("msisdn", national(1))])
    said = await within(service, lambda session: owed.by_number(session, keyring, "viettel"))
    assert said == {keyring.token("msisdn", national(1)): CHIS}


async def test_what_is_done_is_forgotten_in_time(service, owner, keyring, corrected):
    days = service.settings.feedback_days
    [first] = owner.execute("SELECT id FROM correction ORDER BY made_at LIMIT 1").fetchone()
    with clock.fixed(NOON + datetime.timedelta(days=1)):
        await within(service, lambda session: owed.acknowledge(session, "viettel", [first]))

    async def kept(day):
        with clock.fixed(NOON + datetime.timedelta(days=day, hours=1)):
            await tidy(service)
        rows = sorted(await holding.all_of(service, Correction), key=lambda each: each.made_at)
        return [correct.cells_of(keyring, each) is not None for each in rows]

    assert await kept(days - 1) == [True, True, True]
    assert await kept(days) == [True, True, False]
    assert await kept(days + 1) == [False, True, False]  # what the carrier still has to fetch stays
    assert await kept(days * 9) == [False, True, False]
