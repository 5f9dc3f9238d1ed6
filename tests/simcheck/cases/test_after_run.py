from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck.cases.after_run import after_run
from simcheck.cases.decide import Wanted, decide
from simcheck.cases.states import Who
from simcheck.reasons import Reason, Verdict
from tests.publishing import Sim, publish, run, token

pytestmark = pytest.mark.anyio
WEEK = timedelta(days=7)
VARIANT = {"verdict": Verdict.VARIANT, "reasons": (Reason.NAME_DIACRITICS,)}
VERIFIED = {"verdict": Verdict.VERIFIED}
COLUMNS = "state, acts, close_reason, contradicted, version"


def case(owner, number: str = "one", carrier: str = "viettel"):
    return owner.execute(
        f'SELECT {COLUMNS} FROM "case" WHERE msisdn_token = %s AND carrier = %s ORDER BY opened_at',
        [token(number), carrier],
    ).fetchall()


def moves(owner, number: str = "one") -> list[str]:
    return [
        row[0]
        for row in owner.execute(
            'SELECT move FROM case_event JOIN "case" ON "case".id = case_id '
            "WHERE msisdn_token = %s ORDER BY case_event.id",
            [token(number)],
        )
    ]


async def move(service, owner, name: str, who: Who = Who.STAFF, number: str = "one", **more) -> None:
    [case_id] = owner.execute(
        'SELECT id FROM "case" WHERE msisdn_token = %s AND closed_at IS NULL', [token(number)]
    ).fetchone()
    async with service.database.transaction("staff:binh", ministry=True) as session:
        await decide(
            session, service.keyring, case_id, Wanted(name, who, "test_reason", **more), referral=WEEK
        )


@pytest.mark.parametrize(
    ("sim", "state", "acts"),
    [
        (Sim("one"), "with_holder", "holder"),
        (Sim("one", **VARIANT), "with_carrier", "carrier"),
        (Sim("one", Verdict.UNVERIFIABLE, (Reason.ID_TYPE_UNSUPPORTED,)), "with_staff", "staff"),
        (Sim("one", reasons=(Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER,)), "with_carrier", "carrier"),
        (Sim("one", reasons=(Reason.MSISDN_DUPLICATE_IN_CARRIER,)), "with_carrier", "carrier"),
        (Sim("one", reasons=(Reason.HOLDER_UNDERAGE,)), "with_holder", "holder"),
        (
            Sim("one", reasons=(Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER, Reason.DOB_DIFFERENT)),
            "with_holder", "holder",
        ),
    ],
)  # fmt: skip
async def test_a_case_opens_with_whoever_has_to_act(service, owner, sim, state, acts):
    assert await run(service, sim) == {"viettel": {"opened": 1}}
    assert case(owner) == [(state, acts, None, False, 1)]


async def test_nothing_opens_for_what_agrees_is_gone_or_was_not_answered(service, owner):
    unanswered = Sim("three", Verdict.UNVERIFIABLE, (Reason.REGISTER_UNANSWERED,))
    assert await run(service, Sim("one", **VERIFIED), Sim("two", None), unanswered) == {}
    assert owner.execute('SELECT count(*) FROM "case"').fetchone() == (0,)


async def test_an_outage_of_the_register_moves_no_case(service, owner):
    await run(service, Sim("one"))
    await run(service, Sim("one", Verdict.UNVERIFIABLE, (Reason.REGISTER_UNANSWERED,)))
    assert moves(owner) == ["opened"]
    await run(service, Sim("one"))
    assert moves(owner) == ["opened"]


async def test_a_case_changes_heals_and_comes_back(service, owner):
    await run(service, Sim("one"))
    await run(service, Sim("one", row=2))
    assert moves(owner) == ["opened"]  # another row of the same facts is nothing new
    await run(service, Sim("one", **VARIANT))
    assert case(owner) == [("with_carrier", "carrier", None, False, 2)]
    await run(service, Sim("one", **VERIFIED))
    assert case(owner) == [("closed", "staff", "agrees", False, 3)]
    await run(service, Sim("one"))
    assert case(owner) == [("with_holder", "holder", None, False, 4)]
    await run(service, Sim("one", None))
    assert case(owner) == [("closed", "staff", "gone", False, 5)]
    assert moves(owner) == ["opened", "changed", "healed", "reopened", "gone"]
    first = owner.execute("SELECT actor, detail ->> 'verdict' FROM case_event ORDER BY id LIMIT 1").fetchone()
    assert first == ("job:runs.publish", "2")


async def test_another_persons_case_is_another_case(service, owner):
    await run(service, Sim("one"))
    await run(service, Sim("one", None))
    await run(service, Sim("one", person="Binh"))
    assert [(each[0], each[2]) for each in case(owner)] == [("closed", "gone"), ("with_holder", None)]


