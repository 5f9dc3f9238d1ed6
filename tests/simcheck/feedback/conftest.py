from __future__ import annotations

import pytest

from simcheck.lake.encryption import Dataset
from tests.feeding import findings


@pytest.fixture
def store(tmp_path):
    from simcheck.lake.files import Store

    return Store(tmp_path / "lake")


@pytest.fixture
def dataset(store, keyring) -> Dataset:
    """Findings of 200 rows in 3 buckets."""
    return findings(store, keyring, "findings/viettel/one", 200, 3)
