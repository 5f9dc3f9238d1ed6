from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from simcheck.lake.encryption import Dataset
from simcheck.lake.purge import datasets, published, purge
from tests.simcheck.lake.test_files import everything

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def lake(store, keyring, tmp_path):
    """Snapshots of 1 to 4 days ago; 2 was never published, another kind of data stands beside them."""
    for name in ("register/1", "register/2", "register/3", "register/4", "batches/itel/4"):
        dataset = Dataset.create(store, keyring, name)
        if name != "register/2":
            dataset.publish()
        written = (NOW - int(name[-1]) * DAY).timestamp()
        for path in (tmp_path / "lake" / name).iterdir():
            os.utime(path, (written, written))
    return store


def test_what_there_is(lake):
    assert published(lake, "register") == ["register/4", "register/3", "register/1"]
    assert datasets(lake, "register")["register/2"] == NOW - 2 * DAY
    assert published(lake, "nothing") == []


@pytest.mark.parametrize(
    ("keep", "days", "gone"),
    [
        ([], 1.5, {"register/2", "register/3", "register/4"}),
        (["register/3"], 1.5, {"register/2", "register/4"}),
        (["register/1"], 0, {"register/2", "register/3", "register/4"}),
        ([], 30, set()),
    ],
)
def test_what_is_old_and_not_kept_goes(lake, tmp_path, keep, days, gone):
    assert set(purge(lake, "register", keep, days * DAY, NOW)) == gone
    left = {path.rpartition("/")[0] for path in everything(tmp_path / "lake")}
    assert left == {"register/1", "register/2", "register/3", "register/4", "batches/itel/4"} - gone
    assert purge(lake, "register", keep, days * DAY, NOW) == []


def test_leftovers_of_a_killed_process_go(lake, tmp_path):
    half = tmp_path / "lake" / "register" / "9"
    half.mkdir()
    (half / ".citizens-0001.parquet-0123").write_bytes(b"half")
    os.utime(half / ".citizens-0001.parquet-0123", (0, 0))
    assert "register/9" in purge(lake, "register", [], 9 * DAY, NOW)
    assert not half.exists()
