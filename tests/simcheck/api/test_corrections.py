from __future__ import annotations

import csv
import io

import pytest

from simcheck import clock
from simcheck.holders.correct import Given
from tests import holding
from tests.holding import BINH, CHI, held, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio
SAID = (
    Given(BINH.id_number, BINH.full_name, BINH.date_of_birth),
    Given(CHI.id_number, CHI.full_name, CHI.date_of_birth),
)


@pytest.fixture
async def corrected(service, owner, tmp_path):
    """Numbers 1 and 2 of viettel are corrected, 3 is not."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2, CHI), wrong_name(3)])
        for number, given in zip((1, 2), SAID, strict=True):
            holder = await held(service, owner, number)
            await holding.put_right(service, holder, given)
        await holding.checked(service)


async def test_a_carrier_fetches_and_acknowledges(http, viettel, mobifone, token_of, owner, corrected):
    first = (await http.get("/v1/corrections", headers=viettel, params={"limit": 1})).json()
    then = {"limit": 1, "after": first["next"]}
    second = (await http.get("/v1/corrections", headers=viettel, params=then)).json()
    both = [*first["corrections"], *second["corrections"]]
    assert sorted(each["row"] for each in both) == [1, 2]
    by_row = {each["row"]: each for each in both}
    assert [by_row[row]["corrected"] for row in (1, 2)] == [given.__dict__ for given in SAID]
    [batch] = owner.execute("SELECT id FROM batch").fetchone()
    assert {each["batch"] for each in both} == {str(batch)}
    assert (await http.get("/v1/corrections", headers=mobifone)).json() == {"corrections": [], "next": None}

    path = "/v1/corrections/acknowledge"
    one = {"corrections": [by_row[1]["id"]]}
    assert (await http.post(path, headers=mobifone, json=one)).status_code == 404
    assert [(await http.post(path, headers=viettel, json=one)).json() for _ in range(2)] == [
        {"acknowledged": 1}, {"acknowledged": 0}
    ]  # fmt: skip
    left = (await http.get("/v1/corrections", headers=viettel)).json()["corrections"]
    assert [each["row"] for each in left] == [2]
    done = await http.get("/v1/corrections", headers=viettel, params={"acknowledged": True})
    assert done.json()["corrections"][0]["acknowledged_at"]
    assert (await http.post(path, headers=viettel, json={"corrections": []})).status_code == 422
    assert (await http.get("/v1/corrections", headers=viettel, params={"after": "x"})).status_code == 400
    other = await token_of("viettel", "feedback:read")
    assert (await http.get("/v1/corrections", headers=other)).status_code == 403


async def test_the_feedback_carries_them(http, viettel, owner, corrected):
    [batch] = owner.execute("SELECT id FROM batch").fetchone()
    paths = [f"/v1/batches/{batch}/feedback"]
    listed = (await http.get("/v1/feedback", headers=viettel)).json()["feedback"]
    paths += [f"/v1/feedback/{each['id']}" for each in listed]
    names = ("corrected_id_number", "corrected_full_name", "corrected_date_of_birth")
    assert len(paths) == 3
    for path in paths:
        text = (await http.get(path, headers=viettel)).text
        rows = {row["row"]: [row[name] for name in names] for row in csv.DictReader(io.StringIO(text))}
        assert rows == {
            "1": list(SAID[0].__dict__.values()), "2": list(SAID[1].__dict__.values()), "3": ["", "", ""]
        }  # fmt: skip
    ids = [each["id"] for each in (await http.get("/v1/corrections", headers=viettel)).json()["corrections"]]
    await http.post("/v1/corrections/acknowledge", headers=viettel, json={"corrections": ids})
    assert BINH.id_number not in (await http.get(paths[0], headers=viettel)).text
    assert holding.acts(owner).count("correction.fetched") == 4
