from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pytest

import generator
from tests.living import CARRIERS, CASES, SUBSCRIPTIONS, Country, running
from tests.sending import sending, smsc, store

__all__ = ["made", "sending", "smsc", "store", "undisturbed"]


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A small country that does not exist: a register, and two carriers' files."""
    folder = tmp_path_factory.mktemp("country") / "made"
    generator.generate(400, 600, 5, folder, carriers=list(CARRIERS))
    assert pacsv.read_csv(folder / "wintel.csv").num_rows > 100
    return folder


_ENDS: dict[str, list[Any]] = {}


@pytest.fixture
def undisturbed(environment, made) -> dict[str, list[Any]]:
    """The end where nothing goes wrong, with one worker; found once by the first test that needs it."""
    if not _ENDS:
        with running(Country(environment)) as country:
            country.found(made)
            country.start("serve")
            country.start("worker")
            country.send_all(made)
            _ENDS.update(country.ends())
        assert len(_ENDS[SUBSCRIPTIONS]) > 300
        assert len(_ENDS[CASES]) > 50
    return _ENDS
