"""Legal holds and protected lines: two people, and nothing is ordered about them at any stage."""

from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.enforcement.orders import propose
from simcheck.enforcement.orders.answers import Outcome
from simcheck.enforcement.stops import bars
from simcheck.enforcement.stops.bars import Asked
from simcheck.enforcement.stops.models import BarKind
from simcheck.errors import ConflictError, InvalidError, SamePersonError
from tests import clocking
from tests.holding import PEOPLE, national
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
    line_of,
    ordered,
    proposed,
    restored,
    rows,
    sent,
    states,
)  # fmt: skip

pytestmark = pytest.mark.anyio
WHEN = NOON + HOUR


async def ask(service, kind=BarKind.VITAL, of=None, by=AN, at=NOON, **more):
    asked = Asked(kind, of or f"0{national(1)}", more.pop("basis", "list 7/2026"), **more)
    with clock.fixed(at):
        async with service.database.transaction(by, ministry=True) as session:
            return (await bars.ask(session, service.keyring, asked)).id


async def act(service, verb, bar, by=BINH, at=NOON):
    with clock.fixed(at):
        async with service.database.transaction(by, ministry=True) as session:
            await getattr(bars, verb)(session, bar)


async def test_one_asks_and_another_confirms_and_so_it_is_lifted(service, owner):
    bar = await ask(service)
    with pytest.raises(SamePersonError):
        await act(service, "confirm", bar, AN)
    await act(service, "confirm", bar)
    with pytest.raises(ConflictError):
        await act(service, "confirm", bar, "person:chi")
    with pytest.raises(ConflictError):
        await ask(service)
    await act(service, "lift", bar, AN)
    with pytest.raises(SamePersonError):
        await act(service, "lift", bar, AN)
    await act(service, "lift", bar)
    with pytest.raises(ConflictError):
        await act(service, "lift", bar)
    acts = owner.execute("SELECT act FROM audit WHERE stream = 'bar' ORDER BY seq").fetchall()
    assert [act for (act,) in acts] == [
        "bar.asked", "bar.confirmed", "bar.lift_asked", "bar.lifted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"of": "024123"}, {"of": "001085000042"}, {"basis": ""}, {"basis": "x" * 201}, {"ends_at": NOON},
        {"kind": BarKind.LEGAL_HOLD, "of": "100000000"},
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused(wrong, service):
    with pytest.raises(InvalidError):
        await ask(service, **wrong)


async def test_one_that_nobody_confirms_holds_for_days_and_then_no_more(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1])
    bar = await ask(service)
    assert (await proposed(service)).lines == {}
    late = NOON + 3 * DAY
    with pytest.raises(ConflictError):
        await act(service, "confirm", bar, at=late)
    assert (await proposed(service, at=late)).lines == {"viettel": 1}
    assert await ask(service, at=late) != bar


async def test_nothing_is_proposed_about_what_is_barred(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 4)
    let_be_due(owner, service.keyring, [1, 2, 3, 4])
    holder = PEOPLE[3 % len(PEOPLE)].id_number  # of number 3
    await act(service, "confirm", await ask(service))
    await act(service, "confirm", await ask(service, BarKind.LEGAL_HOLD, f"0{national(2)}"))
    await act(service, "confirm", await ask(service, BarKind.LEGAL_HOLD, holder))
    await ask(service, BarKind.LEGAL_HOLD, f"0{national(4)}", starts_at=NOON + DAY)
    async with service.database.transaction("test", ministry=True) as session:
        with clock.fixed(NOON):
            found = {each.shut: each.clocks for each in await propose.due(session, service)}
    assert found == {"not_protected": 1, "no_legal_hold": 2, None: 1}
    assert (await proposed(service)).lines == {"viettel": 1}


async def test_what_is_barred_meanwhile_is_dropped_at_approval_and_sending(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 3)
    let_be_due(owner, service.keyring, [1, 2, 3])
    await proposed(service)
    [order] = batches(owner)
    await ask(service)
    await approved(service, order.id, 3)
    await ask(service, BarKind.LEGAL_HOLD, f"0{national(2)}")
    await sent(service)
    found = {number: states(owner, order.id)[line_of(owner, service.keyring, order.id, number) - 1]
             for number in (1, 2, 3)}  # fmt: skip
    assert found == {1: ("dropped", "not_protected"), 2: ("dropped", "no_legal_hold"), 3: ("sent", None)}


async def test_a_clock_stands_still_as_the_policy_says_and_goes_on(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 2)
    let_be_due(owner, service.keyring, [1, 2])
    bar = await ask(service)
    await clocking.follow(service, WHEN)
    assert [clock_of(owner, service.keyring, each).paused_at for each in (1, 2)] == [WHEN, None]
    due = clock_of(owner, service.keyring, 1).next_at
    await act(service, "lift", bar, at=WHEN)
    await clocking.follow(service, WHEN + DAY)
    after = clock_of(owner, service.keyring, 1)
    assert (after.paused_at, after.shift, after.next_at) == (None, DAY, due + DAY)


async def test_a_suspended_line_that_is_protected_is_restored(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 2)
    order = await ordered(service, owner, 2)
    await answered(service, order, Outcome(1, "done"), Outcome(2, "done"))
    bar = await ask(service, at=WHEN)
    assert await restored(service, WHEN) == {}  # one person alone undoes nothing
    await act(service, "confirm", bar, at=WHEN)
    assert await restored(service, WHEN) == {"viettel": 1}
    [line] = rows(owner, "SELECT * FROM order_line WHERE act = 'restore'")
    assert line.reason == "protected"
    assert await restored(service, WHEN + HOUR) == {}
