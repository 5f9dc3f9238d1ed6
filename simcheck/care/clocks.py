"""The legal clocks of requests and of breaches: `clocks.toml`, and when each is over."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from simcheck.clock import LOCAL
from simcheck.enforcement import calendar
from simcheck.enforcement.calendar import Calendar

UNITS = ("hours", "days", "working_days")


@dataclass(frozen=True)
class Clock:
    """So many hours, days or working days, and where that is said."""

    amount: int
    unit: str
    source: str
    confidence: str

    def over(self, begun: datetime, worked: Calendar) -> datetime:
        """When it is over that began then. Days end at midnight in Viet Nam, and the first is not counted."""
        if self.unit == "hours":
            return begun + timedelta(hours=self.amount)
        count = worked.due_after if self.unit == "days" else worked.due_after_working
        days = count(calendar.day_of(np.array([calendar.moment_of(begun)])), self.amount, first=False)
        return calendar.datetime_of(calendar.at_hour(days, time())[0]).astimezone(LOCAL)


@dataclass(frozen=True)
class Clocks:
    """All clocks, by name: `acknowledge`, `extension`, `breach`, and one for each kind of request."""

    version: str
    by_name: dict[str, Clock]

    def __getitem__(self, name: str) -> Clock:
        """The clock of this name. Raises `KeyError`."""
        return self.by_name[name]


@cache
def load() -> Clocks:
    """The clocks that are shipped."""
    return read(files("simcheck.care").joinpath("clocks.toml").read_text("utf-8"))


def read(text: str) -> Clocks:
    """Clocks out of their text. Raises `ValueError`, which names the clock, where one cannot be kept to."""
    data = tomllib.loads(text)
    return Clocks(data.pop("version"), {name: _clock(name, entry) for name, entry in data.items()})


def _clock(name: str, entry: dict[str, Any]) -> Clock:
    clock = Clock(**entry)
    if clock.amount <= 0 or clock.unit not in UNITS:
        raise ValueError(f"{name}: say a positive amount of {', '.join(UNITS)}")
    if clock.confidence not in set("HMLA") or not clock.source:
        raise ValueError(f"{name}: say the source, and how sure it is (H, M, L, A)")
    return clock
