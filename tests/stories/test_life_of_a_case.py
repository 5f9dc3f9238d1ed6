"""Runs, decisions and returns in any order: what must hold of cases whatever happens."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from simcheck.cases.decide import Side, Wanted, begin, decide
from simcheck.cases.models import Case, CaseEvent
from simcheck.cases.states import ACTS, MOVES, OF_PERSONS, State, Who
from simcheck.db.engine import Database
from simcheck.errors import ConflictError
from simcheck.reasons import Reason, Verdict
from tests import publishing
from tests.publishing import Sim, token

FOUND = st.sampled_from(
    [
        (Verdict.VERIFIED, ()),
        (Verdict.VARIANT, (Reason.NAME_DIACRITICS,)),
        (Verdict.MISMATCH, (Reason.NAME_DIFFERENT,)),
        (Verdict.MISMATCH, (Reason.DOB_DIFFERENT,)),
        (Verdict.MISMATCH, (Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER,)),
        (Verdict.UNVERIFIABLE, (Reason.ID_TYPE_UNSUPPORTED,)),
        (Verdict.UNVERIFIABLE, (Reason.REGISTER_UNANSWERED,)),
        (None, ()),
    ]
)
BY_PEOPLE = sorted({(m.name, w.value) for m in MOVES for w in m.who} - {(m.name, "run") for m in MOVES}
                   - {("overdue", "clock")})  # fmt: skip
STEPS = {move.name: set() for move in MOVES}
for each in MOVES:
    STEPS[each.name] |= each.steps


class Cases(RuleBasedStateMachine):
    """One number at one carrier; a new number for every example."""

    keyring = None
    database: Database
    runner: asyncio.Runner

    def __init__(self):
        super().__init__()
        self.number = uuid.uuid4().hex
        self.sim = Sim(self.number, None)
        self.decided: tuple[str, Sim, uuid.UUID] | None = None  # by a person, and on which record

    def within(self, work):
        async def transact():
            async with self.database.transaction("staff:binh", ministry=True) as session:
                return await work(session)

        return self.runner.run(transact())

    def cases(self) -> list[Case]:
        mine = sa.select(Case).where(Case.msisdn_token == token(self.number)).order_by(Case.opened_at)
        return self.within(lambda session: listed(session, mine))

    @property
    def open(self) -> Case | None:
        return next((case for case in self.cases() if case.closed_at is None), None)

    @rule(found=FOUND, person=st.sampled_from(["An", "Binh"]), row=st.integers(1, 2), by=st.integers(1, 2))
    def run(self, found, person, row, by):
        before, was_open = self.sim, self.open
        self.sim = Sim(self.number, found[0], found[1], person, row=row, claimants=by)
        self.runner.run(publishing.run(self, self.sim))
        self.respects(was_open)
        if before.values == self.sim.values:
            after = self.open
            assert (was_open and was_open.version) == (after and after.version)

    @rule(row=st.integers(3, 9))
    def run_again(self, row):
        """The same facts in another row; now and then after the carrier had left it out."""
        if self.sim.verdict is None:
            return
        if row % 2:
            self.runner.run(publishing.run(self, replace(self.sim, verdict=None)))
        was_open, self.sim = self.open, replace(self.sim, row=row)
        self.runner.run(publishing.run(self, self.sim))
        self.respects(was_open)

    @rule(found=st.sampled_from([(Verdict.VERIFIED, ()), (Verdict.VARIANT, (Reason.NAME_DIACRITICS,))]))
    def run_after_mending(self, found):
        """The carrier spells the same person better."""
        if self.sim.verdict is not None:
            was_open, self.sim = self.open, replace(self.sim, verdict=found[0], reasons=found[1])
            self.runner.run(publishing.run(self, self.sim))
            self.respects(was_open)

    def respects(self, was_open: Case | None) -> None:
        """A person's decision holds as long as what it was made on; then it may not be quietly undone."""
        if self.decided is None or Reason.REGISTER_UNANSWERED in self.sim.reasons:
            return
        name, on, case_id = self.decided
        [case] = [case for case in self.cases() if case.id == case_id]
        if self.sim.verdict is None:
            return  # gone, and the decision waits for its return
        of_person = name in OF_PERSONS
        if on.person == self.sim.person if of_person else on.values["facts"] == self.sim.values["facts"]:
            if of_person or case.decided_facts is not None:
                assert case.decision == name
                assert (case.closed_at is None) == (name in {"refer", "suspend", *OF_PERSONS})
                if of_person:
                    assert case.decided_facts is not None
                    assert case.contradicted or self.sim.verdict is not Verdict.VERIFIED
        else:
            wrong = self.sim.verdict is not Verdict.VERIFIED
            if (
                case.closed_at is None
                and wrong
                and was_open is None
                and name in {"same_person", "close", "corrected"}
            ):
                assert case.contradicted
                assert case.state == State.WITH_STAFF
            self.decided = None

    @rule(what=st.sampled_from(BY_PEOPLE), seen=st.booleans())
    def decide(self, what, seen):
        name, who = what[0], Who(what[1])
        case = self.open
        if self.sim.verdict is None or Reason.REGISTER_UNANSWERED in self.sim.reasons:
            return
        state = State(case.state) if case else None
        fits = any((m.name, state) == (name, s) and who in m.who for m in MOVES for s in m.start)
        evidence = {"note": b"x", "side": Side.OTHER} if name == "evidence" else {}
        version = (case.version if seen else case.version - 1) if case else None
        wanted = Wanted(name, who, "tried", version, **evidence)

        async def made(session):
            return await begin(
                session, self.keyring, "viettel", token(self.number), wanted, referral=timedelta(days=7)
            )

        try:
            done = self.within(made)
        except ConflictError as error:
            self.may_refuse(str(error), fits, case, seen)
        else:
            assert fits
            assert seen or not case
            if done.decision == name and done.decided_at == done.changed_at:
                self.decided = (name, self.sim, done.id)

    def may_refuse(self, said: str, fits: bool, case: Case | None, seen: bool) -> None:
        assert not fits or (case and not seen) or "both sides" in said or "on hold" in said

    @rule(name=st.sampled_from(["same_person", "close", "refer", "disowned"]))
    def decide_well(self, name):
        """A decision that is there to be made: most of those tried at random are not."""
        self.decide((name, "staff"), seen=True)

    @precondition(lambda self: self.open is not None and self.open.state == State.DISPUTED)
    @rule()
    def hear_both(self):
        case = self.open

        async def heard(session):
            for side in Side:
                wanted = Wanted("evidence", Who.STAFF, "heard", note=b"x", side=side)
                await decide(session, self.keyring, case.id, wanted, referral=timedelta(days=7))

        self.within(heard)

    @invariant()
    def one_case_is_open_at_most(self):
        assert sum(case.closed_at is None for case in self.cases()) <= 1

    @invariant()
    def a_wrong_record_has_a_case_that_is_open_or_was_decided(self):
        if self.sim.verdict in {None, Verdict.VERIFIED} or Reason.REGISTER_UNANSWERED in self.sim.reasons:
            return
        newest = self.cases()[-1]
        assert newest.closed_at is None or newest.close_reason in {"same_person", "corrected", "no_action"}

    @invariant()
    def the_history_is_complete_and_by_the_table(self):
        for case in self.cases():
            its = sa.select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)
            events = self.within(lambda session, its=its: listed(session, its))
            assert len(events) == case.version
            at = None
            for event in events:
                assert event.from_state == at
                start = None if at is None else State(at)
                assert (start, State(event.to_state)) in STEPS[event.move], (event.move, at, event.to_state)
                at = event.to_state
            assert at == case.state
            assert case.acts == ACTS[State(case.state)]
            assert (case.closed_at is not None) == (case.state == State.CLOSED)
            assert (case.due_at is not None) == (case.state == State.REFERRED)

    @invariant()
    def what_is_contested_is_told_to_whoever_asks(self):
        case = self.open
        contested = self.within(
            lambda session: session.scalar(
                sa.text("SELECT contested FROM subscription WHERE msisdn_token = :t"),
                {"t": token(self.number)},
            )
        )
        if contested is not None and Reason.REGISTER_UNANSWERED not in self.sim.reasons:
            held = case is not None and case.decision in OF_PERSONS and case.decided_facts is not None
            assert contested == held


async def listed(session, query):
    return list(await session.scalars(query))


@pytest.mark.parametrize("examples", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_whatever_the_order(database_url, owner, keyring, examples):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    with asyncio.Runner() as runner:
        Cases.database, Cases.runner, Cases.keyring = Database(database_url, 2), runner, keyring
        try:
            run_state_machine_as_test(
                Cases,
                settings=settings(
                    max_examples=examples, stateful_step_count=20, deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        finally:
            runner.run(Cases.database.close())
