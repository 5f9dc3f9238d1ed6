from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.subscribed import ID, NUMBER, ago, published, register, subscribed

pytestmark = pytest.mark.anyio


def event(**changes):
    return {"msisdn": NUMBER, "kind": "sim_changed", "at": ago(hours=1).isoformat(), **changes}


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
    said = await http.post("/v1/sim-events", json={"events": [event(kind=kind)]}, headers=viettel)
    assert (said.status_code, said.json()) == (201, {"kept": 1})
    assert await told() == [kind.upper()]
    assert owner.execute("SELECT act, detail FROM audit WHERE act LIKE 'sim%'").fetchall() == [
        ("sim_event.told", {"events": 1})
    ]


async def test_only_ones_own_carrier_is_believed(told, http, mobifone):
    assert (
        await http.post("/v1/sim-events", json={"events": [event()]}, headers=mobifone)
    ).status_code == 201
    assert await told() == []


async def test_an_older_change_does_not_hide_a_newer_one(told, http, viettel):
    for days in (1, 90):
        body = {"events": [event(at=ago(days=days).isoformat())]}
        await http.post("/v1/sim-events", json=body, headers=viettel)
    assert await told() == ["SIM_CHANGED"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"msisdn": "0241234567"}, {"kind": "owner_changed"}, {"at": "yesterday"},
        {"at": "2026-11-20T10:00:00"},
        {"at": (datetime.now(UTC) + timedelta(days=400)).isoformat()}, {"carrier": "mobifone"},
    ],
)  # fmt: skip
async def test_one_that_is_wrong_refuses_all(wrong, told, http, viettel, owner):
    body = {"events": [event(), event(**wrong)]}
    said = await http.post("/v1/sim-events", json=body, headers=viettel)
    assert said.status_code in {400, 422}
    assert "events.1" in said.json()["detail"]
    assert await told() == []


async def test_who_may_tell(http, token_of):
    relying = await token_of()
    assert (await http.post("/v1/sim-events", json={"events": [event()]}, headers=relying)).status_code == 403
