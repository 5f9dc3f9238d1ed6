from __future__ import annotations

import datetime
import uuid

import pytest

from simcheck import clock
from simcheck.cases.models import Case
from simcheck.errors import InvalidError
from simcheck.holders import sessions
from simcheck.holders.models import SessionKind
from tests.holding import AN, national
from tests.running import NOON

pytestmark = pytest.mark.anyio
MINUTE = datetime.timedelta(minutes=1)
CASE = Case(id=uuid.uuid4(), carrier="viettel", msisdn_token=b"t" * 32)


@pytest.fixture
async def started(service, owner):
    """A session that began at noon, of the holder of number 1 at viettel."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    with clock.fixed(NOON):
        async with service.database.transaction("public", ministry=True) as session:
            return await sessions.start_possession(session, service.keyring, CASE, national(1))


async def read(service, token):
    async with service.database.transaction("public", ministry=True) as session:
        return await sessions.read(session, service.keyring, token)


async def test_a_session_is_its_tokens(service, owner, keyring, started):
    with clock.fixed(NOON):
        holder = await read(service, started.token)
        assert holder == started.holder
        assert (holder.kind, holder.carrier, holder.case_id, holder.number, holder.actor) == (
            SessionKind.POSSESSION, "viettel", CASE.id, national(1), f"holder:{holder.session_id}"
        )  # fmt: skip
        for other in (
            "",
            None,
            started.token[:-1],
            started.token + "A",
            "x" * 1000,
            "ñ",
            "a\0b",
            started.token.swapcase(),
        ):
            assert await read(service, other) is None
        row = owner.execute("SELECT row_to_json(holder_session)::text FROM holder_session").fetchone()[0]
        assert started.token not in row
        assert str(national(1)) not in row


async def test_a_session_ends_when_nothing_is_heard(service, started):
    with clock.fixed(NOON + 19 * MINUTE):
        assert await read(service, started.token) is not None
    with clock.fixed(NOON + 38 * MINUTE):
        assert await read(service, started.token) is not None
    with clock.fixed(NOON + 58 * MINUTE):
        assert await read(service, started.token) is None


async def test_a_session_ends_after_an_hour(service, owner, started):
    for minutes in range(0, 60, 15):
        with clock.fixed(NOON + minutes * MINUTE):
            assert await read(service, started.token) is not None
    with clock.fixed(NOON + 60 * MINUTE):
        assert await read(service, started.token) is None
    with clock.fixed(NOON + datetime.timedelta(days=2)):
        async with service.database.transaction("job", ministry=True) as session:
            await sessions.forget_over(session)
    assert owner.execute("SELECT count(*) FROM holder_session").fetchone() == (0,)


async def test_a_session_can_be_ended(service, started):
    with clock.fixed(NOON):
        async with started.holder.transaction(service) as session:
            await sessions.revoke(session, started.holder)
        assert await read(service, started.token) is None


async def test_a_holder_of_a_number_sees_one_carrier(service, owner, started):
    owner.execute("INSERT INTO carrier VALUES ('itel', now())")
    owner.execute(
        "INSERT INTO subscription (msisdn_token, carrier, verdict, reasons, bucket, facts, cells, row, "
        "batch_id, run_id, changed_at) SELECT code::bytea, code, 0, 0, 0, '', 0, 1, gen_random_uuid(), "
        "gen_random_uuid(), now() FROM carrier"
    )
    async with started.holder.transaction(service) as session:
        seen = await session.scalars(sessions.sa.text("SELECT carrier FROM subscription"))
        assert seen.all() == ["viettel"]


async def test_a_person_is_known_by_the_number_of_a_provider(service, keyring):
    async with service.database.transaction("public", ministry=True) as session:
        person = await sessions.start_identity(session, keyring, AN.id_number)
        for wrong in ("", "123456789", AN.id_number[:-1], "O" + AN.id_number[1:], "passport B1234567", "\0"):
            with pytest.raises(InvalidError, match="personal number"):
                await sessions.start_identity(session, keyring, wrong)
    assert person.holder.id_token == keyring.token("id", int(AN.id_number))
    assert person.holder.carrier is None
    assert await read(service, person.token) == person.holder
