from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages import templates
from simcheck.messages.words import Group, Kind
from simcheck.notices import campaigns, policy
from simcheck.notices.campaigns import Filter
from simcheck.reasons import Reason
from tests import noticing
from tests.noticing import DAY, follow_run, messages, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio
POLICY = policy.load()


@pytest.fixture
def service(service):
    """Notices of new cases wait for a campaign."""
    from dataclasses import replace

    return replace(service, settings=service.settings.model_copy(update={"notices_hold": True}))


async def waiting(service, owner) -> None:
    """Two carriers: three cases and a verified mate, one that nobody can reach, one by email."""
    rows = [row(912345671), row(912345672, id_type="passport"), row(912345673), row(912345674)]
    records(service, owner, rows, contract="C-1", verified=[3])
    others = [row(987654321, status="suspended"), row(987654322, status="suspended", email="a@b.vn")]
    records(service, owner, others, carrier="mobifone", reasons=[Reason.DOB_DIFFERENT, Reason.ID_NOT_FOUND])
    await follow_run(service)
    await sweep(service)


async def preview(service, name="all", at=NOON, **chosen):
    with clock.fixed(at):
        async with service.database.transaction("staff:binh", ministry=True) as session:
            return await campaigns.preview(session, service, POLICY, name, Filter(**chosen))


async def act(service, what, *words, at=NOON):
    with clock.fixed(at):
        async with service.database.transaction("staff:chi", ministry=True) as session:
            return await what(session, *words)


async def test_a_campaign_costs_what_was_counted(service, owner):
    await waiting(service, owner)
    made = await preview(service)
    assert messages(owner, service) == []
    assert (made.tracks, made.unreachable, made.sms, made.emails) == (5, 1, 4, 1)
    _, let_go = await act(service, campaigns.release, POLICY, "all")
    assert let_go == 5
    for day in range(8 * 7):
        await sweep(service, NOON + DAY * day)
        if not day:
            sent = messages(owner, service)
            assert sum(each["channel"] == "sms" for each in sent) == made.sms
            assert sum(each["channel"] == "email" for each in sent) == made.emails
            parts = sum(each["parts"] for each in sent if each["channel"] == "sms")
            assert made.parts == parts
            assert made.cost_vnd == parts * 350
        settle(owner, "delivered")
    assert {each[0] for each in noticing.tracks(owner)} == {"done", "unreachable"}
    whole = sum(each["parts"] for each in messages(owner, service) if each["channel"] == "sms")
    assert made.whole_cost_vnd == whole * 350


async def test_a_campaign_of_a_carrier_or_a_group(service, owner):
    await waiting(service, owner)
    assert (await preview(service, "mobi", carrier="mobifone")).tracks == 2
    assert (await preview(service, "names", group="name")).tracks == 3
    assert (await preview(service, "none", carrier="mobifone", group="name")).tracks == 0
    await act(service, campaigns.release, POLICY, "mobi")
    await sweep(service)
    assert {each["carrier"] for each in messages(owner, service)} == {"mobifone"}
    states = owner.execute(
        "SELECT state, count(*) FROM notice_track GROUP BY state ORDER BY state"
    ).fetchall()
    assert states == [("active", 1), ("unreachable", 1), ("waiting", 3)]


async def test_a_campaign_of_a_group_holds_what_is_wrong_now(service, owner):
    await waiting(service, owner)
    owner.execute(
        "UPDATE subscription SET reasons = %s, facts = sha256(msisdn_token) "
        "WHERE carrier = 'viettel' AND verdict = 2",
        [Reason.DOB_TYPO.mask],
    )
    await follow_run(service)
    assert (await preview(service, "names", group="name")).tracks == 0
    assert (await preview(service, "dates", group="birth_date")).tracks == 3


async def test_a_released_campaign_is_done_when_all_were_told(service, owner):
    await waiting(service, owner)
    await preview(service)
    await act(service, campaigns.release, POLICY, "all")
    assert await act(service, campaigns.finish) == 0
    await sweep(service)
    assert await act(service, campaigns.finish) == 1
    assert await act(service, campaigns.finish) == 0
    assert owner.execute("SELECT state, made_by, released_by FROM campaign").fetchone() == (
        "done", "staff:binh", "staff:chi",
    )  # fmt: skip
    with pytest.raises(ConflictError, match="all is done"):
        await act(service, campaigns.cancel, "all")
    audited = owner.execute(
        "SELECT act, actor FROM audit WHERE act LIKE 'campaign.%' ORDER BY seq"
    ).fetchall()
    assert audited == [
        ("campaign.previewed", "staff:binh"), ("campaign.released", "staff:chi"),
        ("campaign.done", "staff:chi"),
    ]  # fmt: skip


async def test_a_campaign_is_called_back(service, owner):
    await waiting(service, owner)
    await preview(service)
    await act(service, campaigns.release, POLICY, "all")
    await sweep(service)
    made, called_off = await act(service, campaigns.cancel, "all")
    assert (made.state, called_off) == ("cancelled", 5)
    assert {each[0] for each in noticing.tracks(owner)} == {"waiting"}
    await sweep(service, NOON + DAY)
    assert {each["state"] for each in messages(owner, service)} == {"cancelled"}


async def test_released_at_night_it_goes_in_the_morning(service, owner):
    await waiting(service, owner)
    night = NOON + timedelta(hours=10)
    await preview(service, at=night)
    await act(service, campaigns.release, POLICY, "all", at=night)
    due = [each[0] for each in owner.execute("SELECT next_at FROM notice_track")]
    assert min(due) >= NOON + timedelta(hours=20)


async def test_only_what_was_counted_is_released(service, owner, monkeypatch):
    await waiting(service, owner)
    await preview(service)
    assert (await preview(service, carrier="mobifone")).tracks == 2  # a draft is counted anew
    monkeypatch.setattr(templates, "version", lambda: "another")
    with pytest.raises(ConflictError, match="Preview it again"):
        await act(service, campaigns.release, POLICY, "all")
    monkeypatch.undo()
    await act(service, campaigns.release, POLICY, "all")
    with pytest.raises(ConflictError, match="all is released"):
        await act(service, campaigns.release, POLICY, "all")
    with pytest.raises(ConflictError, match="Choose another name"):
        await preview(service)


async def test_names_that_cannot_be(service):
    with pytest.raises(InvalidError, match="3 to 64"):
        await preview(service, "A")
    with pytest.raises(NotFoundError, match="no campaign nobody"):
        await act(service, campaigns.release, POLICY, "nobody")


def test_what_follows_a_first_notice():
    kinds = [kind for kind, _ in campaigns.climb(POLICY, POLICY.ladder(Group.NAME))]
    assert kinds[:5] == [Kind.FIRST, Kind.REMINDER, Kind.REMINDER, Kind.REMINDER, Kind.BEFORE_SUSPENSION]
    assert len(kinds) == 12
    dated = [each for _, each in campaigns.climb(POLICY, POLICY.ladder(Group.NAME))]
    assert dated == [True] * 5 + [False] * 7
