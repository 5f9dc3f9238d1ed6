from __future__ import annotations

import contextlib
import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from simcheck import clock
from simcheck.cases import history, overdue, targets
from simcheck.cases.decide import Wanted, decide
from simcheck.cases.models import Case
from simcheck.cases.states import ACTS, MOVES, State, Who
from simcheck.cases.targets import Severity
from simcheck.errors import ConflictError
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict
from tests.publishing import Sim, run

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
STEPS = 14
FOUND = (
    (Verdict.MISMATCH, (Reason.NAME_DIFFERENT,)), (Verdict.MISMATCH, (Reason.HOLDER_DECEASED,)),
    (Verdict.VARIANT, (Reason.NAME_DIACRITICS,)), (Verdict.UNVERIFIABLE, (Reason.ID_TYPE_UNSUPPORTED,)),
    (Verdict.VERIFIED, ()), (None, ()),
)  # fmt: skip
PEOPLES = [
    (move.name, who)
    for move in MOVES
    for who in sorted(move.who - {Who.RUN, Who.CLOCK})
    if not move.start <= {None}
]


def test_a_case_is_as_grave_as_its_gravest_reason():
    known = targets.load()
    mismatch = VERDICTS.index(Verdict.MISMATCH)
    assert known.severity(mismatch, Reason.HOLDER_DECEASED.mask | Reason.NAME_TYPO.mask) is Severity.GRAVE
    assert known.severity(mismatch, Reason.NAME_DIFFERENT.mask) is Severity.ORDINARY
    assert known.severity(VERDICTS.index(Verdict.VARIANT), Reason.NAME_DIACRITICS.mask) is Severity.LIGHT
    assert known.times == tuple(sorted(known.times, reverse=True))


def by_history(events, at: datetime) -> timedelta:
    """What is left of the time of the newest opening, by what stands in the case's history alone."""
    known = targets.load()
    used, since, severity = timedelta(), None, Severity.LIGHT
    for event in events:
        if since is not None:
            used += event.at - since
        if event.move in {"opened", "reopened"}:
            used = timedelta()
        since = (
            event.at if ACTS[State(event.to_state)] == "staff" and event.to_state != State.CLOSED else None
        )
        if event.detail["verdict"] is not None:
            severity = known.severity(event.detail["verdict"], event.detail["reasons"])
    return known.times[severity] - used - (at - since if since is not None else timedelta())


async def one_step(service, lot: random.Random) -> None:
    """A run, the clock, or a person: whichever, if it may."""
    if lot.random() < 0.35:
        verdict, reasons = lot.choice(FOUND)
        await run(service, Sim("one", verdict, reasons, person=lot.choice(("An", "An", "Binh"))))
    elif lot.random() < 0.15:
        async with service.database.transaction("job:cases.overdue", ministry=True) as session:
            await overdue.take_back(session)
    else:
        name, who = lot.choice(PEOPLES)
        async with service.database.transaction("person:lan", ministry=True) as session:
            case = await session.scalar(sa.select(Case.id).where(Case.closed_at.is_(None)))
            if case is not None:
                wanted = Wanted(name, who, "by_lot", note=b"x" if name == "evidence" else None)
                with contextlib.suppress(ConflictError):
                    await decide(session, service.keyring, case, wanted, referral=WEEK)


@pytest.mark.anyio
async def test_the_columns_are_what_the_history_says(service, owner):
    """By lot, but the same lots each time: whatever happens to a case, its clock is the sum of its
    history."""
    moved = set()
    for seed in range(12):
        lot, at = random.Random(seed), BEGIN + seed * timedelta(days=365)
        owner.execute('TRUNCATE "case", case_event, subscription')
        with clock.fixed(at):
            await run(service, Sim("one"))
        for _ in range(STEPS):
            at += timedelta(minutes=lot.randrange(1, 20_000))
            with clock.fixed(at):
                await one_step(service, lot)
            async with service.database.transaction("test", ministry=True) as session:
                for case in await session.scalars(sa.select(Case)):
                    events = await history.events(session, case.id)
                    moved |= {event.move for event in events}
                    assert targets.left(case, at) == by_history(events, at), [event.move for event in events]
                    runs = case.closed_at is None and case.acts == "staff"
                    assert (case.target_at is not None) == runs
    assert len(moved) > 15, moved
