from __future__ import annotations

import uuid

import pytest

from simcheck.cases.models import Acts
from simcheck.privacy import Keyring
from simcheck.reasons import Reason, Verdict
from tests import publishing
from tests.publishing import Sim

pytestmark = pytest.mark.anyio
NUMBER = 912345678


@pytest.fixture
async def some(service, owner, viettel, mobifone) -> None:
    await publishing.run(
        service, Sim("one", contract="K"),
        Sim("two", Verdict.VARIANT, (Reason.NAME_DIACRITICS,), contract="K"), Sim("three", row=12),
        Sim("theirs", carrier="mobifone"),
    )  # fmt: skip


async def listed(http, headers, **query):
    answer = await http.get("/v1/cases", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_carrier_lists_its_own_cases(http, viettel, mobifone, some):
    mine = (await listed(http, viettel))["cases"]
    assert len(mine) == 3
    assert {each["state"] for each in mine} == {"with_holder", "with_carrier"}
    assert [each["reasons"] for each in mine if each["acts"] == "carrier"] == [["NAME_DIACRITICS"]]
    assert {each["record"]["row"] for each in mine} == {1, 12}
    assert len((await listed(http, mobifone))["cases"]) == 1
    assert len((await listed(http, viettel, acts="holder"))["cases"]) == 2
    assert len((await listed(http, viettel, state="with_carrier"))["cases"]) == 1
    assert (await listed(http, viettel, state="closed"))["cases"] == []
    assert (await listed(http, viettel, open="false"))["cases"] == []


async def test_pages_follow_one_another(http, viettel, some):
    seen, after = [], None
    for _ in range(3):
        page = await listed(http, viettel, limit=1, **({"after": after} if after else {}))
        seen += [each["id"] for each in page["cases"]]
        after = page["next"]
    assert len(set(seen)) == 3
    assert (await listed(http, viettel, limit=1, after=after))["cases"] == []
    for wrong in ("x", "éé", "MjAyNg==", "MjAyNi0wMS0wMSAwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA="):
        answer = await http.get("/v1/cases", headers=viettel, params={"after": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


async def test_another_carriers_case_is_not_there(http, viettel, mobifone, some):
    [theirs] = (await listed(http, mobifone))["cases"]
    unknown = f"/v1/cases/{uuid.uuid4()}"
    for path in (f"/v1/cases/{theirs['id']}", f"/v1/cases/{theirs['id']}/contract", unknown):
        answer = await http.get(path, headers=viettel)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    asked = {"move": "answered", "version": 1, "reason": "is_right"}
    answer = await http.post(f"/v1/cases/{theirs['id']}/moves", headers=viettel, json=asked)
    assert answer.status_code == 404


async def test_a_carrier_answers_for_its_case(http, viettel, some, owner):
    [mine] = (await listed(http, viettel, acts=Acts.CARRIER.value))["cases"]
    path = f"/v1/cases/{mine['id']}/moves"
    asked = {
        "move": "answered",
        "version": 1,
        "reason": "record_is_right",
        "note": "Nguyễn Văn A, 0912345678",
    }
    answer = (await http.post(path, headers=viettel, json=asked)).json()
    assert (answer["state"], answer["version"]) == ("with_staff", 2)
    assert [each["move"] for each in answer["history"]] == ["opened", "answered"]
    assert [each["by"] for each in answer["history"]] == ["job", "client"]
    assert "Nguyễn" not in str(answer)
    [sealed] = owner.execute("SELECT evidence FROM case_event WHERE evidence IS NOT NULL").fetchone()
    assert b"0912345678" not in sealed
    again = await http.post(path, headers=viettel, json=asked)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    decides = await http.post(path, headers=viettel, json={**asked, "move": "same_person", "version": 2})
    assert decides.status_code == 422
    unknown = await http.post(path, headers=viettel, json={**asked, "extra": 1})
    assert unknown.status_code == 422


async def test_numbers_of_one_contract_are_seen_together(http, viettel, some):
    [mine] = (await listed(http, viettel, acts="carrier"))["cases"]
    mates = (await http.get(f"/v1/cases/{mine['id']}/contract", headers=viettel)).json()["subscriptions"]
    assert len(mates) == 2
    assert all(each["case"] for each in mates)


async def test_cases_are_searched_by_number(http, viettel, service, owner, some, monkeypatch):
    keyring: Keyring = service.keyring
    owner.execute(
        'UPDATE "case" SET msisdn_token = %s WHERE id = (SELECT id FROM "case" WHERE carrier = %s LIMIT 1)',
        [keyring.token("msisdn", NUMBER), "viettel"],
    )
    for typed in ("0912345678", "+84 912 345 678"):
        answer = await http.post("/v1/cases/search", headers=viettel, json={"msisdn": typed})
        assert len(answer.json()["cases"]) == 1
    for typed in ("", "12", "0" * 40, "0912345678\0"):
        answer = await http.post("/v1/cases/search", headers=viettel, json={"msisdn": typed})
        assert answer.status_code in {200, 400}
        assert not answer.json().get("cases")


async def test_scopes(http, token_of, some):
    reader = await token_of("viettel", "cases:read")
    [mine, *_] = (await listed(http, reader))["cases"]
    asked = {"move": "evidence", "version": 1, "reason": "proof", "note": "x"}
    assert (await http.post(f"/v1/cases/{mine['id']}/moves", headers=reader, json=asked)).status_code == 403
    other = await token_of("viettel", "batches:read")
    assert (await http.get("/v1/cases", headers=other)).status_code == 403
