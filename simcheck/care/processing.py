"""The register of processing activities: `processing.toml`, read once. It says where everything stands."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from simcheck.care import retention

Text = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A table of the ledger. `token` is what stands for a person or number in a row, if any. Its columns of
    bytes are `tokens` (keyed codes of a number, person, address or contract), `sealed`, or `codes` (digests).
    """

    name: str
    token: str = ""
    tokens: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Activity:
    """One thing that is done with personal data. Texts in each language; `lake` are folders of the lake,
    `retention` ids of the retention table.
    """

    id: str
    purpose: Text
    ground: str
    confidence: str
    subjects: Text
    data: Text
    recipients: Text
    lake: tuple[str, ...]
    retention: tuple[str, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Register:
    """All activities, and whose they are."""

    version: str
    controller: Text
    activities: tuple[Activity, ...]

    @property
    def tables(self) -> dict[str, tuple[Activity, Table]]:
        """Every table with its activity."""
        return {table.name: (each, table) for each in self.activities for table in each.tables}

    @property
    def lake(self) -> dict[str, Activity]:
        """Every folder of the lake with its activity."""
        return {folder: each for each in self.activities for folder in each.lake}


@cache
def load() -> Register:
    """The register that is shipped."""
    return read(files("simcheck.care").joinpath("processing.toml").read_text("utf-8"))


def read(text: str) -> Register:
    """A register out of its text. Raises `ValueError`, which names the activity, where one is not whole."""
    data = tomllib.loads(text)
    activities = tuple(_activity(each) for each in data["activity"])
    names = [table.name for each in activities for table in each.tables]
    if twice := sorted({each for each in names if names.count(each) > 1}):
        raise ValueError(f"{twice[0]}: this table stands in two activities")
    return Register(data["version"], data["controller"], activities)


def _activity(data: dict[str, Any]) -> Activity:
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }
    made = Activity(**told | {"tables": tuple(_table(each) for each in data["tables"])})
    known = {rule.id for rule in retention.load().rules}
    if unknown := sorted(set(made.retention) - known):
        raise ValueError(f"{made.id}: the retention table has no {unknown[0]}")
    if not made.ground or made.confidence not in set("HMLA"):
        raise ValueError(f"{made.id}: say the ground, and how sure it is (H, M, L, A)")
    for text in (made.purpose, made.subjects, made.data, made.recipients):
        if set(text) != {"vi", "en"}:
            raise ValueError(f"{made.id}: say each text in vi and en")
    return made


def _table(data: dict[str, Any]) -> Table:
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }
    return Table(**told)
