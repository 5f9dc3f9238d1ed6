from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from jobs import review as jobs
from simcheck import clock
from simcheck.cases import find
from simcheck.cases.decide import Wanted
from simcheck.cases.decide import decide as make_move
from simcheck.cases.history import evidence
from simcheck.cases.models import Case
from simcheck.cases.states import Who
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages.words import Language
from simcheck.review import claim, decide, words
from simcheck.review.changes import StaleError
from simcheck.review.claim import LeaseLostError
from simcheck.review.decide import Choice
from simcheck.review.filters import Filter
from tests.publishing import Sim, run
from tests.reviewing import acting

pytestmark = pytest.mark.anyio
WEEK = timedelta(days=7)
NOTE = "Ông A nói số này của ông"


@pytest.fixture(autouse=True)
def carriers(owner):
    for code in ("viettel", "mobifone"):
        owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [code])


async def opened(service, who="lan", *sims):
    """The cases of some subscriptions; `who` has the first one in hand."""
    await run(service, *(sims or (Sim("one"),)))
    async with service.database.transaction("test", ministry=True) as session:
        cases = [each.case.id for each in await find.page(session, "viettel")]
    await acting(service, who, lambda s: claim.claim(s, service.settings, cases[0], who))
    return cases[0]


async def decided(service, case, decision="same_person", reason="spelling", who="lan", version=1, **more):
    then = more.pop("then", None)
    choice = Choice(decision, reason, version, **more)
    return await acting(service, who, lambda s: decide.decide(s, service, case, who, choice, then=then))


async def later(service, seconds=10.0):
    """What the sweep does so many seconds from now."""
    with clock.fixed(clock.now() + timedelta(seconds=seconds)):
        await jobs.bind_due(service)


def row(owner, case):
    [found] = owner.execute('SELECT to_jsonb("case") FROM "case" WHERE id = %s', [case]).fetchone()
    return found


def moves(owner, case):
    return [
        each
        for (each,) in owner.execute("SELECT move FROM case_event WHERE case_id = %s ORDER BY id", [case])
    ]


async def test_a_decision_binds_after_its_seconds_in_the_name_of_whoever_decided(service, owner):
    case = await opened(service)
    made = await decided(service, case, note=NOTE)
    assert row(owner, case)["state"] == "with_holder"
    assert row(owner, case)["pending"]
    await later(service, 9)
    assert row(owner, case)["state"] == "with_holder"
    await later(service)
    after = row(owner, case)
    assert (after["state"], after["decision"], after["decided_by"]) == ("closed", "same_person", "person:lan")
    assert (after["pending"], after["claimed_by"], after["version"]) == (False, None, 2)
    assert moves(owner, case) == ["opened", "decided", "same_person"]
    assert owner.execute("SELECT state FROM desk_decision").fetchall() == [("bound",)]
    async with service.database.transaction("person:lan", ministry=True) as session:
        assert [each.content.decode() for each in await evidence(session, service.keyring, case)] == [NOTE]
    stored = owner.execute("SELECT note FROM desk_decision").fetchone()[0]
    assert "Ông".encode() not in stored
    with pytest.raises(ConflictError, match="binds already"):
        await acting(service, "lan", lambda s: decide.undo(s, made.decision.id))


async def test_an_undo_leaves_the_case_as_it_was_and_both_acts_in_its_history(service, owner):
    case = await opened(service)
    before = row(owner, case)
    webhooks = owner.execute("SELECT count(*) FROM webhook_delivery").fetchone()
    made = await decided(service, case, "not_the_holder", "another_person")
    assert owner.execute("SELECT contested FROM subscription").fetchone() == (False,)
    with pytest.raises(NotFoundError):
        await acting(service, "binh", lambda s: decide.undo(s, made.decision.id))
    await acting(service, "lan", lambda s: decide.undo(s, made.decision.id))
    assert row(owner, case) == before
    assert moves(owner, case) == ["opened", "decided", "undone"]
    acts = [
        act for (act,) in owner.execute("SELECT act FROM audit WHERE act LIKE 'case.%%' ORDER BY at, seq", [])
    ]
    assert acts[-2:] == ["case.decided", "case.undone"]
    assert owner.execute("SELECT count(*) FROM webhook_delivery").fetchone() == webhooks
    with pytest.raises(ConflictError, match="undone already"):
        await acting(service, "lan", lambda s: decide.undo(s, made.decision.id))
    await later(service)
    assert row(owner, case) == before
    await decided(service, case)  # and it is still in the same hands


async def test_an_undo_that_comes_too_late_is_refused_though_no_job_came(service, owner):
    case = await opened(service)
    made = await decided(service, case)
    with clock.fixed(made.decision.binds_at), pytest.raises(ConflictError, match="binds already"):
        await acting(service, "lan", lambda s: decide.undo(s, made.decision.id))


async def test_of_an_undo_and_the_clock_one_wins(service, owner):
    case = await opened(service)
    made = await decided(service, case)

    async def undone():
        with clock.fixed(made.decision.binds_at - timedelta(milliseconds=1)):
            await acting(service, "lan", lambda s: decide.undo(s, made.decision.id))

    results = await asyncio.gather(undone(), later(service, 11), return_exceptions=True)
    state = owner.execute("SELECT state FROM desk_decision").fetchone()[0]
    assert (state == "undone") == (row(owner, case)["state"] == "with_holder")
    assert (state == "bound") == isinstance(results[0], ConflictError)


