from __future__ import annotations

import asyncio
import datetime
import uuid

import pytest
import sqlalchemy as sa

from simcheck import clock
from simcheck.cases import codes as case_codes
from simcheck.errors import InvalidError, TooManyError
from simcheck.holders import codes, possession, sessions
from simcheck.holders.possession import Proof, client_key
from tests import holding
from tests.holding import CLIENT, asked, case_of, digits_in, national, sent, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def code(service, owner, tmp_path) -> str:
    """The code of the case of number 1."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
    return case_of(owner, service.keyring, 1)[1]


async def prove(service, challenge, typed) -> Proof:
    async with service.database.transaction("public", ministry=True) as session:
        return await possession.prove(session, service, challenge, typed)


async def test_a_code_proves_once(service, owner, keyring, code):
    with clock.fixed(NOON):
        challenge = await asked(service, case_codes.shown(code).lower(), 1)
        [message] = sent(owner, keyring)
        assert (message.kind, message.channel, message.address) == ("code", "sms", f"84{national(1)}")
        digits = digits_in(message.text)
        assert digits not in str(owner.execute("SELECT * FROM holder_challenge, audit").fetchall())
        proof = await prove(service, challenge, f" {digits[:3]}-{digits[3:]} ")
        assert proof.started is not None
        assert proof.started.holder.number == national(1)
        assert proof.started.expires_at == NOON + datetime.timedelta(hours=1)
        assert await prove(service, challenge, digits) == Proof(None, 0)  # played again
        async with service.database.transaction("public", ministry=True) as session:
            holder = await sessions.read(session, keyring, proof.started.token)
        assert holder == proof.started.holder
    assert [act for act in holding.acts(owner) if act.startswith(("possession", "session"))] == [
        "possession.asked", "possession.sent", "possession.proved", "session.started"
    ]  # fmt: skip


async def test_what_does_not_fit_looks_the_same(service, owner, keyring, code):
    """The same statements in the same order, so also about the same time; and nothing is sent."""
    other = case_codes.draw()
    done: list[list[str]] = []

    async def watched(typed: str, number: int) -> uuid.UUID:
        said: list[str] = []
        engine = service.database.engine.sync_engine

        def listen(_connection, _cursor, statement, *_):
            said.append(statement)

        sa.event.listen(engine, "before_cursor_execute", listen)
        async with service.database.transaction("public", ministry=True) as session:
            challenge = await possession.ask(session, service, typed, f"0{national(number)}", CLIENT)
        sa.event.remove(engine, "before_cursor_execute", listen)
        done.append(said)
        assert challenge.expires_at == NOON + datetime.timedelta(minutes=5)
        return challenge.id

    with clock.fixed(NOON):
        await watched(other, 3)  # the first row of the audit's stream is made in another way
        done.clear()
        owner.execute("DELETE FROM procrastinate_jobs")
        challenges = [await watched(code, 1), await watched(other, 1), await watched(code, 2)]
        assert done[0] == done[1] == done[2]
        jobs = owner.execute("SELECT args ->> 'challenge' FROM procrastinate_jobs WHERE task_name = "
                             "'holders.send_code' ORDER BY id").fetchall()  # fmt: skip
        assert [uuid.UUID(each) for (each,) in jobs] == challenges
        async with service.database.transaction("job", ministry=True) as session:
            assert [await codes.send(session, service, each) for each in challenges] == [True, False, False]
        assert len(sent(owner, keyring)) == 1
        right = digits_in(sent(owner, keyring)[0].text)
        for challenge in challenges[1:]:
            tries = [await prove(service, challenge, right) for _ in range(6)]
            assert [each.tries_left for each in tries] == [4, 3, 2, 1, 0, 0]
            assert all(each.started is None for each in tries)
        # What strangers typed used up nothing of the number's own.
        assert (await prove(service, challenges[0], right)).started is not None


async def test_a_code_has_five_tries(service, owner, keyring, code):
    with clock.fixed(NOON):
        challenge = await asked(service, code, 1)
        right = digits_in(sent(owner, keyring)[0].text)
        wrong = f"{(int(right) + 1) % 10**6:06}"
        tries = await asyncio.gather(*(prove(service, challenge, wrong) for _ in range(6)))
        assert sorted(each.tries_left for each in tries) == [0, 0, 1, 2, 3, 4]
        assert await prove(service, challenge, right) == Proof(None, 0)


async def test_a_number_has_so_many_wrong_tries_a_day(service, owner, keyring, code):
    wrong = 0
    for nth in range(8):
        with clock.fixed(NOON + nth * datetime.timedelta(minutes=25)):
            challenge = await asked(service, code, 1)
            for _ in range(5):
                wrong += 1
                assert (await prove(service, challenge, "")).started is None
    with clock.fixed(NOON + datetime.timedelta(minutes=176)):
        challenge = await asked(service, code, 1)
        right = digits_in(sent(owner, keyring)[-1].text)
        assert (await prove(service, challenge, right)).started is None, f"after {wrong} wrong ones"
    with clock.fixed(NOON + datetime.timedelta(days=1, hours=4)):
        challenge = await asked(service, code, 1)
        [right] = [digits_in(each.text) for each in sent(owner, keyring) if each.key == f"code/{challenge}"]
        assert (await prove(service, challenge, right)).started is not None


async def test_a_code_is_good_for_its_own_challenge_and_five_minutes(service, owner, keyring, code):
    with clock.fixed(NOON):
        one, two = await asked(service, code, 1), await asked(service, code, 1)
        first, second = (
            next(digits_in(each.text) for each in sent(owner, keyring) if each.key == f"code/{challenge}")
            for challenge in (one, two)
        )
        if first != second:
            assert (await prove(service, one, second)).started is None
        assert await prove(service, uuid.uuid4(), first) == Proof(None, 0)
    with clock.fixed(NOON + datetime.timedelta(minutes=5)):
        assert await prove(service, one, first) == Proof(None, 0)
    with clock.fixed(NOON + datetime.timedelta(minutes=4)):
        assert (await prove(service, two, second)).started is not None
    with clock.fixed(NOON + datetime.timedelta(days=2)):
        async with service.database.transaction("job", ministry=True) as session:
            await possession.forget_over(session)
        assert owner.execute("SELECT count(*) FROM holder_challenge").fetchone() == (0,)


async def test_what_cannot_be_is_told_at_once(service, code):
    with clock.fixed(NOON):
        async with service.database.transaction("public", ministry=True) as session:
            with pytest.raises(InvalidError, match="code"):
                await possession.ask(session, service, code[:-1], f"0{national(1)}", CLIENT)
            for number in ("", "024 3825 0000", "0" * 40, "\u202e09"):
                with pytest.raises(InvalidError, match="number"):
                    await possession.ask(session, service, code, number, CLIENT)
        assert await prove(service, uuid.uuid4(), "１２３") == Proof(None, 0)


async def test_an_address_asks_only_so_often(service, code):
    asks = service.settings.holder_asks
    with clock.fixed(NOON):
        for each in range(asks):
            async with service.database.transaction("public", ministry=True) as session:
                wanted = code if each == 0 else case_codes.draw()
                await possession.ask(session, service, wanted, f"0{national(1)}", CLIENT)
        for client, refused in ((CLIENT, True), ("d" * 64, False)):
            async with service.database.transaction("public", ministry=True) as session:
                asking = possession.ask(session, service, code, f"0{national(1)}", client)
                if refused:
                    with pytest.raises(TooManyError) as error:
                        await asking
                    assert 0 < error.value.after <= 3600 / asks
                else:
                    await asking


def test_an_address_is_known_by_a_token(keyring):
    same = {client_key(keyring, each) for each in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9")}
    assert len(same) == 1
    assert client_key(keyring, "2001:db8:1:3::1") not in same
    assert client_key(keyring, "::ffff:192.0.2.1") == client_key(keyring, "192.0.2.1")
    assert client_key(keyring, "192.0.2.1") != client_key(keyring, "192.0.2.2")
    assert "192.0.2" not in client_key(keyring, "192.0.2.1")
    assert client_key(keyring, "no address") != client_key(keyring, "another")
