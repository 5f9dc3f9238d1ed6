from __future__ import annotations

import io
import uuid
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from jobs import feedback as jobs_feedback
from simcheck import clock
from tests.feeding import published_run

pytestmark = pytest.mark.anyio


@pytest.fixture
async def batch(service, owner) -> uuid.UUID:
    made, run = published_run(owner, service)
    await jobs_feedback.make_files(service, str(run))
    return made


async def test_a_batchs_file_in_three_formats(http, viettel, batch):
    path = f"/v1/batches/{batch}/feedback"
    csv = await http.get(path, headers=viettel)
    assert (csv.status_code, csv.headers["content-type"].split(";")[0]) == (200, "text/csv")
    assert csv.headers["content-disposition"] == f'attachment; filename="feedback-{batch}.csv"'
    assert csv.headers["x-feedback-rows"] == "150"
    assert csv.text.startswith(
        "file,row,row_ref,msisdn,verdict,reasons,what_to_do_vi,what_to_do_en,"
        "corrected_id_number,corrected_full_name,corrected_date_of_birth\n"
    )
    parquet = await http.get(path, headers=viettel, params={"format": "parquet"})
    assert pq.read_table(io.BytesIO(parquet.content)).num_rows == 150
    book = await http.get(path, headers=viettel, params={"format": "xlsx"})
    assert book.content.startswith(b"PK")
    assert (await http.get(path, headers=viettel, params={"format": "pdf"})).status_code == 422


async def test_files_are_kept_until_they_are_acknowledged(http, viettel, batch, service, owner):
    listed = (await http.get("/v1/feedback", headers=viettel)).json()["feedback"]
    assert sorted(each["batch"] is None for each in listed) == [False, True]
    path = f"/v1/batches/{batch}/feedback"
    wrong = await http.post(f"{path}/acknowledge", headers=viettel, json={"rows": 1})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "conflict")
    done = await http.post(f"{path}/acknowledge", headers=viettel, json={"rows": 150})
    assert done.json()["acknowledged_at"]
    assert (await http.get(path, headers=viettel)).status_code == 200
    [left] = (await http.get("/v1/feedback", headers=viettel, params={"acknowledged": False})).json()[
        "feedback"
    ]
    assert left["batch"] is None
    with clock.fixed(clock.now() + timedelta(days=31)):
        await jobs_feedback.purge(service)
    gone = await http.get(path, headers=viettel)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    one = f"/v1/feedback/{left['id']}"
    assert (await http.get(one, headers=viettel)).text.count("\n") > 150
    assert (await http.post(f"{one}/acknowledge", headers=viettel, json={"rows": 150})).status_code == 200


async def test_a_carrier_can_ask_how_it_stands(http, viettel, batch, service, owner):
    for _ in range(2):
        assert (await http.post("/v1/feedback", headers=viettel)).status_code == 202
    jobs = owner.execute(
        "SELECT args FROM procrastinate_jobs WHERE task_name = 'feedback.standing'"
    ).fetchall()
    assert jobs == [({"carrier": "viettel"},)]
    await jobs_feedback.make_standing(service, "viettel")
    assert len((await http.get("/v1/feedback", headers=viettel)).json()["feedback"]) == 3


async def test_another_carriers_file_is_not_there(http, viettel, mobifone, token_of, batch):
    [mine, _] = (await http.get("/v1/feedback", headers=viettel)).json()["feedback"]
    assert (await http.get("/v1/feedback", headers=mobifone)).json() == {"feedback": []}
    for path in (
        f"/v1/feedback/{mine['id']}",
        f"/v1/batches/{batch}/feedback",
        f"/v1/feedback/{uuid.uuid4()}",
    ):
        assert (await http.get(path, headers=mobifone)).status_code == 404
        said = await http.post(f"{path}/acknowledge", headers=mobifone, json={"rows": 150})
        assert said.status_code == 404
    without = await token_of("viettel", "cases:read")
    assert (await http.get("/v1/feedback", headers=without)).status_code == 403
