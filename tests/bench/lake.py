"""Is sealing the bottleneck? Rows a second of tokens, seals, buckets and the sealed register, on one core.

.venv/bin/python tests/bench/lake.py [ROWS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simcheck.lake.buckets import BUCKETS, BucketWriter, in_order, read
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.lake.tokens import tokens_of_numbers, tokens_of_text
from simcheck.normalise.cells import fixed_width
from simcheck.normalise.names import new_keys
from simcheck.privacy import Keyring
from simcheck.records import ROW, declared_schema
from simcheck.register.importing import import_register
from simcheck.register.index import bucket_of
from simcheck.register.protocol import slips

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
BATCH = 131_072
SEALS = 100_000
WORDS = (
    "Nguyễn Trần Lê Phạm Văn Thị Hữu Đức Ngọc Thanh Minh Quang Xuân Thu Kim Bảo Gia Hồng Hùng Hương".split()
)
CHANCE = np.random.default_rng(1)
RING = Keyring.make()


@contextmanager
def measured(what: str, rows: int) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    print(f"{what:44} {rows / seconds / 1e6:8.2f} M/s   {seconds:7.3f} s")


def people(numbers: np.ndarray) -> dict[str, pa.Array]:
    words = pa.array(WORDS)
    name = [words.take(pa.array(CHANCE.integers(0, len(WORDS), len(numbers)))) for _ in range(3)]
    born = CHANCE.integers(-10_000, 12_000, len(numbers)).astype("datetime64[D]")
    return {
        "id_number": fixed_width(numbers, "", 12),
        "full_name": pa.compute.binary_join_element_wise(*name, " "),
        "date_of_birth": pa.array(born).cast(pa.string()),
    }


def tokens() -> None:
    numbers = np.arange(1, ROWS + 1)
    tokens_of_numbers(RING, "msisdn", numbers[:100])
    tokens_of_text(RING, "row_ref", pa.array(["KH-0000001"]))
    with measured("tokens of numbers (HMAC-SHA-256)", ROWS):
        tokens_of_numbers(RING, "msisdn", numbers)
    texts = fixed_width(numbers, "KH-", 10)
    with measured("tokens of texts of 13 letters", ROWS):
        tokens_of_text(RING, "row_ref", texts)
    with measured("seals of 200 bytes, one by one", SEALS):
        sealed = [RING.seal(bytes(200), f"subscription/{at}") for at in range(SEALS)]
    with measured("opened one by one", SEALS):
        for at, each in enumerate(sealed):
            RING.open(each, f"subscription/{at}")


def declared(store: Store) -> None:
    schema = declared_schema()
    dataset = Dataset.create(store, RING, "batches/viettel/1")
    batches = []
    for first in range(1, ROWS + 1, BATCH):
        rows = np.arange(first, min(first + BATCH, ROWS + 1))
        columns = {ROW: pa.array(rows), "msisdn": fixed_width(CHANCE.integers(1, 10**9, len(rows)), "0", 9)}
        columns |= people(CHANCE.integers(1, 10**11, len(rows))) | {"row_ref": fixed_width(rows, "KH-", 10)}
        none = pa.nulls(len(rows), pa.string())
        arrays = [columns.get(name, none) for name in schema.names]
        batches.append((pa.RecordBatch.from_arrays(arrays, schema=schema), bucket_of(rows, BUCKETS)))
    with (
        measured("declared rows cut and encrypted", ROWS),
        BucketWriter(dataset, "declared", schema, BUCKETS) as to,
    ):
        for batch, bucket in batches:
            to.add(batch, bucket)
    dataset.publish()
    with measured("declared rows read, bucket by bucket", ROWS):
        assert sum(len(part) for at in range(BUCKETS) for part in read(dataset, "declared", at)) == ROWS
    with measured("declared rows read in their first order", ROWS):
        assert sum(len(part) for part in in_order(dataset, "declared", BUCKETS)) == ROWS


def register(store: Store, folder: Path) -> None:
    path = folder / "register.parquet"
    numbers = np.unique(CHANCE.integers(10**9, 10**11, ROWS))
    CHANCE.shuffle(numbers)
    writer = None
    for start in range(0, len(numbers), BATCH):
        part = numbers[start : start + BATCH]
        old = np.where(CHANCE.random(len(part)) < 0.35, CHANCE.integers(1, 10**9, len(part)), 0)
        table = pa.table(
            people(part)
            | {"status": pa.array(["active"] * len(part)), "old_id_number": fixed_width(old, "", 9)}
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()
    with measured("register imported (validated, cut, sorted)", len(numbers)):
        sealed = import_register(store, RING, path, date(2026, 11, 23), 1)
    with measured("register read whole, for the second look", len(numbers)):
        assert sum(len(part.id_number) for part, _ in sealed.parts(1)) == len(numbers)
    keys = new_keys()
    with measured("buckets read, fingerprinted and indexed", len(numbers)):
        for bucket in range(BUCKETS):
            sealed.index(bucket, keys)
    asked = numbers[:1]
    sealed.ask(np.concatenate([asked, slips(asked)]), keys)
    with measured("one number asked for", 1):
        sealed.ask(asked, keys)
    with measured("one number and its 120 slips asked for", 1):
        sealed.ask(np.concatenate([asked, slips(asked)]), keys)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        tokens()
        declared(Store(Path(made) / "lake"))
        register(Store(Path(made) / "lake"), Path(made))
