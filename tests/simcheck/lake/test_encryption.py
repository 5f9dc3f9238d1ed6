from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simcheck.errors import OutputError, SealError
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from tests.simcheck.lake.test_files import everything

NAMES = [f"Nguyễn Thị Hương {at}" for at in range(500)]
TABLE = pa.table({"id_number": [f"001190{at:06}" for at in range(500)], "full_name": NAMES})


def write(dataset: Dataset, file: str = "a", table: pa.Table = TABLE, **options: object) -> None:
    with dataset.writing(file, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=100)


def rows(dataset: Dataset, file: str = "a", **how: object) -> pa.Table:
    return pa.Table.from_batches(list(dataset.batches(file, **how)))


def test_what_is_written_is_read(dataset):
    write(dataset)
    assert rows(dataset) == TABLE
    assert rows(dataset, columns=["full_name"]).column_names == ["full_name"]
    assert rows(dataset, columns=["full_name", "id_number"]).column_names == ["full_name", "id_number"]
    assert [len(each) for each in dataset.batches("a", size=50)] == [50] * 10


@pytest.mark.parametrize("options", [{}, {"compression": "none"}, {"write_statistics": True}])
def test_nothing_stands_there_in_clear(dataset, tmp_path, options):
    """Neither cells, nor their least and greatest, nor column names, nor what the manifest tells."""
    write(dataset, **options)
    dataset.publish(digest="0123456789abcdef", rows=500)
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for word in (b"Nguy", "Hương".encode(), b"001190", b"id_number", b"full_name", b"0123456789abcdef"):
            assert word not in content, path


def test_an_unencrypted_parquet_file_would_have_been_found(tmp_path):
    pq.write_table(TABLE, tmp_path / "clear.parquet", compression="none")
    assert b"001190" in (tmp_path / "clear.parquet").read_bytes()


def test_every_file_lies_under_the_dataset(dataset, tmp_path):
    write(dataset)
    dataset.publish()
    assert everything(tmp_path / "lake") == {
        f"batches/viettel/1/{name}" for name in ("key", "a.parquet", "manifest")
    }


def test_published_is_what_the_manifest_tells(dataset, store, keyring):
    write(dataset)
    write(dataset, "b", TABLE.slice(0, 7))
    assert not dataset.published
    assert dataset.has("a")
    assert not dataset.has("c")
    with pytest.raises(SealError, match="not there"):
        assert Dataset.open(store, keyring, dataset.name).manifest
    dataset.publish(digest="d")
    again = Dataset.open(store, keyring, dataset.name)
    assert again.published
    assert again.manifest == {"digest": "d", "files": {"a": 500, "b": 7}}
    assert again.has("b")
    assert not again.has("c")


def test_after_a_rotation_older_datasets_are_read(dataset, store, keyring):
    write(dataset)
    dataset.publish()
    rotated = keyring.rotate()
    assert rows(Dataset.open(store, rotated, dataset.name)) == TABLE
    newer = Dataset.create(store, rotated, "batches/viettel/2")
    write(newer)
    assert rows(Dataset.open(store, rotated, newer.name)) == TABLE
    with pytest.raises(SealError, match=rotated.current):
        Dataset.open(store, keyring, newer.name)


def test_another_keyring_reads_nothing(dataset, store):
    write(dataset)
    dataset.publish()
    with pytest.raises(SealError):
        Dataset.open(store, Keyring.make(), dataset.name)


def test_a_file_under_another_name_is_refused(dataset, tmp_path):
    write(dataset)
    write(dataset, "b", TABLE.slice(0, 7))
    folder = tmp_path / "lake" / dataset.name
    shutil.copy(folder / "b.parquet", folder / "a.parquet")
    with pytest.raises(SealError, match="not the file that was written"):
        rows(dataset)


def test_a_dataset_under_another_name_is_refused(dataset, store, keyring, tmp_path):
    write(dataset)
    dataset.publish()
    shutil.copytree(tmp_path / "lake" / dataset.name, tmp_path / "lake" / "batches/itel/1")
    with pytest.raises(SealError):
        Dataset.open(store, keyring, "batches/itel/1")


def test_an_older_version_of_a_file_is_seen_by_its_rows(dataset, store, keyring, tmp_path):
    write(dataset, table=TABLE.slice(0, 7))
    path = tmp_path / "lake" / dataset.name / "a.parquet"
    old = path.read_bytes()
    write(dataset)
    dataset.publish()
    path.write_bytes(old)
    again = Dataset.open(store, keyring, dataset.name)
    assert again.manifest
    with pytest.raises(SealError, match="manifest"):
        rows(again)


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("file", ["a.parquet", "manifest", "key"])
def test_a_changed_byte_is_seen(dataset, store, keyring, tmp_path, place, file):
    write(dataset)
    dataset.publish()
    path = tmp_path / "lake" / dataset.name / file
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)

    def read() -> None:
        again = Dataset.open(store, keyring, dataset.name)
        assert again.manifest
        rows(again)

    with pytest.raises(SealError) as caught:
        read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_half_a_file_is_refused(dataset, tmp_path, kept):
    write(dataset)
    path = tmp_path / "lake" / dataset.name / "a.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(SealError):
        rows(dataset)


def test_a_file_in_clear_is_refused(dataset, tmp_path):
    pq.write_table(TABLE, tmp_path / "lake" / dataset.name / "a.parquet")
    with pytest.raises(SealError):
        rows(dataset)


def test_a_file_that_is_gone(dataset):
    with pytest.raises(SealError, match="not there"):
        rows(dataset)


def test_after_an_error_in_mid_file_nothing_is_there(dataset, tmp_path):
    def spoil() -> None:
        with dataset.writing("a", TABLE.schema) as writer:
            writer.write_table(TABLE)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        spoil()
    assert not dataset.has("a")
    assert everything(tmp_path / "lake") == {f"{dataset.name}/key"}


def test_removing_a_file_and_all(dataset, tmp_path):
    write(dataset)
    write(dataset, "b")
    dataset.remove("b")
    dataset.publish()
    assert dataset.manifest["files"] == {"a": 500}
    dataset.remove()
    assert not dataset.published
    assert everything(tmp_path / "lake") == set()


def test_a_dataset_that_cannot_be_written(tmp_path, keyring):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        Dataset.create(Store(tmp_path / "file"), keyring, "x")
