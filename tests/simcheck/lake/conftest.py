from __future__ import annotations

import pytest

from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.privacy import Keyring


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.make()


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "lake")


@pytest.fixture
def dataset(store, keyring) -> Dataset:
    return Dataset.create(store, keyring, "batches/viettel/1")
