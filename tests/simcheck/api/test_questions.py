from __future__ import annotations

import uuid

import pytest

from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from tests.holding import national, sent

pytestmark = pytest.mark.anyio


@pytest.fixture
async def asked(service, owner, keyring, viettel):
    """Three questions about a number of viettel's, the first by whoever proved to hold it."""
    owner.execute(
        "INSERT INTO subscription (msisdn_token, carrier, verdict, reasons, bucket, facts, cells, row, "
        "batch_id, run_id, changed_at) VALUES (%s, 'viettel', 0, 0, 0, '', 0, 1, gen_random_uuid(), "
        "gen_random_uuid(), now())", [keyring.token("msisdn", national(1))],
    )  # fmt: skip
    for each in range(3):
        asking = Asking(
            f"Câu hỏi {each}", Back.SMS, f"+84{national(1)}", "vi", uuid.uuid4(), national(1), proved=not each
        )  # fmt: skip
        async with service.database.transaction("public", ministry=True) as session:
            await questions.open_question(session, service, asking)


async def test_a_carrier_reads_and_answers(http, viettel, mobifone, token_of, owner, keyring, asked):
    page = (await http.get("/v1/questions", headers=viettel, params={"limit": 2})).json()
    rest = (await http.get("/v1/questions", headers=viettel, params={"after": page["next"]})).json()
    assert rest["next"] is None
    all_of_them = [*page["questions"], *rest["questions"]]
    assert [each["written"][0]["text"] for each in all_of_them] == [f"Câu hỏi {each}" for each in range(3)]
    assert [each["proved"] for each in all_of_them] == [True, False, False]
    assert str(national(1)) not in str(all_of_them)
    assert (await http.get("/v1/questions", headers=mobifone)).json()["questions"] == []

    first = all_of_them[0]
    path = f"/v1/questions/{first['id']}/answers"
    assert (await http.post(path, headers=mobifone, json={"text": "x"})).status_code == 404
    assert (await http.post(path, headers=viettel, json={"text": " \u200b"})).status_code == 400
    done = await http.post(path, headers=viettel, json={"text": "Mang thẻ căn cước.", "close": True})
    assert (done.status_code, done.json()["state"]) == (200, "closed")
    assert [each["by"] for each in done.json()["written"]] == ["holder", "answer"]
    [message] = sent(owner, keyring)
    assert first["number"] in message.text
    assert (await http.post(path, headers=viettel, json={"text": "Nữa."})).status_code == 409
    closed = await http.get("/v1/questions", headers=viettel, params={"state": "closed"})
    assert [each["id"] for each in closed.json()["questions"]] == [first["id"]]
    other = await token_of("viettel", "cases:read")
    assert (await http.get("/v1/questions", headers=other)).status_code == 403
