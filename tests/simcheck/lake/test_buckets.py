from __future__ import annotations

import resource
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simcheck.errors import OutputError, SealError
from simcheck.lake.buckets import MOST_BUCKETS, BucketWriter, beside, file_of, in_order, read
from simcheck.lake.encryption import Dataset
from simcheck.records import ROW
from tests.simcheck.lake.test_files import everything

SCHEMA = pa.schema([pa.field(ROW, pa.int64(), nullable=False), pa.field("full_name", pa.string())])
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def batch(first: int, count: int) -> pa.RecordBatch:
    rows = np.arange(first, first + count)
    names = pa.array([None if row % 5 == 0 else f"Trần {row}" for row in rows], pa.string())
    return pa.RecordBatch.from_arrays([pa.array(rows), names], schema=SCHEMA)


def write(
    dataset: Dataset, batches: list[tuple[pa.RecordBatch, np.ndarray]], buckets: int, room: int
) -> None:
    with BucketWriter(dataset, "declared", SCHEMA, buckets, room) as writer:
        for rows, bucket in batches:
            writer.add(rows, bucket)


@SHARED
@given(st.data())
def test_every_row_is_in_its_bucket_once_and_comes_back_in_order(store, keyring, data):
    buckets = data.draw(st.integers(1, 9))
    sizes = data.draw(st.lists(st.integers(0, 60), max_size=5))
    chance = np.random.default_rng(data.draw(st.integers(0, 99)))
    skewed = data.draw(st.booleans())  # nearly all in one bucket
    batches, first = [], 1
    for size in sizes:
        bucket = chance.integers(0, buckets, size) * (chance.random(size) < 0.1 if skewed else 1)
        batches.append((batch(first, size), bucket.astype(np.int64)))
        first += size
    dataset = Dataset.create(store, keyring, f"batches/{uuid.uuid4()}")
    write(dataset, batches, buckets, room=data.draw(st.sampled_from([1, 2000, 1 << 26])))
    if data.draw(st.booleans()):
        dataset.publish()
    where = np.concatenate([np.zeros(0, np.int64), *(each for _, each in batches)])
    for number in range(buckets):
        found = [row for part in read(dataset, "declared", number, size=7) for row in part.to_pylist()]
        assert [each[ROW] for each in found] == (np.flatnonzero(where == number) + 1).tolist()
        assert all(each["full_name"] == (f"Trần {each[ROW]}" if each[ROW] % 5 else None) for each in found)
    size = data.draw(st.sampled_from([1, 3, 8192]))
    parts = list(in_order(dataset, "declared", buckets, size=size))
    assert [row for part in parts for row in part[ROW].to_pylist()] == list(range(1, first))
    if parts:
        whole = pa.concat_tables(parts)
        assert whole["full_name"].to_pylist() == batch(1, first - 1)["full_name"].to_pylist()


def test_columns_are_chosen(dataset):
    write(dataset, [(batch(1, 9), np.arange(9) % 3)], 3, 1 << 20)
    part = next(read(dataset, "declared", 1, ["full_name"]))
    assert part.schema.names == ["full_name"]
    assert next(in_order(dataset, "declared", 3, [ROW])).column_names == [ROW]


def test_only_buckets_with_rows_have_files(dataset, tmp_path):
    write(dataset, [(batch(1, 9), np.full(9, 2))], 4, 1 << 20)
    assert everything(tmp_path / "lake") == {
        f"{dataset.name}/{name}" for name in ("key", "declared-0002.parquet")
    }
    assert file_of("declared", 2) == "declared-0002"


def test_memory_is_bounded_by_the_room(dataset):
    with BucketWriter(dataset, "declared", SCHEMA, 4, room=1 << 16) as writer:
        for first in range(1, 200_000, 2000):
            writer.add(batch(first, 2000), np.arange(2000) % 4)
            assert writer._bytes <= 1 << 16
        assert writer.rows.tolist() == [50_000] * 4


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_after_an_error_there_is_no_file(dataset, tmp_path, error):
    def spoil() -> None:
        with BucketWriter(dataset, "declared", SCHEMA, 3, room=1) as writer:
            writer.add(batch(1, 100), np.arange(100) % 3)
            raise error

    with pytest.raises(error):
        spoil()
    assert everything(tmp_path / "lake") == {f"{dataset.name}/key"}


@pytest.mark.parametrize("room", [1, 1 << 30])  # met while rows come in, or at the end
def test_a_full_disk_leaves_no_file(dataset, tmp_path, room):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="full"):
            write(dataset, [(batch(1, 50_000), np.arange(50_000) % 2)] * 3, 2, room)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert everything(tmp_path / "lake") == {f"{dataset.name}/key"}


def test_a_bucket_that_is_lost_is_missed(dataset, tmp_path, store, keyring):
    write(dataset, [(batch(1, 9), np.arange(9) % 3)], 3, 1 << 20)
    dataset.publish()
    (tmp_path / "lake" / dataset.name / "declared-0001.parquet").unlink()
    again = Dataset.open(store, keyring, dataset.name)
    with pytest.raises(SealError, match="not there"):
        list(in_order(again, "declared", 3))


@pytest.mark.parametrize("buckets", [0, MOST_BUCKETS + 1])
def test_how_many_buckets(dataset, buckets):
    with pytest.raises(ValueError, match="buckets"):
        BucketWriter(dataset, "declared", SCHEMA, buckets)


def test_a_row_put_in_order_knows_its_bucket(store, keyring):
    dataset = Dataset.create(store, keyring, "batches/numbered")
    write(dataset, [(batch(1, 50), np.arange(50) % 3)], 3, 1 << 26)
    found = [row for part in in_order(dataset, "declared", 3, [ROW], 8, "bucket") for row in part.to_pylist()]
    assert found == [{ROW: row, "bucket": (row - 1) % 3} for row in range(1, 51)]


@given(st.lists(st.integers(0, 9), max_size=6), st.lists(st.integers(0, 9), max_size=6))
def test_two_streams_of_the_same_rows_are_cut_alike(left, right):
    def cut(sizes):
        starts = [1 + sum(sizes[:at]) for at in range(len(sizes))]
        return iter([batch(start, size) for start, size in zip(starts, sizes, strict=True)])

    if sum(left) == sum(right):
        pairs = list(beside(cut(left), cut(right)))
        assert all(one.equals(other) for one, other in pairs)
        assert [row for one, _ in pairs for row in one[ROW].to_pylist()] == list(range(1, sum(left) + 1))
    else:
        with pytest.raises(SealError):
            list(beside(cut(left), cut(right)))


def test_two_streams_of_other_rows_are_refused():
    with pytest.raises(SealError):
        list(beside(iter([batch(1, 4)]), iter([batch(2, 4)])))
