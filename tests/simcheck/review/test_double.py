from __future__ import annotations

import uuid
from datetime import timedelta

import psycopg
import pytest

from jobs import bulk as bulk_jobs
from jobs import review as jobs
from simcheck import clock
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.review import agreement, bulk, claim, decide, double
from simcheck.review.agreement import By
from simcheck.review.bulk import Wish
from simcheck.review.decide import Choice
from simcheck.review.double import Judgement
from simcheck.review.filters import Filter
from simcheck.review.models import RightOne
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(service, settings):
    return type(service)(
        settings.model_copy(update={"double_per_mille": 1000}), service.keyring, service.database,
        service.store,
    )  # fmt: skip


async def decided(service, owner, decision="close", reason="duplicate", who="lan"):
    """A case that somebody decided; the decision binds."""
    case = one_case(owner)
    await acting(service, who, lambda s: claim.claim(s, service.settings, case, who))
    await acting(service, who, lambda s: decide.decide(s, service, case, who, Choice(decision, reason, 1)))
    with clock.fixed(clock.now() + timedelta(seconds=11)):
        await jobs.bind_due(service)
    return case


async def judged(service, who="binh", decision="close", reason="duplicate", **more):
    taken = await acting(service, who, lambda s: double.take(s, service))
    wanted = Judgement(decision, reason, **more)
    agrees = await acting(service, who, lambda s: double.judge(s, service, taken.id, wanted))
    return taken, agrees


def moves(owner, case):
    rows = owner.execute("SELECT move FROM case_event WHERE case_id = %s ORDER BY id", [case])
    return [each for (each,) in rows]


async def test_a_decided_case_is_judged_again_as_it_was_by_somebody_else(service, owner):
    case = await decided(service, owner)
    assert await acting(service, "lan", lambda s: double.take(s, service)) is None
    assert await acting(service, "lan", double.waiting) == 0
    assert await acting(service, "binh", double.waiting) == 1
    taken, agrees = await judged(service)
    assert agrees
    assert (taken.case_id, taken.state_then, taken.version) == (case, "with_staff", 1)
    assert owner.execute('SELECT state FROM "case"').fetchone() == ("closed",)
    assert moves(owner, case) == ["decided", "close"]  # nothing of it where both agree
    with pytest.raises(ConflictError, match="do not have"):
        await acting(
            service, "chi", lambda s: double.judge(s, service, taken.id, Judgement("close", "duplicate"))
        )


async def test_where_they_differ_history_says_so_and_a_third_one_settles_it(service, owner):
    case = await decided(service, owner)
    taken, agrees = await judged(service, "binh", "suspend", "fraud_suspected", note="Ông A đã mất")
    assert not agrees
    assert moves(owner, case)[-1] == "doubted"
    assert "Ông".encode() not in owner.execute("SELECT note FROM double_review").fetchone()[0]
    assert [each.id for each in await acting(service, "chi", double.apart)] == [taken.id]
    for who in ("lan", "binh"):
        with pytest.raises(ConflictError, match="is yours"):
            await acting(service, who, lambda s: double.settle(s, taken.id, RightOne.FIRST))
    await acting(service, "chi", lambda s: double.settle(s, taken.id, RightOne.SECOND))
    assert moves(owner, case)[-1] == "settled"
    assert await acting(service, "chi", double.apart) == []
    with pytest.raises(ConflictError, match="nothing to be settled"):
        await acting(service, "dung", lambda s: double.settle(s, taken.id, RightOne.FIRST))
    assert owner.execute('SELECT state FROM "case"').fetchone() == ("closed",)


async def test_the_table_itself_holds_the_second_to_be_another_one(service, owner):
    await decided(service, owner)
    wanted = "second_by = 'person:lan', second_decision = 'close', second_reason = 'x', second_at = now()"
    for what, name in (
        (wanted, "blind"), ("claimed_by = 'person:lan', claimed_until = now()", "other_eyes"),
        ("first_also = 'person:binh', claimed_by = 'person:binh', claimed_until = now()", "other_eyes"),
        (f"{wanted.replace('lan', 'binh').replace('close', 'suspend')}, right_one = 'first', "
         "settled_by = 'person:binh', settled_at = now()", "third"),
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.CheckViolation, match=name):
            owner.execute(f"UPDATE double_review SET {what}")


