from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.cases.states import Who
from simcheck.messages.words import Group
from simcheck.notices import policy, tracks
from simcheck.notices.plan import group_told
from simcheck.reasons import Reason
from tests import noticing
from tests.noticing import DAY, close, follow_run, messages, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio
TRACKS = "SELECT state, reason_group, round, count, next_at FROM notice_track ORDER BY reason_group"


async def begin(service, **more) -> int:
    async with service.database.transaction("test", ministry=True) as session:
        return await tracks.begin(session, policy.load(), **({"hold": False} | more))


async def test_a_holders_case_has_notices_and_no_other_has(service, owner):
    records(service, owner, [row(912345678)])
    records(
        service, owner, [row(912345679)], carrier="mobifone", reasons=[Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER]
    )
    await follow_run(service)
    with clock.fixed(NOON):
        assert await begin(service) == 1
        assert await begin(service) == 0
    assert owner.execute(TRACKS).fetchall() == [("active", "name", 1, 0, NOON)]


@pytest.mark.parametrize(
    ("reasons", "group"),
    [
        ([Reason.NAME_DIFFERENT, Reason.NAME_TYPO], Group.NAME),
        ([Reason.NAME_DIFFERENT, Reason.DOB_TYPO], Group.SEVERAL),
        ([Reason.NAME_DIFFERENT, Reason.ID_SUPERSEDED, Reason.FACE_NOT_VERIFIED], Group.NAME),
        ([Reason.ID_NOT_FOUND, Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER], Group.ID_UNKNOWN),
    ],
)
async def test_a_holder_hears_of_what_is_theirs(service, owner, reasons, group):
    """What the carrier has to mend beside it is not the holder's."""
    records(service, owner, [row(912345678)], reasons=reasons)
    await follow_run(service)
    await begin(service)
    assert owner.execute("SELECT reason_group FROM notice_track").fetchone() == (group.value,)
    assert group_told(sum(reason.mask for reason in reasons)) is group


async def test_found_at_night_told_in_the_morning_not_all_at_once(service, owner):
    records(service, owner, [row(912345000 + each) for each in range(50)])
    await follow_run(service)
    with clock.fixed(noticing.MORNING):
        await begin(service)
    opens = noticing.MORNING + timedelta(hours=8)
    due = [each[0] for each in owner.execute("SELECT next_at FROM notice_track")]
    assert all(opens <= each < opens + timedelta(hours=4) for each in due)
    assert len(set(due)) > 40


async def test_notices_wait_for_a_campaign_where_they_have_to(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await begin(service, hold=True)
    assert [each[:4] for each in owner.execute(TRACKS)] == [("waiting", "name", 1, 0)]
    await sweep(service)
    assert messages(owner, service) == []


async def test_somebody_elses_turn(service, owner):
    """What has not left is called off; when it is the holder's turn again, the next day, it goes on."""
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    await close(service, owner, "take", Who.STAFF)
    await sweep(service)
    assert noticing.tracks(owner) == [("paused", 1, 1)]
    assert [each["state"] for each in messages(owner, service)] == ["cancelled"]
    await close(service, owner, "ask_holder", Who.STAFF)
    await sweep(service, NOON + timedelta(hours=1))
    assert noticing.tracks(owner) == [("active", 1, 1)]
    await sweep(service, NOON + DAY + timedelta(hours=1))
    assert noticing.tracks(owner) == [("active", 1, 2)]
    assert [(each["kind"], each["state"]) for each in messages(owner, service)] == [
        ("first", "cancelled"), ("reminder", "due"),
    ]  # fmt: skip


async def test_a_case_that_comes_back_begins_anew(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    owner.execute("UPDATE subscription SET verdict = 0, reasons = 0, facts = sha256('a')")
    await follow_run(service)
    await sweep(service, NOON + timedelta(hours=1))
    assert noticing.tracks(owner) == [("ended", 1, 1)]
    owner.execute(
        "UPDATE subscription SET verdict = 2, reasons = %s, facts = sha256('b')", [Reason.DOB_TYPO.mask]
    )
    await follow_run(service)
    await sweep(service, NOON + DAY)
    assert noticing.tracks(owner) == [("active", 2, 1)]
    kinds = [(each["kind"], each["template"].rpartition("/")[2]) for each in messages(owner, service)]
    assert kinds == [("corrected", "corrected"), ("first", "name"), ("first", "birth_date")]


async def test_every_carriers_tracks_are_its_own(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await begin(service)
    import sqlalchemy as sa

    for carrier, seen in (("viettel", 1), ("mobifone", 0)):
        async with service.database.transaction("client:x", carrier) as session:
            assert await session.scalar(sa.text("SELECT count(*) FROM notice_track")) == seen


async def test_one_case_ends_alone(service, owner):
    records(service, owner, [row(912345678), row(912345679)])
    await follow_run(service)
    await sweep(service)
    settle(owner, "delivered")
    ended = [await close(service, owner, "corrected", Who.HOLDER) for _ in range(2)]
    async with service.database.transaction("test", ministry=True) as session:
        [only] = await tracks.end(session, [ended[0]])
    assert (only.case_id, only.sent, only.close_reason) == (ended[0], 1, "corrected")
    assert sorted(each[0] for each in noticing.tracks(owner)) == ["active", "ended"]


async def test_who_uses_a_disowned_number_hears_of_it(service, owner):
    """It stands in another's name: told as often as the law wants, though the carrier has to act."""
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    with clock.fixed(NOON + timedelta(minutes=1)):
        await close(service, owner, "disowned", Who.HOLDER)
    await sweep(service, NOON + timedelta(minutes=5))
    assert noticing.tracks(owner) == [("active", 2, 0)]  # what was told before was of something else
    assert [each["state"] for each in messages(owner, service)] == ["cancelled"]
    for day in range(1, 7):
        await sweep(service, NOON + day * DAY)
    assert noticing.tracks(owner) == [("active", 2, 5)]
    texts = [each["text"] for each in messages(owner, service) if "/2/" in each["key"]]
    assert len(texts) == 5
    assert all("đứng tên" in text or "dung ten" in text for text in texts)


async def test_a_decision_to_suspend_is_told_before_it_is_ordered(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    for day in range(12):
        await sweep(service, NOON + day * DAY)
    at = NOON + 12 * DAY
    with clock.fixed(at):
        await close(service, owner, "suspend", Who.STAFF)
    await sweep(service, at + DAY)
    await sweep(service, at + 2 * DAY)
    [(state, rounds, count)] = noticing.tracks(owner)
    assert (state, rounds) == ("active", 2)
    assert count >= 1
