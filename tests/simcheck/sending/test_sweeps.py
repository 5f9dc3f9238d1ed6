"""What does not move, each kind by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.sending import receipts, sweeps
from simcheck.sending.accounting import accounting, by_link
from simcheck.sending.claim import claim
from simcheck.sending.outcomes import Outcome, Rules, What, record
from simcheck.sending.receipts import Matching
from simcheck.sending.senders.deliveries import Heard, ReceiptTold
from tests.sending import an_intent

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)
RULES = Rules(refusals=2, unknown=timedelta(minutes=3))
MATCHING = Matching({"one": "centre", "two": "centre", "three": "three"}, RULES)
STATES = "SELECT state, settled_at IS NOT NULL FROM message ORDER BY key"


@pytest.fixture
def act(service):
    """`await act(function, *arguments)`: in a transaction, some time from now."""

    async def within(function, *arguments, later=timedelta(0), **more):
        with clock.fixed(clock.now() + later):
            async with service.database.transaction("job:test", ministry=True) as session:
                return await function(session, *arguments, **more)

    return within


@pytest.fixture
def take(act, service):
    """Claim what is due, for a minute."""

    async def claimed(most=10, channel=Channel.SMS, later=timedelta(0)):
        return await act(claim, service.keyring, channel, most, MINUTE, later=later)

    return claimed


def taken(each, number=1, link="one", smsc_id="a1", what=What.TAKEN):
    now = clock.now()
    return Outcome(each.message_id, number, each.attempt, what, link, smsc_id, None, now, now)


async def test_a_claim_is_one_senders(store, take):
    await store(an_intent("a"), an_intent("b", urgent=True), an_intent("c", due_at=clock.now() + MINUTE))
    first = await take(most=1)
    assert [each.parts[0].urgent for each in first] == [True]
    assert len(await take()) == 1
    assert await take() == []


async def test_an_email_is_claimed_whole(store, take):
    await store(an_intent(channel=Channel.EMAIL, address="A@b.vn", subject="S", html="<p>x</p>"))
    assert await take() == []
    [claimed] = await take(channel=Channel.EMAIL)
    assert claimed.parts == []
    assert (claimed.mail.address, claimed.mail.subject, claimed.mail.html) == ("A@b.vn", "S", "<p>x</p>")


async def test_what_cannot_be_read_fails_and_stops_nobody(owner, store, take):
    await store(an_intent("a"), an_intent("b"))
    owner.execute("UPDATE message SET text = address WHERE key = 'a'")
    assert len(await take()) == 1
    assert owner.execute(STATES).fetchall() == [("failed", True), ("sending", False)]
    assert owner.execute("SELECT failure FROM message_part WHERE state = 'failed'").fetchall() == [
        ("unreadable",)
    ]  # fmt: skip


async def test_a_lease_that_ran_out(owner, store, take, act):
    """What had an outcome keeps it, the rest may have gone."""
    await store(an_intent(text="ơ" * 140))
    [claimed] = await take()
    await act(record, [taken(claimed)], [], RULES)
    assert await act(sweeps.leases_out, RULES) == 0
    assert await act(sweeps.leases_out, RULES, later=2 * MINUTE) == 1
    assert owner.execute("SELECT state FROM message_part ORDER BY number").fetchall() == [
        ("sent",), ("unknown",), ("unknown",)
    ]  # fmt: skip
    assert owner.execute(STATES).fetchall() == [("unknown", False)]


async def test_an_outcome_after_its_lease(owner, store, take, act):
    """That it was taken is true whenever it is heard; that it was not is another claim's business now."""
    await store(an_intent("a"), an_intent("b"))
    one, two = await take()
    await act(sweeps.leases_out, RULES, later=2 * MINUTE)
    outcomes = [taken(one), taken(two, what=What.FAILED)]
    await act(record, outcomes, [(one.message_id, 1), (two.message_id, 1)], RULES)
    states = dict(owner.execute("SELECT message_id, state FROM message_part").fetchall())
    assert states == {one.message_id: "sent", two.message_id: "unknown"}


