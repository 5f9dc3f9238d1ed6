from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.subscribed import ID, NUMBER, ago, published, register, subscribed

pytestmark = pytest.mark.anyio


IDS = count()


def event(**changes):
    return {
        "id": f"e-{next(IDS)}", "msisdn": NUMBER, "kind": "sim_changed", "at": ago(hours=1).isoformat(),
        **changes,
    }  # fmt: skip


@pytest.fixture
async def told(http, owner, service, token_of):
    register(owner)
    subscribed(owner, service, published(owner))
    headers = await token_of(None, "otp-checks")

    async def asked():
        body = {"msisdn": NUMBER, "id_number": ID}
        return (await http.post("/v1/otp-checks", json=body, headers=headers)).json()["reasons"]

    return asked


@pytest.mark.parametrize("kind", ["sim_changed", "device_changed"])
async def test_a_change_is_known_at_once(kind, told, http, viettel, owner):
    assert await told() == []
    said = await http.post("/v1/events", json={"events": [event(kind=kind)]}, headers=viettel)
    assert (said.status_code, said.json()) == (201, {"kept": 1, "known": 0})
    assert await told() == [kind.upper()]
    assert owner.execute("SELECT act, detail FROM audit WHERE act LIKE 'sim%'").fetchall() == [
        ("sim_event.told", {"events": 1})
    ]


async def test_only_ones_own_carrier_is_believed(told, http, mobifone):
    assert (await http.post("/v1/events", json={"events": [event()]}, headers=mobifone)).status_code == 201
    assert await told() == []


async def test_an_older_change_does_not_hide_a_newer_one(told, http, viettel):
    for days in (1, 90):
        body = {"events": [event(at=ago(days=days).isoformat())]}
        await http.post("/v1/events", json=body, headers=viettel)
    assert await told() == ["SIM_CHANGED"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""}, {"id": "e" * 101},
        {"msisdn": "0241234567"}, {"kind": "owner_changed"}, {"at": "yesterday"},
        {"at": "2026-11-20T10:00:00"},
        {"at": (datetime.now(UTC) + timedelta(days=400)).isoformat()}, {"carrier": "mobifone"},
    ],
)  # fmt: skip
async def test_one_that_is_wrong_refuses_all(wrong, told, http, viettel, owner):
    body = {"events": [event(), event(**wrong)]}
    said = await http.post("/v1/events", json=body, headers=viettel)
    assert said.status_code in {400, 422}
    assert "events.1" in said.json()["detail"]
    assert await told() == []


async def test_the_same_batch_twice_changes_nothing(told, http, viettel, owner):
    body = {"events": [event(), event(kind="device_changed"), event(id="x"), event(id="x")]}
    body["events"][3] = body["events"][2]  # twice in one batch, too
    said = [await http.post("/v1/events", json=body, headers=viettel) for _ in range(2)]
    assert [each.json() for each in said] == [{"kept": 3, "known": 1}, {"kept": 0, "known": 4}]
    rows = "SELECT count(*), count(DISTINCT event_token), count(DISTINCT received_at) FROM sim_event"
    assert owner.execute(rows).fetchall() == [(3, 3, 1)]
    assert owner.execute("SELECT count(*) FROM audit WHERE act = 'sim_event.told'").fetchone() == (1,)
    more = {"events": [*body["events"], event()]}  # what was lost on the way, and one more
    assert (await http.post("/v1/events", json=more, headers=viettel)).json() == {"kept": 1, "known": 4}


@pytest.mark.parametrize("before", [True, False])
async def test_an_id_is_of_one_change(before, told, http, viettel, owner):
    first, other = event(), event(kind="device_changed")
    other["id"] = first["id"]
    if before:
        await http.post("/v1/events", json={"events": [first]}, headers=viettel)
    said = await http.post("/v1/events", json={"events": [event(), first, other]}, headers=viettel)
    assert said.status_code == 409
    assert "events.2.id" in said.json()["detail"]
    assert owner.execute("SELECT count(*) FROM sim_event").fetchone() == (int(before),)


async def test_another_carriers_ids_are_its_own(told, http, viettel, mobifone, owner):
    body = {"events": [event()]}
    for headers in (viettel, mobifone):
        assert (await http.post("/v1/events", json=body, headers=headers)).json() == {"kept": 1, "known": 0}
    assert owner.execute("SELECT count(DISTINCT carrier) FROM sim_event").fetchone() == (2,)


async def test_who_may_tell(http, token_of):
    relying = await token_of()
    assert (await http.post("/v1/events", json={"events": [event()]}, headers=relying)).status_code == 403
