"""A carrier's system objects to what is ordered about its own numbers."""

from __future__ import annotations

import uuid

import pytest

from tests.holding import national
from tests.ordering import a_wrong_country, let_be_due, proposed

pytestmark = pytest.mark.anyio


async def test_a_carrier_objects(http, viettel, mobifone, service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 1)
    said = {"msisdn": f"0{national(1)}", "words": "Số của tổng đài."}
    assert (await http.post("/v1/appeals", json=said, headers=viettel)).status_code == 409
    let_be_due(owner, service.keyring, [1])
    assert (await http.post("/v1/appeals", json=said, headers=mobifone)).status_code == 404
    assert (await http.post("/v1/appeals", json={"msisdn": "1"}, headers=viettel)).status_code == 400
    answers = [await http.post("/v1/appeals", json=said, headers=viettel) for _ in range(2)]
    made, again = [each.json() for each in answers]
    assert made == again
    assert (made["state"], made["number"], made["reason"]) == ("open", "K-000001", None)
    assert (await proposed(service)).lines == {}
    listed = await http.get("/v1/appeals", headers=viettel)
    assert listed.json() == {"appeals": [made]}
    assert (await http.get("/v1/appeals?decided=true", headers=viettel)).json() == {"appeals": []}
    assert (await http.get("/v1/appeals", headers=mobifone)).json() == {"appeals": []}
    at = f"/v1/appeals/{made['id']}"
    assert (await http.get(at, headers=viettel)).json() == made
    assert (await http.get(at, headers=mobifone)).status_code == 404
    assert (await http.get(f"/v1/appeals/{uuid.uuid4()}", headers=viettel)).status_code == 404
