from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest

from simcheck.feedback import make
from simcheck.lake.encryption import Dataset
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict
from tests.feeding import KINDS, NATIONAL, REGISTERED, kind, reference

pytestmark = pytest.mark.anyio
BATCH = uuid.UUID(int=5)


def kept(store, keyring, name: str) -> pa.Table:
    return pa.Table.from_batches(Dataset.open(store, keyring, name).batches(make.FILE), make.SCHEMA)


async def test_what_is_not_verified_is_kept_in_the_files_order(store, keyring, dataset):
    rows = await make.of_batch(store, keyring, dataset.name, 3, "feedback/viettel/x")
    table = kept(store, keyring, "feedback/viettel/x")
    wrong = [row for row in range(1, 201) if kind(row)[0] is not Verdict.VERIFIED]
    assert rows == len(wrong) == 150
    assert table["row"].to_pylist() == wrong
    assert table["row_ref"].to_pylist() == [reference(row) for row in wrong]
    assert Dataset.open(store, keyring, "feedback/viettel/x").manifest["rows"] == rows


async def test_rows_keep_their_order_however_many_spans_they_are_sorted_in(
    store, keyring, dataset, monkeypatch
):
    for span, target in ((7, "feedback/viettel/small"), (1000, "feedback/viettel/large")):
        monkeypatch.setattr(make, "SPAN_ROWS", span)
        assert await make.of_batch(store, keyring, dataset.name, 3, target) == 150
        assert Dataset.open(store, keyring, target).manifest["files"] == {make.FILE: 150}
    assert kept(store, keyring, "feedback/viettel/small").equals(
        kept(store, keyring, "feedback/viettel/large")
    )


async def test_nothing_else_of_the_findings_is_kept(store, keyring, dataset):
    """Not the ID number declared, and not the person whom the register knows."""
    await make.of_batch(store, keyring, dataset.name, 3, "feedback/viettel/x")
    table = kept(store, keyring, "feedback/viettel/x")
    assert table.schema.names == ["row", "row_ref", "national", "verdict", "reasons"]
    for name in ("row", "national", "reasons"):
        assert np.max(table[name].to_numpy()) < REGISTERED


async def test_a_run_without_rows_has_an_empty_file(store, keyring):
    empty = Dataset.create(store, keyring, "findings/viettel/none")
    empty.publish(buckets=3, rows=0)
    assert await make.of_batch(store, keyring, empty.name, 3, "feedback/viettel/x") == 0
    assert kept(store, keyring, "feedback/viettel/x").num_rows == 0


async def test_the_standing_file_knows_what_others_changed_since(service, owner, keyring, dataset, store):
    def known(row: int, verdict: Verdict, reasons: tuple[Reason, ...], batch=BATCH, at: int | None = None):
        owner.execute(
            "INSERT INTO subscription (msisdn_token, carrier, verdict, reasons, bucket, cells, facts, row, "
            "batch_id, run_id, changed_at) VALUES (%s, 'viettel', %s, %s, 0, 0, '', %s, %s, %s, now())",
            [keyring.token("msisdn", NATIONAL + row), VERDICTS.index(verdict),
             sum(reason.mask for reason in reasons), at or row, batch, batch],
        )  # fmt: skip

    claimed = (Verdict.MISMATCH, (Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER,))
    known(4, *claimed)  # was verified, and another carrier has declared it since
    known(5, *KINDS[1])  # as it was
    known(6, *KINDS[0])  # in order now, by an older batch's row
    known(9, *claimed, at=77)  # another row of this batch stands for the number
    async with service.database.transaction("test", "viettel") as session:
        rows = await make.standing(
            session, store, keyring, "viettel", BATCH, dataset.name, 3, "feedback/viettel/x"
        )
    table = kept(store, keyring, "feedback/viettel/x")
    assert rows == 150
    told = dict(zip(table["row"].to_pylist(), table["reasons"].to_pylist(), strict=True))
    assert told[4] == Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER.mask
    assert told[5] == told[9] == Reason.NAME_DIACRITICS.mask
    assert 6 not in told