async def test_the_unknown_is_sent_again_so_often(owner, store, take, act):
    await store(an_intent())
    for turn in range(2):
        [claimed] = await take(later=turn * 10 * MINUTE)
        outcome = taken(claimed, what=What.UNKNOWN, smsc_id=None)
        await act(record, [outcome], [(claimed.message_id, claimed.attempt)], RULES)
        assert await act(sweeps.unanswered, RULES, 1, later=MINUTE) == 0
        assert await act(sweeps.unanswered, RULES, 1, later=(turn + 1) * 10 * MINUTE) == 1
        assert owner.execute(STATES).fetchall() == [[("due", False)], [("unknown", True)]][turn]
    assert await act(sweeps.unanswered, RULES, 1, later=60 * MINUTE) == 0
    assert owner.execute("SELECT resends, attempts FROM message_part").fetchone() == (1, 2)


async def test_the_unknown_is_not_sent_after_its_time(owner, store, take, act):
    await store(an_intent(expires_at=clock.now() + 2 * MINUTE))
    [claimed] = await take()
    await act(record, [taken(claimed, what=What.UNKNOWN)], [(claimed.message_id, 1)], RULES)
    await act(sweeps.unanswered, RULES, 1, later=5 * MINUTE)
    assert owner.execute(STATES).fetchall() == [("unknown", True)]


async def test_what_did_not_leave_in_time(owner, store, act):
    await store(an_intent(expires_at=clock.now() + MINUTE))
    assert await act(sweeps.expired, RULES) == 0
    assert await act(sweeps.expired, RULES, later=2 * MINUTE) == 1
    assert owner.execute(STATES).fetchall() == [("expired", True)]


async def test_what_was_taken_and_never_heard_of(owner, store, take, act):
    await store(an_intent())
    [claimed] = await take()
    await act(record, [taken(claimed)], [(claimed.message_id, 1)], RULES)
    assert await act(sweeps.not_heard_of, timedelta(hours=72), later=timedelta(hours=50)) == 0
    assert await act(sweeps.not_heard_of, timedelta(hours=72), later=timedelta(hours=80)) == 1
    assert owner.execute(STATES).fetchall() == [("sent", True)]


async def test_a_refusal_is_tried_later_and_later(owner, store, take, act):
    await store(an_intent())
    waits = []
    for turn in range(3):
        [claimed] = await take(later=turn * 10 * MINUTE)
        outcome = taken(claimed, what=What.REFUSED, smsc_id=None)
        await act(record, [outcome], [(claimed.message_id, claimed.attempt)], RULES)
        waits.append(owner.execute("SELECT due_at - changed_at FROM message").fetchone()[0])
    assert waits[:2] == [timedelta(seconds=5), timedelta(seconds=30)]
    assert owner.execute(STATES).fetchall() == [("failed", True)]


def told(smsc_id, heard=Heard.DELIVERED, number="84901234567", reference=None):
    return ReceiptTold(smsc_id, heard, None, reference, (number, "1414"))


async def keep(act, service, link, *given):
    made = [receipts.as_receipt(service.keyring, link, each) for each in given]
    return await act(receipts.store, made, MATCHING)


async def test_a_receipt_on_another_link_of_the_same_centre(owner, store, take, act, service):
    await store(an_intent())
    [claimed] = await take()
    await act(record, [taken(claimed)], [(claimed.message_id, 1)], RULES)
    assert await keep(act, service, "three", told("a1")) == 1
    assert await keep(act, service, "two", told("a1")) == 0
    assert owner.execute(STATES).fetchall() == [("delivered", True)]


