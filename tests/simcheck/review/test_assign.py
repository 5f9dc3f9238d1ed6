from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from simcheck import clock
from simcheck.cases.history import evidence
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.review import assign, claim
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 27, 5, tzinfo=UTC)


def row(owner, case):
    return owner.execute(
        'SELECT assignee, escalated, snoozed_until, claimed_by, version FROM "case" WHERE id = %s', [case]
    ).fetchone()


def told(owner, case):
    events = owner.execute(
        "SELECT actor, move, reason, from_state, to_state FROM case_event WHERE case_id = %s ORDER BY id",
        [case],
    ).fetchall()
    chain = owner.execute(
        "SELECT actor, act FROM audit WHERE subject = %s ORDER BY seq", [f"case/{case}"]
    ).fetchall()
    assert chain == [(actor, f"case.{move}") for actor, move, *_ in events]
    return [(move, reason) for _, move, reason, *_ in events]


async def test_everything_stands_in_history_and_chain_and_leaves_the_version(service, owner):
    case = one_case(owner)
    with clock.fixed(NOW):
        for work in (
            lambda s: claim.claim(s, service.settings, case, "lan"),
            lambda s: assign.assign(s, case, "binh"),
            lambda s: assign.assign(s, case, "binh"),  # nothing new
            lambda s: assign.snooze(s, case, "lan", NOW + timedelta(days=1), "waiting_for_papers"),
        ):
            await acting(service, "lan", work)
        assert row(owner, case) == ("binh", False, NOW + timedelta(days=1), None, 1)
        for work in (
            lambda s: assign.wake(s, case),
            lambda s: assign.wake(s, case),
            lambda s: assign.escalate(s, service, case, "lan", "needs_authority", "Việc lớn"),
            lambda s: assign.hand_over(s, service, case, "lan", "chi", "Đã gọi hai lần"),
        ):
            await acting(service, "lan", work)
        assert row(owner, case) == ("chi", True, None, None, 1)
        with pytest.raises(ConflictError, match="already"):
            await acting(service, "lan", lambda s: assign.escalate(s, service, case, "lan", "unclear_rule"))
        await acting(service, "dung", lambda s: assign.calm(s, case))
        await acting(service, "dung", lambda s: assign.assign(s, case, None))
    assert row(owner, case) == (None, False, None, None, 1)
    assert told(owner, case) == [
        ("assigned", None), ("snoozed", "waiting_for_papers"), ("woken", None),
        ("escalated", "needs_authority"), ("handed_over", None), ("calmed", None), ("assigned", None),
    ]  # fmt: skip
    async with service.database.transaction("person:chi", ministry=True) as session:
        notes = [each.content.decode() for each in await evidence(session, service.keyring, case)]
    assert notes == ["Việc lớn", "Đã gọi hai lần"]


async def test_what_cannot_be_used_is_refused(service, owner):
    case = one_case(owner)
    closed = one_case(
        owner, state="closed", closed_at=NOW, close_reason="gone", target_at=None, clock_left="1 day"
    )
    with clock.fixed(NOW):
        for error, work in (
            (InvalidError, lambda s: assign.assign(s, case, "Nguyễn Văn A")),
            (InvalidError, lambda s: assign.hand_over(s, service, case, "lan", "binh", " ")),
            (ConflictError, lambda s: assign.hand_over(s, service, case, "lan", "lan", "note")),
            (InvalidError, lambda s: assign.snooze(s, case, "lan", NOW, "waiting_for_papers")),
            (
                InvalidError,
                lambda s: assign.snooze(s, case, "lan", NOW + timedelta(days=91), "waiting_for_papers"),
            ),
            (InvalidError, lambda s: assign.snooze(s, case, "lan", NOW + timedelta(days=1), "later")),
            (InvalidError, lambda s: assign.escalate(s, service, case, "lan", "why not")),
            (ConflictError, lambda s: assign.assign(s, closed, "binh")),
            (NotFoundError, lambda s: assign.wake(s, uuid.uuid4())),
        ):
            with pytest.raises(error):
                await acting(service, "lan", work)
    assert told(owner, case) == []


async def test_a_case_leaves_the_hands_of_whoever_puts_it_off_and_of_nobody_else(service, owner):
    case = one_case(owner)
    with clock.fixed(NOW):
        await acting(service, "lan", lambda s: claim.claim(s, service.settings, case, "lan"))
        await acting(service, "dung", lambda s: assign.escalate(s, service, case, "dung", "unclear_rule"))
        assert row(owner, case)[3] == "lan"
        await acting(service, "lan", lambda s: assign.hand_over(s, service, case, "lan", "binh", "note"))
        assert row(owner, case)[3] is None
