from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.cases import find, history, overdue
from simcheck.cases.decide import Side, Wanted, begin, decide
from simcheck.cases.states import Who
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.reasons import Verdict
from tests.publishing import Sim, run, token

pytestmark = pytest.mark.anyio
WEEK = timedelta(days=7)
SECRET = "Nguyễn Văn A nói số này của ông".encode()


async def opened(service, *sims: Sim) -> uuid.UUID:
    await run(service, *(sims or (Sim("one"),)))
    async with service.database.transaction("test", ministry=True) as session:
        return (await find.page(session, "viettel"))[0].case.id


async def move(service, case: uuid.UUID, name: str, who: Who = Who.STAFF, **more):
    async with service.database.transaction(f"{who}:binh", ministry=True) as session:
        return await decide(
            session, service.keyring, case, Wanted(name, who, more.pop("reason", "seen"), **more),
            referral=WEEK,
        )  # fmt: skip


async def test_a_decision_stands_in_history_chain_and_case(service, owner):
    case = await opened(service)
    made = await move(service, case, "same_person", note=SECRET)
    assert (made.state, made.close_reason, made.decision, made.version) == ("closed", "same_person",) * 1 + (
        "same_person", 2,
    )  # fmt: skip
    event = owner.execute(
        "SELECT actor, move, from_state, to_state, reason, evidence FROM case_event ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert event[:5] == ("staff:binh", "same_person", "with_holder", "closed", "seen")
    assert SECRET not in event[5]
    said = owner.execute("SELECT actor, subject, detail FROM audit WHERE act = 'case.moved'").fetchone()
    assert said[0] == "staff:binh"
    assert said[1] == f"case/{case}"
    assert said[2] == {"move": "same_person", "reason": "seen", "from": "with_holder", "to": "closed"}


async def test_a_stale_decision_is_refused_and_says_what_changed(service):
    case = await opened(service)
    await move(service, case, "take", version=1)
    with pytest.raises(ConflictError, match="with_staff, version 2"):
        await move(service, case, "same_person", version=1)


async def test_one_of_two_decisions_at_once_wins(service):
    case = await opened(service)
    both = await asyncio.gather(
        move(service, case, "same_person", version=1), move(service, case, "refer", version=1),
        return_exceptions=True,
    )  # fmt: skip
    assert sorted(type(each).__name__ for each in both) == ["Case", "ConflictError"]


async def test_what_the_table_does_not_say_cannot_be_done(service):
    case = await opened(service)
    for name, who in (("same_person", Who.CARRIER), ("healed", Who.STAFF), ("answered", Who.CARRIER)):
        with pytest.raises(ConflictError):
            await move(service, case, name, who)
    with pytest.raises(NotFoundError):
        await move(service, uuid.uuid4(), "take")
    with pytest.raises(InvalidError, match="reason"):
        await move(service, case, "take", reason="Ông A 0912345678")
    with pytest.raises(InvalidError):
        await move(service, case, "evidence")
    with pytest.raises(InvalidError):
        await move(service, case, "take", side=Side.OTHER)


async def test_a_dispute_hears_both_sides(service, owner):
    case = await opened(service)
    await move(service, case, "dispute")
    assert owner.execute("SELECT contested FROM subscription").fetchone() == (True,)
    await move(service, case, "evidence", Who.HOLDER, note=SECRET, side=Side.RECORDED)
    with pytest.raises(ConflictError, match="both sides"):
        await move(service, case, "same_person")
    await move(service, case, "evidence", Who.CARRIER, note=b"contract", side=Side.OTHER)
    async with service.database.transaction("staff:binh", ministry=True) as session:
        seen = await history.evidence(session, service.keyring, case)
    assert [(each.side, each.content) for each in seen] == [
        (Side.RECORDED, SECRET),
        (Side.OTHER, b"contract"),
    ]
    looked = owner.execute("SELECT actor, detail FROM audit WHERE act = 'case.evidence_seen'").fetchone()
    assert looked == ("staff:binh", {"pieces": 2})
    await move(service, case, "same_person")
    assert owner.execute("SELECT contested FROM subscription").fetchone() == (False,)


async def test_a_holder_disowns_a_number_whose_record_agrees(service, owner):
    await run(service, Sim("one", Verdict.VERIFIED))
    wanted = Wanted("disowned", Who.HOLDER, "not_mine")
    for _ in range(2):
        async with service.database.transaction("holder", ministry=True) as session:
            if _:
                with pytest.raises(ConflictError):
                    await begin(session, service.keyring, "viettel", token("one"), wanted, referral=WEEK)
            else:
                case = await begin(session, service.keyring, "viettel", token("one"), wanted, referral=WEEK)
    assert (case.state, case.version, case.acts) == ("disowned", 1, "carrier")
    assert owner.execute("SELECT contested FROM subscription").fetchone() == (True,)
    async with service.database.transaction("holder", ministry=True) as session:
        with pytest.raises(NotFoundError):
            await begin(session, service.keyring, "viettel", token("none"), wanted, referral=WEEK)


async def test_what_the_registers_owner_does_not_answer_comes_back(service, owner):
    case = await opened(service)
    await move(service, case, "refer")
    with clock.fixed(clock.now() + timedelta(days=6)):
        async with service.database.transaction("job:cases.overdue", ministry=True) as session:
            assert await overdue.take_back(session) == 0
    with clock.fixed(clock.now() + timedelta(days=8)):
        for taken in (1, 0):
            async with service.database.transaction("job:cases.overdue", ministry=True) as session:
                assert await overdue.take_back(session) == taken
    assert owner.execute('SELECT state, acts, due_at, version FROM "case"').fetchone() == (
        "with_staff", "staff", None, 3,
    )  # fmt: skip
    assert owner.execute("SELECT detail FROM audit WHERE act = 'case.overdue'").fetchone() == ({"cases": 1},)


async def test_a_contracts_numbers_are_found_together(service):
    case = await opened(
        service, Sim("one", contract="K"), Sim("two", Verdict.VERIFIED, contract="K"), Sim("three"),
        Sim("four", contract="K", carrier="mobifone"),
    )  # fmt: skip
    async with service.database.transaction("test", ministry=True) as session:
        found = [each for each in await find.page(session, "viettel") if each.case.contract_token]
        mates = await find.contract_mates(session, found[0].case)
        assert [(each.msisdn_token, each.case_id is not None) for each in mates] == [
            (token("one"), True), (token("two"), False)
        ]  # fmt: skip
        alone = [each for each in await find.page(session, "viettel") if not each.case.contract_token]
        assert len(await find.contract_mates(session, alone[0].case)) == 1
    assert case


async def test_who_else_claims_a_number_is_seen_by_the_ministry_alone(service):
    await opened(service, Sim("one"), Sim("one", carrier="mobifone", person="Binh"))
    for carrier, seen in ((None, ["mobifone"]), ("viettel", [])):
        async with service.database.transaction("test", carrier, ministry=carrier is None) as session:
            [found] = await find.page(session, "viettel")
            assert [each.carrier for each in await find.other_claims(session, found.case)] == seen


async def test_a_case_is_found_by_its_code(service):
    await opened(service)
    async with service.database.transaction("test", ministry=True) as session:
        [found] = await find.page(session, "viettel")
        code = found.case.code
        assert (await find.by_code(session, f"{code[:4].lower()} {code[4:]}")).case.id == found.case.id
        assert await find.by_code(session, "K7M2P-9QXRT") is None