async def test_neither_proposer_nor_approver_judges_what_they_decided_in_bulk(service, owner):
    cases = {one_case(owner) for _ in range(3)}
    wish = Wish(Filter(), "suspend", "no_answer")
    made = await acting(service, "lan", lambda s: bulk.draft(s, service, wish))
    await acting(service, "lan", lambda s: bulk.propose(s, service, made.id))
    await acting(service, "binh", lambda s: bulk.approve(s, made.id))
    await bulk_jobs.batch(service, str(made.id))
    for who in ("lan", "binh"):
        assert await acting(service, who, lambda s: double.take(s, service)) is None
    seen = set()
    for _ in range(3):
        taken, agrees = await judged(service, "chi", "suspend", "no_answer")
        seen.add(taken.case_id)
        assert agrees
    assert seen == cases
    assert taken.state_then == "with_staff"


async def test_a_lot_is_drawn_alike_in_both_ways_and_falls_on_its_share(service, owner, settings):
    cases = [one_case(owner) for _ in range(400)]
    drawn = {case for case in cases if double._lot(service.keyring, case, 1) < 300}
    some = type(service)(
        settings.model_copy(update={"double_per_mille": 300, "bulk_alone_cases": 1000}), service.keyring,
        service.database, service.store,
    )  # fmt: skip
    wish = Wish(Filter(), "ask_carrier", "ported")
    made = await acting(some, "lan", lambda s: bulk.draft(s, some, wish))
    await acting(some, "lan", lambda s: bulk.propose(s, some, made.id))
    await bulk_jobs.batch(some, str(made.id))
    assert {each for (each,) in owner.execute("SELECT case_id FROM double_review")} == drawn
    assert 70 < len(drawn) < 170


async def test_two_reviewers_get_two_cases_and_a_lease_that_ran_out_judges_nothing(service, owner):
    await decided(service, owner)
    await decided(service, owner)
    one = await acting(service, "binh", lambda s: double.take(s, service))
    other = await acting(service, "chi", lambda s: double.take(s, service))
    assert one.id != other.id
    assert (await acting(service, "binh", lambda s: double.take(s, service))).id == one.id
    wanted = Judgement("close", "duplicate")
    with clock.fixed(clock.now() + timedelta(minutes=16)), pytest.raises(ConflictError):
        await acting(service, "binh", lambda s: double.judge(s, service, one.id, wanted))
    for decision, reason in (("hold", "court"), ("close", "court"), ("none", "x")):
        wrong = Judgement(decision, reason)
        with pytest.raises(InvalidError):
            await acting(service, "chi", lambda s, w=wrong: double.judge(s, service, other.id, w))
    with pytest.raises(NotFoundError):
        await acting(service, "chi", lambda s: double.judge(s, service, uuid.UUID(int=1), wanted))


async def test_a_decision_that_was_overtaken_or_holds_is_not_judged_again(service, owner):
    await decided(service, owner, "hold", "court")
    case = one_case(owner)
    await acting(service, "lan", lambda s: claim.claim(s, service.settings, case, "lan"))
    choice = Choice("close", "duplicate", 1)
    await acting(service, "lan", lambda s: decide.decide(s, service, case, "lan", choice))
    owner.execute('UPDATE "case" SET version = 2 WHERE id = %s', [case])
    with clock.fixed(clock.now() + timedelta(seconds=11)):
        await jobs.bind_due(service)
    assert owner.execute("SELECT count(*) FROM double_review").fetchone() == (0,)


async def test_figures_by_reviewer_decision_reason_and_month(service, owner):
    for _ in range(3):
        await decided(service, owner)
        await judged(service)
    await decided(service, owner, "suspend", "no_answer", "chi")
    await judged(service, "binh", "close", "duplicate")
    found = {by: await acting(service, "test", lambda s, b=by: agreement.figures(s, b)) for by in By}
    whole = {each[0] for each in found.values()}
    assert whole == {agreement.Agreement("", 4, 3, 0.0)}
    groups = {by: {each.value: (each.judged, each.agreed) for each in found[by][1]} for by in By}
    assert groups[By.REVIEWER] == {"lan": (3, 3), "chi": (1, 0)}
    assert groups[By.DECISION] == {"close": (4, 3), "suspend": (1, 0)}
    assert groups[By.REASON] == {"NAME_DIFFERENT": (4, 3)}
    assert list(groups[By.MONTH].values()) == [(4, 3)]
