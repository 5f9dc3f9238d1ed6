from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from jobs import bulk as jobs
from simcheck import clock
from simcheck.cases.models import Case
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SamePersonError
from simcheck.review import assign, bulk, bulk_moves, claim, filters
from simcheck.review.bulk import Wish
from simcheck.review.bulk_moves import Outcome
from simcheck.review.filters import Answered, Filter, Open
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio
VIETTEL = Filter(carrier="viettel")


def with_settings(service, settings, **more):
    """The same service, set otherwise."""
    return type(service)(settings.model_copy(update=more), service.keyring, service.database, service.store)


async def drafted(service, who="lan", decision="close", reason="duplicate", filter_=VIETTEL, **more):
    wish = Wish(filter_, decision, reason, **more)
    return await acting(service, who, lambda s: bulk.draft(s, service, wish))


async def proposed(service, who="lan", *given, **more):
    made = await drafted(service, who, *given, **more)
    return await acting(service, who, lambda s: bulk.propose(s, service, made.id))


async def approved(service, who="binh", **more):
    made = await proposed(service, **more)
    if made.state == "approved":
        return made
    return await acting(service, who, lambda s: bulk.approve(s, made.id))


async def carried_out(service, proposal):
    """Every batch, one after the other."""
    while proposal.state == "approved":
        await jobs.batch(service, str(proposal.id))
        proposal = await acting(service, "test", lambda s, i=proposal.id: bulk.one(s, i))
    return proposal


def outcomes(owner):
    return dict(owner.execute("SELECT outcome, count(*) FROM bulk_case GROUP BY outcome").fetchall())


async def test_a_draft_fixes_its_cases_and_a_sample_and_tells_what_would_happen(service, owner):
    cases = [one_case(owner) for _ in range(30)] + [one_case(owner, state="disputed")]
    one_case(owner, carrier="mobifone")
    made = await drafted(service, "lan", "same_person", "spelling", note="Ông A nói vậy")
    assert (made.cases, made.state, made.query, made.proposed_by) == (
        31, "draft", "carrier=viettel", "person:lan",
    )  # fmt: skip
    assert len(set(made.sample)) == bulk.SAMPLE
    assert set(made.sample) <= set(cases)
    one_case(owner)  # comes too late
    async with service.database.transaction("person:lan", ministry=True) as session:
        again = await bulk.one(session, made.id)
        assert again.sample == made.sample
        assert [case.id for case in await bulk.sample(session, again)] == made.sample
        assert await bulk.effects(session, again) == [
            ("with_staff", Outcome.DECIDED, 30), ("disputed", Outcome.DISPUTED, 1),
        ]  # fmt: skip
        carriers, reasons = await bulk.shares(session, again)
        assert bulk.note_of(service, again) == "Ông A nói vậy"
    assert (carriers, reasons) == ([("viettel", 31)], [("NAME_DIFFERENT", 31)])
    assert "Ông".encode() not in owner.execute("SELECT note FROM bulk_proposal").fetchone()[0]
    assert owner.execute("SELECT count(*) FROM bulk_case").fetchone() == (31,)


async def test_what_cannot_be_meant_is_refused_and_leaves_nothing(service, owner, settings):
    with pytest.raises(ConflictError, match="no open case"):
        await drafted(service)
    for _ in range(4):
        one_case(owner)
    for decision, reason, filter_ in (
        ("dispute", "both_claim", VIETTEL), ("close", "spelling", VIETTEL), ("none", "none", VIETTEL),
        ("close", "duplicate", Filter(open=Open.ANY)),
    ):  # fmt: skip
        with pytest.raises(InvalidError):
            await drafted(service, "lan", decision, reason, filter_)
    with pytest.raises(InvalidError, match="more than 3 cases"):
        await drafted(with_settings(service, settings, bulk_cap=3))
    assert owner.execute("SELECT count(*) FROM bulk_proposal").fetchone() == (0,)
    assert (await drafted(with_settings(service, settings, bulk_cap=4))).cases == 4


@pytest.mark.parametrize(
    ("decision", "reason", "columns", "more", "second"),
    [
        ("close", "duplicate", {}, {}, False),
        ("close", "duplicate", {"severity": 2}, {}, True),
        ("close", "duplicate", {"severity": 2}, {"bulk_alone_severity": "grave"}, False),
        ("close", "duplicate", {}, {"bulk_alone_cases": 0}, True),
        ("suspend", "fraud_suspected", {}, {}, True),
        ("not_the_holder", "deceased", {}, {}, True),
    ],
)
async def test_who_needs_a_second_person(
    service, owner, settings, decision, reason, columns, more, second
):  # fmt: skip
    one_case(owner, **columns)
    made = await proposed(with_settings(service, settings, **more), "lan", decision, reason)
    assert (made.second, made.state) == (second, "proposed" if second else "approved")


