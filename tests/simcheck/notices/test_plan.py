from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from simcheck import clock
from simcheck.cases.states import Who
from simcheck.notices import plan, policy
from simcheck.reasons import Reason
from tests import noticing
from tests.noticing import DAY, MORNING, follow_run, messages, records, row, settle, sweep, tracks
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def test_a_first_notice(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    [code] = owner.execute('SELECT code FROM "case"').fetchone()
    [made] = messages(owner, service)
    assert made["text"] == (
        "Số ***678: họ tên chưa khớp giấy tờ. Sửa trước 28/11/2026 tại 127.0.0.1:8080, "
        f"mã {code[:5]}-{code[5:]}. "
        "Hoặc soạn TTTB xem, DUNG nếu là số của bạn, KHONG nếu không phải, gửi 1414. Hỏi 18008098."
    )
    assert made["address"] == "84912345678"
    assert (made["kind"], made["channel"], made["state"], made["parts"]) == ("first", "sms", "due", 3)
    assert (made["carrier"], made["language"]) == ("viettel", "vi")
    assert made["due_at"] == NOON
    assert made["expires_at"] == NOON + timedelta(hours=8)  # eight in the evening
    audited = owner.execute("SELECT stream, act, detail FROM audit WHERE act LIKE 'notice.%'").fetchall()
    assert audited == [("notice/viettel", "notice.made", {"first": 1})]


async def test_the_days_of_a_case_that_nobody_mends(service, owner):
    """A sweep every three hours of two weeks."""
    records(service, owner, [row(912345678)])
    await follow_run(service)
    for hours in range(0, 24 * 14, 3):
        await sweep(service, MORNING + timedelta(hours=hours))
        settle(owner, "delivered")
    made = sorted(messages(owner, service), key=lambda each: each["due_at"])
    days = [(each["due_at"] - MORNING).days for each in made]
    assert days == [0, 1, 2, 3, 4, 11]
    assert all(8 <= (each["due_at"] - MORNING).seconds / 3600 < 20 for each in made)
    assert [each["kind"] for each in made] == [
        "first", "reminder", "reminder", "reminder", "before_suspension", "reminder",
    ]  # fmt: skip
    assert "28/11/2026" in made[4]["text"]
    assert "Hay sua ngay tai" in made[5]["text"]  # the deadline is over
    assert tracks(owner) == [("active", 1, 6)]


async def test_the_last_notice_of_a_ladder(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service)
    owner.execute("UPDATE notice_track SET count = 11, next_at = %s", [NOON])
    await sweep(service, NOON + DAY)
    assert tracks(owner) == [("done", 1, 12)]
    await sweep(service, NOON + 30 * DAY)
    assert len(messages(owner, service)) == 2


async def test_nothing_in_quiet_hours_and_no_first_notice_on_a_holiday(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await sweep(service, MORNING + timedelta(hours=7))
    await sweep(service, MORNING + timedelta(hours=21))
    assert messages(owner, service) == []
    holiday = datetime(2027, 2, 5, 5, tzinfo=UTC)  # Tết
    assert holiday.date() in policy.load().holidays
    await sweep(service, holiday)
    assert messages(owner, service) == []
    await sweep(service, holiday + 5 * DAY)
    assert [each["kind"] for each in messages(owner, service)] == ["first"]
    async with service.database.transaction("test", ministry=True) as session:
        with clock.fixed(MORNING):
            assert await plan.find(session, policy.load()) == []
            assert await plan.make(session, service, policy.load(), []) == plan.Made()


async def test_several_things_are_one_notice(service, owner):
    records(service, owner, [row(912345678)], reasons=[Reason.NAME_DIFFERENT, Reason.DOB_DIFFERENT])
    await follow_run(service)
    await sweep(service)
    [made] = messages(owner, service)
    assert "nhiều thông tin chưa khớp" in made["text"]


async def test_every_number_of_a_contract_is_told(service, owner):
    """Those with a case of their own hear of that; another contract hears nothing."""
    rows = [row(912345671), row(912345672), row(912345673), row(912345674)]
    records(service, owner, rows, contract="C-1", verified=[2, 3], statuses={3: "over"})
    records(service, owner, [row(912345675)], contract="C-2", verified=[0], carrier="mobifone")
    await follow_run(service)
    await sweep(service)
    made = {each["address"][-1]: each for each in messages(owner, service)}
    assert set(made) == {"1", "2", "3"}
    assert made["1"]["text"].startswith("Số ***671")
    assert made["2"]["text"].startswith("Số ***672")
    assert "cùng hợp đồng" in made["3"]["text"]
    assert made["3"]["text"][:9] in {"Số ***671", "Số ***672"}
    assert "KHONG" not in made["3"]["text"]
    await sweep(service, NOON + DAY)  # others hear of the first notice and of the last warning
    assert len(messages(owner, service)) == 5
    audited = owner.execute("SELECT detail FROM audit WHERE act = 'notice.made' ORDER BY seq").fetchall()
    assert audited == [({"first": 2, "mate": 1},), ({"reminder": 2},)]


async def test_no_address_has_more_than_its_share_of_a_day(service, owner):
    """One contact for four numbers that cannot receive: two today, two tomorrow."""
    rows = [row(912345670 + each, contact_msisdn="0987654321", status="khóa hai chiều") for each in range(4)]
    records(service, owner, rows)
    await follow_run(service)
    await sweep(service)
    assert [each["address"] for each in messages(owner, service)] == ["84987654321"] * 2
    await sweep(service, NOON + timedelta(hours=5))
    assert len(messages(owner, service)) == 2
    await sweep(service, NOON + DAY)
    made = [each["due_at"] for each in messages(owner, service)]
    assert len(made) == 4
    assert owner.execute("SELECT max(count) FROM notice_day").fetchone() == (2,)
    from jobs import notices

    with clock.fixed(NOON + 2 * DAY):
        await notices.tidy(service)
    assert owner.execute("SELECT count(*) FROM notice_day").fetchone() == (1,)


async def test_somebody_without_an_address_is_looked_at_again(service, owner):
    records(service, owner, [row(912345678, status="khóa 2 chiều")])
    await follow_run(service)
    await sweep(service)
    assert tracks(owner) == [("unreachable", 1, 0)]
    assert messages(owner, service) == []
    records(service, owner, [row(912345679)], verified=[0])
    owner.execute(
        "UPDATE subscription AS old SET batch_id = new.batch_id FROM subscription AS new "
        "WHERE old.batch_id <> new.batch_id AND old.verdict = 2"
    )
    await sweep(service, NOON + DAY)  # the new batch has another number's record at that place
    assert tracks(owner) == [("unreachable", 1, 0)]
    assert messages(owner, service) == []


async def test_a_batch_that_is_killed_is_made_again(service, owner):
    class KilledError(Exception):
        pass

    records(service, owner, [row(912345678)])
    await follow_run(service)
    with clock.fixed(NOON):
        from jobs import notices

        await notices.follow(service)
        with pytest.raises(KilledError):
            async with service.database.transaction("test", ministry=True) as session:
                cases = await plan.find(session, policy.load())
                assert (await plan.make(session, service, policy.load(), cases)).told == 1
                raise KilledError
    assert messages(owner, service) == []
    assert tracks(owner) == [("active", 1, 0)]
    await sweep(service)
    await sweep(service)
    assert len(messages(owner, service)) == 1


async def test_who_was_found_due_and_is_not_any_more_is_left_alone(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    with clock.fixed(NOON):
        from jobs import notices

        await notices.follow(service)
        async with service.database.transaction("test", ministry=True) as session:
            cases = await plan.find(session, policy.load())
        await noticing.close(service, owner, "take", Who.STAFF)
        async with service.database.transaction("test", ministry=True) as session:
            assert await plan.make(session, service, policy.load(), cases) == plan.Made()
