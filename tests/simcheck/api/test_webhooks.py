from __future__ import annotations

import pytest

from simcheck import webhooks

pytestmark = pytest.mark.anyio
ASKED = {"url": "https://carrier.example/hook", "events": ["batch.done", "case.changed"]}


async def test_an_address_is_added_listed_and_removed(http, viettel, mobifone, service):
    made = await http.post("/v1/webhooks", headers=viettel, json=ASKED)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    [listed] = (await http.get("/v1/webhooks", headers=viettel)).json()["webhooks"]
    assert "secret" not in listed
    assert (listed["url"], listed["events"]) == (ASKED["url"], ASKED["events"])
    assert (await http.get("/v1/webhooks", headers=mobifone)).json() == {"webhooks": []}
    async with service.database.transaction("job:test", "viettel") as session:
        await webhooks.notify(session, "viettel", "batch.done", "batch/1", {"batch": "1"})
    path = f"/v1/webhooks/{listed['id']}"
    [told] = (await http.get(f"{path}/deliveries", headers=viettel)).json()["deliveries"]
    assert (told["event"], told["subject"], told["state"], told["attempts"]) == (
        "batch.done",
        "batch/1",
        "due",
        0,
    )
    for method, where in (("DELETE", path), ("GET", f"{path}/deliveries")):
        assert (await http.request(method, where, headers=mobifone)).status_code == 404
    assert (await http.delete(path, headers=viettel)).status_code == 204
    assert (await http.delete(path, headers=viettel)).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://carrier.example/"}, {"url": "https://127.0.0.1/"}, {"url": "https://10.0.0.1/"},
        {"url": "x" * 3000}, {"events": []}, {"events": ["all"]}, {"secret": "mine"}, {"url": None},
    ],
)  # fmt: skip
async def test_what_cannot_be_an_address(http, viettel, change):
    answer = await http.post("/v1/webhooks", headers=viettel, json={**ASKED, **change})
    assert (answer.status_code, answer.json()["code"]) in {(400, "invalid"), (422, "invalid")}
    assert (await http.get("/v1/webhooks", headers=viettel)).json() == {"webhooks": []}


async def test_scopes(http, token_of):
    without = await token_of("viettel", "batches:read")
    assert (await http.post("/v1/webhooks", headers=without, json=ASKED)).status_code == 403