async def test_a_decision_is_respected_until_the_facts_change(service, owner):
    await run(service, Sim("one"))
    await move(service, owner, "same_person")
    decided = [("closed", "staff", "same_person", False, 2)]
    assert case(owner) == decided
    await run(service, Sim("one", row=7))
    await run(service, Sim("one", None))
    await run(service, Sim("one"))
    assert case(owner) == decided
    await run(service, Sim("one", reasons=(Reason.DOB_DIFFERENT,)))
    assert case(owner) == [("with_staff", "staff", None, True, 3)]
    assert moves(owner) == ["opened", "same_person", "reopened"]


async def test_a_decision_lapses_when_the_record_changes_for_the_better(service, owner):
    await run(service, Sim("one"))
    await move(service, owner, "same_person")
    await run(service, Sim("one", **VERIFIED))
    await run(service, Sim("one"))
    assert moves(owner) == ["opened", "same_person", "lapsed", "reopened"]
    assert case(owner)[0][:4] == ("with_staff", "staff", None, True)


async def test_a_disowned_number_is_not_healed_by_a_better_spelling(service, owner):
    await run(service, Sim("one"))
    await move(service, owner, "disowned", Who.HOLDER)
    contested = "SELECT contested FROM subscription"
    assert owner.execute(contested).fetchone() == (True,)
    await run(service, Sim("one", **VARIANT))
    assert case(owner) == [("disowned", "carrier", None, False, 3)]
    await run(service, Sim("one", **VERIFIED))
    assert case(owner) == [("disowned", "carrier", None, True, 4)]
    await run(service, Sim("one", None))
    await run(service, Sim("one", **VERIFIED))
    assert case(owner)[0][:4] == ("disowned", "carrier", None, True)
    assert owner.execute(contested).fetchone() == (True,)
    await run(service, Sim("one", person="Binh", **VERIFIED))
    assert case(owner)[0][:4] == ("closed", "staff", "agrees", False)
    assert owner.execute(contested).fetchone() == (False,)
    assert moves(owner) == ["opened", "disowned", "noted", "contradicted", "gone", "reopened", "healed"]


async def test_new_facts_of_a_referred_case_go_to_staff(service, owner):
    await run(service, Sim("one"))
    await move(service, owner, "refer")
    await run(service, Sim("one", row=9))
    assert case(owner)[0][:2] == ("referred", "register_owner")
    assert owner.execute('SELECT due_at - changed_at FROM "case"').fetchone() == (WEEK,)
    await run(service, Sim("one", reasons=(Reason.DOB_DIFFERENT,)))
    assert case(owner) == [("with_staff", "staff", None, True, 3)]
    assert owner.execute('SELECT due_at FROM "case"').fetchone() == (None,)


async def test_a_referred_case_whose_subscription_comes_back_is_referred_again(service, owner):
    await run(service, Sim("one"))
    await move(service, owner, "refer")
    await run(service, Sim("one", None))
    await run(service, Sim("one"))
    assert case(owner)[0][:2] == ("referred", "register_owner")
    assert owner.execute('SELECT due_at - changed_at FROM "case"').fetchone() == (WEEK,)


async def test_every_carriers_cases_are_its_own(service, owner):
    found = await run(service, Sim("one"), Sim("one", carrier="mobifone"), Sim("two", carrier="mobifone"))
    assert found == {"viettel": {"opened": 1}, "mobifone": {"opened": 2}}
    async with service.database.transaction("client:x", "mobifone") as session:
        from simcheck.cases import find

        assert len(await find.page(session, "mobifone")) == 2
        assert await find.page(session, "viettel") == []
    audited = owner.execute(
        "SELECT stream, act, detail FROM audit WHERE act LIKE 'case.%' ORDER BY 1"
    ).fetchall()
    assert audited == [
        ("case/mobifone", "case.followed", {"opened": 2}), ("case/viettel", "case.followed", {"opened": 1}),
    ]  # fmt: skip


async def test_a_run_that_is_done_again_ends_the_same(service, owner):
    import uuid

    class KilledError(Exception):
        pass

    with pytest.raises(KilledError):
        async with service.database.transaction("job:runs.publish", ministry=True) as session:
            await publish(session, [Sim("one")], uuid.UUID(int=2))
            await after_run(session, uuid.UUID(int=2), referral=WEEK)
            raise KilledError
    assert case(owner) == []
    await run(service, Sim("one"))
    assert len(case(owner)) == 1


async def test_a_code_that_is_taken_is_drawn_again(service, owner, monkeypatch):
    """With an alphabet of codes this small, most draws are taken."""
    import sqlalchemy as sa

    from simcheck.cases import after_run as module

    few = "'C' || (get_byte(bytes, 0) % 8)"
    small = module.OPEN.text.replace(module.codes.sql("bytes"), few)
    monkeypatch.setattr(
        module, "OPEN", sa.text(small).bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
    )
    await run(service, *(Sim(f"n{at}") for at in range(8)))
    assert owner.execute('SELECT count(*), count(DISTINCT code) FROM "case"').fetchone() == (8, 8)
    assert owner.execute("SELECT count(*) FROM case_event").fetchone() == (8,)
