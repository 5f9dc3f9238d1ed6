from __future__ import annotations

import uuid

import pytest

from simcheck.notices import policy
from simcheck.notices.addresses import NOWHERE, Place, Reach, reaches
from tests import subscribed

pytestmark = pytest.mark.anyio


def read(service, run, rows, wanted, owners=None):
    """The rows (from 1) of one bucket; `owners` are the numbers whose records are asked for."""
    numbers = owners or [int(rows[each - 1]["msisdn"]) if each <= len(rows) else 1 for each in wanted]
    places = [
        Place(run["carrier"], service.keyring.token("msisdn", number), run["batch_id"], 0, at)
        for number, at in zip(numbers, wanted, strict=True)
    ]
    return reaches(service.store, service.keyring, policy.load(), places)


async def test_cells_as_carriers_write_them(service, owner):
    run = subscribed.published(owner)
    rows = [
        {"msisdn": "0912345671", "contact_msisdn": "+84 987 654 321", "email": " an@example.vn "},
        {"msisdn": "0912345672", "contact_msisdn": "0912345672", "email": "an@@example"},
        {"msisdn": "0912345673", "status": "terminated", "id_type": "Passport"},
        {"msisdn": "0912345674", "status": "locked one way", "email": "a@b.vn\r\nBcc: c@d.vn"},
        {"msisdn": "0912345675", "status": "khóa 2 chiều", "contact_msisdn": "0283822"},
    ]
    subscribed.declared(service, run, rows)
    assert read(service, run, rows, [5, 1, 2, 3, 4]) == [
        Reach(912345675, False, 0, None, False),
        Reach(912345671, True, 987654321, "an@example.vn", False),
        Reach(912345672, True, 0, None, False),
        Reach(912345673, False, 0, None, True),
        Reach(912345674, True, 0, None, False),
    ]


async def test_another_numbers_record_is_nobodys(service, owner):
    run = subscribed.published(owner)
    rows = [{"msisdn": "0912345671"}, {"msisdn": "0912345672"}]
    subscribed.declared(service, run, rows)
    found = read(service, run, rows, [1, 2, 3], [912345672, 912345672, 912345673])
    assert found == [NOWHERE, Reach(912345672, True, 0, None, False), NOWHERE]


async def test_a_batch_that_the_lake_does_not_have_leaves_the_others_alone(service, owner):
    run = subscribed.published(owner)
    rows = [{"msisdn": "0912345671"}]
    subscribed.declared(service, run, rows)
    token = service.keyring.token("msisdn", 912345671)
    here = Place("viettel", token, run["batch_id"], 0, 1)
    places = [here._replace(batch_id=uuid.uuid4()), here, here._replace(bucket=3)]
    found = reaches(service.store, service.keyring, policy.load(), places)
    assert [each.number for each in found] == [0, 912345671, 0]


async def test_row_groups_without_a_wanted_row_are_passed_over(service, owner):
    import numpy as np
    import pyarrow as pa

    from simcheck.lake.buckets import BucketWriter
    from simcheck.lake.encryption import Dataset
    from simcheck.records import DECLARED_COLUMNS, PROBLEM, ROW, declared_schema

    run = subscribed.published(owner)
    dataset = Dataset.create(service.store, service.keyring, f"declared/viettel/{run['batch_id']}")
    with BucketWriter(dataset, "declared", declared_schema(), 4, room=0) as writer:
        for start in range(1, 100, 10):  # rows of two buckets, every other one here: gaps everywhere
            numbers = list(range(start, start + 10))
            table = {ROW: numbers, PROBLEM: [None] * 10} | {name: [None] * 10 for name in DECLARED_COLUMNS}
            table["msisdn"] = [f"0{912345000 + each}" for each in numbers]
            writer.add(pa.record_batch(table, declared_schema()), np.array([0, 1] * 5, np.int64))
    dataset.publish()
    assert dataset.parquet("declared-0000").num_row_groups == 10
    wanted = [99, 1, 51, 52, 1, 49]
    owners = [912345000 + each for each in wanted]
    found = [each.number for each in read(service, run, [], wanted, owners)]
    assert found == [912345099, 912345001, 912345051, 0, 912345001, 912345049]
