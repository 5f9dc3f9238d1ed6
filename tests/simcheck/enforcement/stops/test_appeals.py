"""Appeals stop orders, are decided by somebody else, undo what was ordered, and are answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs import appeals as jobs
from simcheck import clock
from simcheck.enforcement.orders.answers import Outcome
from simcheck.enforcement.stops import appeals
from simcheck.enforcement.stops.appeals import Objecting
from simcheck.enforcement.stops.models import AppealMeans
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SamePersonError
from simcheck.messages.words import Language
from tests import clocking, holding
from tests.holding import national
from tests.ordering import (
    AN,
    BINH,
    DAY,
    HOUR,
    NOON,
    a_wrong_country,
    answered,
    approved,
    batches,
    clock_of,
    let_be_due,
    ordered,
    proposed,
    restored,
    rows,
    sent,
    states,
)  # fmt: skip

pytestmark = pytest.mark.anyio
HOLDER, CHI = "holder:1", "person:chi"


async def appeal(service, number=1, at=NOON, by=HOLDER, words="It is mine.", means=AppealMeans.PAGE):
    objecting = Objecting("viettel", national(number), means, Language.EN, words)
    with clock.fixed(at):
        async with service.database.transaction(by, "viettel") as session:
            return (await appeals.appeal(session, service, objecting)).id


async def decide(service, appeal_id, reason=None, by=CHI, at=NOON):
    with clock.fixed(at):
        async with service.database.transaction(by, ministry=True) as session:
            asked = await appeals.to_tell(session, service, appeal_id)
        to = await appeals.reach(service, asked)
        async with service.database.transaction(by, ministry=True) as session:
            return (await appeals.decide(session, service, appeal_id, to, reason)).state


async def test_an_open_appeal_stops_orders_at_every_stage_and_the_clock(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 3)
    let_be_due(owner, service.keyring, [1, 2, 3])
    made = await appeal(service)
    assert await appeal(service) == made
    assert (await proposed(service)).lines == {"viettel": 2}
    [order] = batches(owner)
    await appeal(service, 2)
    await approved(service, order.id, 2)
    await appeal(service, 3)
    await sent(service)
    assert states(owner, order.id) == [("dropped", "no_appeal")] * 2
    await clocking.follow(service, NOON)
    assert clock_of(owner, service.keyring, 1).paused_at == NOON
    await decide(service, made, "still_wrong", at=NOON + DAY)
    await clocking.follow(service, NOON + 2 * DAY)
    assert clock_of(owner, service.keyring, 1).shift == 2 * DAY


async def test_what_is_rejected_is_told_with_its_reason_and_not_appealed_again(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 1)
    with pytest.raises(ConflictError):
        await appeal(service)  # nothing is on its way
    let_be_due(owner, service.keyring, [1])
    with pytest.raises(NotFoundError):
        await appeal(service, 2)
    with pytest.raises(InvalidError):
        await appeal(service, words="x" * 2001)
    made = await appeal(service)
    with pytest.raises(InvalidError):
        await decide(service, made, "because")
    assert await decide(service, made, "not_proved") == "rejected"
    [told] = [each for each in holding.sent(owner, service.keyring) if each.key == f"appeal/{made}"]
    assert "K-000001 is rejected: nothing proves what was said" in told.text
    with pytest.raises(ConflictError):
        await decide(service, made)
    with pytest.raises(ConflictError):
        await appeal(service, at=NOON + HOUR)
    # It came further: that is something new.
    owner.execute("UPDATE clock SET step = 1, step_at = %s, next_step = 2", [NOON + HOUR])
    assert await appeal(service, at=NOON + 2 * HOUR) != made


async def test_how_an_answer_goes_is_read_before_anything_is_locked(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1])
    made = await appeal(service)
    async with service.database.transaction(CHI, ministry=True) as session:
        asked = await appeals.to_tell(session, service, made)
    to = await appeals.reach(service, asked)
    service.store.remove_folder("declared")
    assert await appeals.reach(service, asked) is None
    with clock.fixed(NOON):
        async with service.database.transaction(CHI, ministry=True) as session:
            await appeals.decide(session, service, made, to)
    assert f"appeal/{made}" in {each.key for each in holding.sent(owner, service.keyring)}


async def test_who_ordered_made_or_decided_it_does_not_decide_the_appeal(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 2)
    await ordered(service, owner, 1)  # approved by An
    made = await appeal(service, by=BINH, means=AppealMeans.DESK)
    owner.execute(
        """UPDATE "case" SET decision = 'suspend', decided_by = 'person:dung', decided_at = now()"""
    )
    for who in (AN, BINH, "person:dung"):
        with pytest.raises(SamePersonError):
            await decide(service, made, by=who)
    assert await decide(service, made) == "upheld"


async def test_what_is_upheld_is_undone_the_same_day_and_begins_anew(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 3)
    order = await ordered(service, owner, 2)
    await answered(service, order, Outcome(1, "done"), at=NOON + HOUR)
    at = NOON + 2 * HOUR
    let_be_due(owner, service.keyring, [3], at=at)
    for number in (1, 2, 3):
        await decide(service, await appeal(service, number, at), at=at)
    # Nothing follows before it is undone.
    owner.execute("UPDATE clock SET next_step = step + 1, next_at = %s, proven = true, reckoned = true", [at])
    await sent(service, at)
    restorations = [each for each in batches(owner) if each.act == "restore"]
    assert [(each.state, each.lines) for each in restorations] == [("sent", 2)]
    reasons = rows(owner, "SELECT reason FROM order_line WHERE act = 'restore'")
    assert [each.reason for each in reasons] == ["upheld", "upheld"]
    assert sorted(states(owner, order)) == [("done", "done"), ("overtaken", None)]
    assert await restored(service, at + HOUR) == {}
    back = at + HOUR
    await answered(service, restorations[0].id, Outcome(1, "done"), Outcome(2, "already"), at=back)
    found = [clock_of(owner, service.keyring, number) for number in (1, 2, 3)]
    assert [each.step for each in found] == [0, 0, 0]
    assert {each.started_at for each in found} == {at, back}
    # An order of the new term is none of what was appealed.
    let_be_due(owner, service.keyring, [1, 2], at=back + DAY)
    await proposed(service, at=back + DAY)
    with clock.fixed(back + 2 * DAY):
        assert await restored(service, back + 2 * DAY) == {}


async def test_a_change_of_handset_that_was_none(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1], step=1)
    owner.execute("UPDATE clock SET case_id = NULL, trigger = 'device_change', track = 'C08_ART8_DEVICE'")
    await decide(service, await appeal(service))
    found = clock_of(owner, service.keyring, 1)
    assert (found.end_reason, found.next_at) == ("upheld", None)
    assert await restored(service) == {"viettel": 1}


async def test_the_clock_of_an_answer(service, owner, tmp_path):
    """Friday and five working days: the Friday after, to its end."""
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1])
    friday = datetime(2026, 11, 27, 3, tzinfo=UTC)
    made = await appeal(service, at=friday)
    due = datetime(2026, 12, 4, 17, tzinfo=UTC)
    assert rows(owner, "SELECT answer_by FROM appeal")[0].answer_by == due
    for at, late in ((due - HOUR, None), (due, due), (due + HOUR, due)):
        with clock.fixed(at):
            await jobs.overdue(service)
        assert rows(owner, "SELECT escalated_at FROM appeal")[0].escalated_at == late
    await decide(service, made, at=due + HOUR)
    with clock.fixed(due + 800 * DAY):
        await jobs.forget(service)
    assert rows(owner, "SELECT words, telephone FROM appeal")[0].__dict__ == {
        "words": None,
        "telephone": None,
    }