async def test_nobody_approves_or_refuses_what_they_proposed(service, owner):
    one_case(owner)
    made = await proposed(service, "lan", "suspend", "no_answer")
    with pytest.raises(SamePersonError):
        await acting(service, "lan", lambda s: bulk.approve(s, made.id))
    with pytest.raises(SamePersonError):
        await acting(service, "lan", lambda s: bulk.refuse(s, made.id, "too_broad"))
    forged = (
        "UPDATE bulk_proposal SET state = 'approved', begun_at = now(), approved_by = %s",
        ["person:lan"],
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="four_eyes"):
        owner.execute(*forged)
    with pytest.raises(psycopg.errors.CheckViolation, match="approved_check"):
        owner.execute("UPDATE bulk_proposal SET state = 'approved', begun_at = now()")
    with pytest.raises(psycopg.errors.CheckViolation, match="second_check"):
        owner.execute("UPDATE bulk_proposal SET second = false")
    for column in ("proposed_by", "second", "decision", "query", "sample", "cases"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            await acting(
                service, "lan", lambda s, c=column: s.execute(sa.text(f"UPDATE bulk_proposal SET {c} = {c}"))
            )
    done = await acting(service, "binh", lambda s: bulk.approve(s, made.id))
    assert (done.state, done.approved_by) == ("approved", "person:binh")


async def test_refused_withdrawn_and_expired_proposals_decide_nothing(service, owner):
    case = one_case(owner)
    made = await proposed(service, "lan", "suspend", "no_answer")
    with pytest.raises(InvalidError):
        await acting(service, "binh", lambda s: bulk.refuse(s, made.id, "no such reason"))
    with pytest.raises(NotFoundError):
        await acting(service, "binh", lambda s: bulk.withdraw(s, made.id))
    refused = await acting(service, "binh", lambda s: bulk.refuse(s, made.id, "too_broad"))
    assert (refused.state, refused.why, refused.settled_by) == ("refused", "too_broad", "person:binh")
    with pytest.raises(ConflictError, match="refused already"):
        await acting(service, "binh", lambda s: bulk.approve(s, made.id))
    made = await proposed(service, "lan", "suspend", "no_answer")
    assert (await acting(service, "lan", lambda s: bulk.withdraw(s, made.id))).state == "withdrawn"
    made = await proposed(service, "lan", "suspend", "no_answer")
    with clock.fixed(clock.now() + timedelta(hours=73)):
        with pytest.raises(ConflictError, match="time is over"):
            await acting(service, "binh", lambda s: bulk.approve(s, made.id))
        await jobs.follow(service)
    assert (await acting(service, "lan", lambda s: bulk.one(s, made.id))).state == "expired"
    assert owner.execute("SELECT count(*) FROM bulk_case").fetchone() == (0,)
    assert await carried_out(service, made)
    assert owner.execute('SELECT state, version FROM "case" WHERE id = %s', [case]).fetchone() == (
        "with_staff",
        1,
    )
    acts = {act for (act,) in owner.execute("SELECT act FROM audit WHERE act LIKE 'bulk.%%'", [])}
    assert acts == {"bulk.drafted", "bulk.proposed", "bulk.refused", "bulk.withdrawn", "bulk.expired"}


async def test_what_left_the_filter_or_changed_or_was_taken_is_skipped(service, owner):
    names = "stays changed pending claimed mine old_claim left closed held".split()
    cases = {name: one_case(owner, answer="confirmed") for name in names}
    made = await drafted(service, "lan", "suspend", "no_answer", Filter(answer=Answered.CONFIRMED))
    new = one_case(owner, answer="confirmed")

    def let(name, what):
        owner.execute(f'UPDATE "case" SET {what} WHERE id = %s', [cases[name]])

    let("changed", "version = 2")
    let("pending", "pending = true")
    let("left", "answer = 'differs'")
    let(
        "closed",
        "closed_at = now(), close_reason = 'agrees', state = 'closed', target_at = NULL, clock_left = '1h'",
    )
    let("held", "held = true")
    for name, who in (("claimed", "binh"), ("mine", "lan")):
        await acting(service, who, lambda s, n=name, w=who: claim.claim(s, service.settings, cases[n], w))
    let("old_claim", "claimed_by = 'binh', claimed_until = now() - interval '1 minute'")
    await acting(service, "lan", lambda s: bulk.propose(s, service, made.id))
    made = await acting(service, "binh", lambda s: bulk.approve(s, made.id))
    dry = await acting(service, "binh", lambda s: bulk.effects(s, made))
    done = await carried_out(service, made)
    assert (done.state, done.decided, done.skipped) == ("done", 3, 6)
    assert outcomes(owner) == {
        "decided": 3, "changed": 1, "pending": 1, "left": 1, "closed": 1, "held": 1, "claimed": 1,
    }  # fmt: skip
    assert {(each.outcome, each.cases) for each in dry} == {
        (Outcome(name), count) for name, count in outcomes(owner).items()
    }
    suspended = {each for (each,) in owner.execute("SELECT id FROM \"case\" WHERE state = 'suspension'")}
    assert suspended == {cases["stays"], cases["mine"], cases["old_claim"]}
    assert new not in suspended


async def test_desk_acts_can_bring_no_case_into_a_proposal(service, owner):
    """Why the cases are kept and not a moment: an assignment leaves no trace in the case's version."""
    mine, other = one_case(owner, assignee="lan"), one_case(owner)
    made = await drafted(service, filter_=filters.read("assigned=me"))
    await acting(service, "chi", lambda s: assign.assign(s, other, "lan"))
    await acting(service, "lan", lambda s: bulk.propose(s, service, made.id))
    done = await carried_out(service, await acting(service, "lan", lambda s: bulk.one(s, made.id)))
    assert (done.decided, done.skipped) == (1, 0)
    assert owner.execute("SELECT id FROM \"case\" WHERE state = 'closed'").fetchall() == [(mine,)]


async def test_two_proposals_about_the_same_cases_decide_each_once(service, owner, settings):
    for _ in range(40):
        one_case(owner)
    small = with_settings(service, settings, bulk_batch=7)
    one, other = [await approved(small, decision="suspend", reason="no_answer") for _ in range(2)]
    await asyncio.gather(carried_out(small, one), carried_out(small, other))
    assert owner.execute("SELECT sum(decided), sum(skipped) FROM bulk_proposal").fetchone() == (40, 40)
    assert owner.execute(
        "SELECT count(*), count(DISTINCT case_id) FROM case_event WHERE move = 'suspend'"
    ).fetchone() == (40, 40)


async def test_two_people_approve_at_once_and_one_does(service, owner):
    one_case(owner)
    made = await proposed(service, "lan", "suspend", "no_answer")
    both = [acting(service, who, lambda s: bulk.approve(s, made.id)) for who in ("binh", "chi")]
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["BulkProposal", "ConflictError"]


async def test_a_stop_ends_it_after_the_batch_that_runs(service, owner, settings):
    for _ in range(9):
        one_case(owner)
    small = with_settings(service, settings, bulk_batch=4)
    made = await approved(small)
    await jobs.batch(small, str(made.id))
    stopped = await acting(small, "binh", lambda s: bulk.stop(s, made.id))
    assert (stopped.state, stopped.decided, stopped.settled_by) == ("stopped", 4, "person:binh")
    await jobs.follow(small)
    await jobs.batch(small, str(made.id))
    assert outcomes(owner) == {"decided": 4, None: 5}
    with pytest.raises(ConflictError, match="nothing to be stopped"):
        await acting(small, "binh", lambda s: bulk.stop(s, made.id))


async def test_the_list_shows_others_no_drafts_and_goes_on(service, owner, monkeypatch):
    monkeypatch.setattr(bulk, "PAGE", 2)
    one_case(owner)
    for _ in range(3):
        await drafted(service)
    seen = await acting(service, "lan", bulk.page)
    rest = await acting(service, "lan", lambda s: bulk.page(s, before=seen[-1].id))
    assert (len(seen), len(rest)) == (2, 1)
    assert seen[0].proposed_at > seen[1].proposed_at > rest[0].proposed_at
    assert await acting(service, "binh", bulk.page) == []
    with pytest.raises(NotFoundError):
        await acting(service, "lan", lambda s: bulk.one(s, uuid.UUID(int=1)))


async def test_cases_that_somebody_holds_wait_for_a_later_batch(service, owner):
    held, _ = one_case(owner), one_case(owner)
    made = await approved(service)
    async with service.database.transaction("test", ministry=True) as session:
        await session.get(Case, held, with_for_update={"key_share": True})
        async with service.database.transaction("person:lan", ministry=True) as other:
            went = await bulk_moves.batch(other, service, made.id)
        assert (went.outcomes, went.more, went.busy) == ({Outcome.DECIDED: 1}, True, False)
        async with service.database.transaction("person:lan", ministry=True) as other:
            went = await bulk_moves.batch(other, service, made.id)
        assert (went.outcomes, went.more, went.busy) == ({}, True, True)
    done = await carried_out(service, made)
    assert (done.decided, done.batches) == (2, 2)