async def test_an_id_that_was_given_twice(owner, store, take, act, service):
    """The address says which; of two to one address, the newest that is open."""
    await store(an_intent("a"), an_intent("b", address="+84901234568"))
    for each in await take():
        await act(record, [taken(each)], [(each.message_id, 1)], RULES)
    assert await keep(act, service, "one", told("A1", number="0901234568")) == 0
    assert owner.execute(STATES).fetchall() == [("sent", False), ("delivered", True)]
    await store(an_intent("c", address="+84901234568"))
    [claimed] = await take()
    await act(record, [taken(claimed)], [(claimed.message_id, 1)], RULES)
    assert await keep(act, service, "one", told("a1", Heard.FAILED, "+84901234568")) == 0
    assert [row[0] for row in owner.execute(STATES)] == ["sent", "delivered", "failed"]


async def test_a_receipt_before_the_answer_waits(owner, store, take, act, service):
    await store(an_intent())
    [claimed] = await take()
    assert await keep(act, service, "one", told("00A1")) == 1
    await act(record, [taken(claimed)], [(claimed.message_id, 1)], RULES)
    assert await act(receipts.match_answered, ["a1"], MATCHING) == 1
    assert owner.execute(STATES).fetchall() == [("delivered", True)]


async def test_an_early_receipt_does_not_take_another_parts_id_read_otherwise(
    owner, store, take, act, service
):
    """`10` is 16 in hexadecimal, and 16 is somebody else; the part whose it is comes a moment later."""
    await store(an_intent("a"), an_intent("b", address="+84901234568"))
    first, second = sorted(await take(), key=lambda each: each.parts[0].address)
    await act(record, [taken(first, smsc_id="16")], [(first.message_id, 1)], RULES)
    assert await keep(act, service, "one", told("10", number="84901234568")) == 1
    await act(record, [taken(second, smsc_id="10")], [(second.message_id, 1)], RULES)
    assert await act(receipts.match_answered, ["10"], MATCHING) == 1
    states = "SELECT state FROM message ORDER BY key"
    assert owner.execute(states).fetchall() == [("sent",), ("delivered",)]


async def test_receipts_of_the_unknown(owner, store, take, act, service):
    """As many as there are parts: in order. Fewer: nobody knows which, and nothing is guessed."""
    await store(an_intent(text="ơ" * 100))
    [claimed] = await take()
    outcomes = [taken(claimed, number, what=What.UNKNOWN, smsc_id=None) for number in (1, 2)]
    await act(record, outcomes, [(claimed.message_id, 1)], RULES)
    await keep(act, service, "one", told("x1"))
    later, day = timedelta(seconds=10), timedelta(days=1)
    assert await act(receipts.match_waiting, MATCHING, day, later=later) == 0
    await keep(act, service, "one", told("x2", Heard.ON_ITS_WAY))
    assert await act(receipts.match_waiting, MATCHING, day) == 0  # not yet
    assert await act(receipts.match_waiting, MATCHING, day, later=later) == 2
    assert owner.execute("SELECT smsc_id, state FROM message_part ORDER BY number").fetchall() == [
        ("x1", "delivered"), ("x2", "sent")
    ]  # fmt: skip


async def test_the_accounting(store, take, act, service):
    await store(*(an_intent(str(each), text="ơ" * 100) for each in range(3)))
    [one, _] = await take(most=2)
    await act(record, [taken(one), taken(one, 2, smsc_id="b")], [(one.message_id, 1)], RULES)
    counts = await act(accounting)
    assert counts.exact
    assert {state: count for state, count in counts.parts.items() if count} == {
        "sent": 2, "sending": 2, "due": 2
    }  # fmt: skip
    assert await act(by_link) == [("", "due", 4), ("one", "sent", 2)]


async def test_words_and_addresses_go_when_their_time_is_over(owner, store, act):
    await store(an_intent(expires_at=clock.now()))
    await act(sweeps.expired, RULES)
    await act(sweeps.forget, timedelta(days=90), later=timedelta(days=89))
    assert owner.execute("SELECT text IS NULL FROM message").fetchone() == (False,)
    await act(sweeps.forget, timedelta(days=90), later=timedelta(days=91))
    assert owner.execute("SELECT text, address FROM message").fetchone() == (None, None)