async def test_a_decision_that_was_overtaken_does_nothing_and_says_why(service, owner):
    case = await opened(service)
    await decided(service, case)
    await run(service, Sim("one", person="Binh"))
    await later(service)
    after = row(owner, case)
    assert (after["state"], after["decision"], after["pending"]) == ("with_holder", None, False)
    assert moves(owner, case) == ["opened", "decided", "changed", "overtaken"]
    for all_of_them in (True, False):
        [made] = await acting(
            service,
            "lan",
            lambda s: decide.recent(s, clock.now() - WEEK, all_of_them=all_of_them),  # noqa: B023
        )
        assert made.state == "overtaken"
    [(why,)] = owner.execute("SELECT why FROM desk_decision").fetchall()
    assert "version 2" in why


async def test_a_stale_decision_is_refused_with_who_what_and_when(service, owner):
    case = await opened(service)
    async with service.database.transaction("person:binh", ministry=True) as session:
        await make_move(
            session, service.keyring, case, Wanted("ask_carrier", Who.STAFF, "seen"), referral=WEEK
        )
    await run(service, Sim("one", person="Binh"))
    with pytest.raises(
        StaleError, match=r"binh asked the carrier; .*A check found the record changed"
    ) as stale:
        await decided(service, case)
    assert [each.move for each in stale.value.changes] == ["ask_carrier", "changed"]
    assert "binh hỏi nhà mạng" in stale.value.changes[0].said(Language.VI)
    assert not row(owner, case)["pending"]


async def test_a_lease_that_ran_out_in_mid_decision(service, owner):
    case = await opened(service)
    with clock.fixed(clock.now() + timedelta(minutes=16)):
        with pytest.raises(LeaseLostError, match="ran out"):
            await decided(service, case)
        await acting(service, "binh", lambda s: claim.claim(s, service.settings, case, "binh"))
        with pytest.raises(LeaseLostError, match="binh has this case now"):
            await decided(service, case)
        await decided(service, case, who="binh")
    assert moves(owner, case) == ["opened", "decided"]


async def test_two_reviewers_on_one_case(service, owner):
    case = await opened(service)
    both = await asyncio.gather(
        decided(service, case), decided(service, case, who="binh"), return_exceptions=True
    )
    assert [type(each).__name__ for each in both] == ["Made", "LeaseLostError"]
    twice = await asyncio.gather(*(decided(service, case) for _ in range(2)), return_exceptions=True)
    assert {type(each).__name__ for each in twice} == {"ConflictError"}
    assert "on its way" in str(twice[0])


async def test_the_next_case_comes_at_once(service, owner):
    first = await opened(service, "lan", Sim("one"), Sim("two"))
    made = await decided(service, first, then=Filter())
    assert made.next is not None
    assert made.next.id != first
    assert (made.next.claimed_by, made.next.pending) == ("lan", False)
    assert (await decided(service, made.next.id, then=Filter())).next is None


async def test_what_is_no_decision_or_reason_or_move_is_refused(service, owner):
    case = await opened(service)
    for decision, reason in (("healed", "spelling"), ("same_person", "because"), ("close", "spelling")):
        with pytest.raises(InvalidError, match="choose one of"):
            await decided(service, case, decision, reason)
    with pytest.raises(InvalidError, match="note"):
        await decided(service, case, note="x" * 70_000)
    for decision, reason in (("ask_holder", "who_uses_it"), ("release", "looked_into")):
        with pytest.raises(ConflictError):
            await decided(service, case, decision, reason)
    assert moves(owner, case) == ["opened"]


EXPECTED = {
    "same_person": "closed", "ask_carrier": "with_carrier", "not_the_holder": "disowned",
    "register_wrong": "referred", "dispute": "disputed", "suspend": "suspension", "hold": "with_holder",
    "close": "closed",
}  # fmt: skip


async def test_every_decision_makes_its_move(service, owner):
    assert set(EXPECTED) | {"ask_holder", "release"} == set(words.decisions())
    sims = [Sim(name) for name in EXPECTED]
    await run(service, *sims)
    async with service.database.transaction("test", ministry=True) as session:
        cases = list(await session.scalars(sa.select(Case.id)))
    for case, decision in zip(cases, EXPECTED, strict=True):
        await acting(service, "lan", lambda s, case=case: claim.claim(s, service.settings, case, "lan"))
        await decided(service, case, decision, next(iter(words.decisions()[decision].reasons)))
    await later(service)
    for case, (decision, state) in zip(cases, EXPECTED.items(), strict=True):
        assert (row(owner, case)["state"], row(owner, case)["held"]) == (state, decision == "hold"), decision


async def test_a_hold_keeps_a_suspension_away_until_it_is_lifted(service, owner):
    case = await opened(service)

    async def bound(decision, reason, version):
        await acting(service, "lan", lambda s: claim.claim(s, service.settings, case, "lan"))
        await decided(service, case, decision, reason, version=version)
        await later(service)

    await bound("hold", "court", 1)
    assert row(owner, case)["held"]
    with pytest.raises(ConflictError, match="Release it first"):
        await bound("suspend", "no_answer", 2)
    await run(service, Sim("one", person="Binh"))
    assert row(owner, case)["held"], "whatever a run finds"
    await bound("release", "looked_into", 3)
    await bound("suspend", "no_answer", 4)
    after = row(owner, case)
    assert (after["state"], after["acts"], after["held"]) == ("suspension", "carrier", False)
    await run(service, Sim("one", person="Binh", contract="C1"))
    assert row(owner, case)["state"] == "with_holder", "other facts end it"
