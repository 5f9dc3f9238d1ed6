"""How long each kind of data is kept: `retention.toml`, read once and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from simcheck.config import Settings


@dataclass(frozen=True)
class Rule:
    """How long a kind is kept. `what` and `since` in each language; `by` the job that removes it, "" where
    nothing is removed by time. One of `years`, `days`, `setting` (days, by the settings), or none.
    """

    id: str
    what: Mapping[str, str]
    since: Mapping[str, str]
    by: str
    source: str
    confidence: str
    years: int | None = None
    days: int | None = None
    setting: str | None = None

    @property
    def timed(self) -> bool:
        """Whether it is removed when a time is over."""
        return bool(self.by)

    def kept_days(self, settings: Settings) -> float | None:
        """For how many days by these settings; None where years or nothing are said."""
        if self.setting is not None:
            return float(getattr(settings, self.setting))
        return None if self.days is None else float(self.days)

    def before(self, settings: Settings, now: datetime) -> datetime:
        """What is older than this moment may not be there any more. Raises `ValueError` where no time is
        said.
        """
        if self.years is not None:
            return years_before(now, self.years)
        days = self.kept_days(settings)
        if days is None:
            raise ValueError(f"{self.id} is not removed by time")
        return now - timedelta(days=days)


@dataclass(frozen=True)
class Retention:
    """The whole table, in its order."""

    version: str
    rules: tuple[Rule, ...]


def years_before(moment: datetime, years: int) -> datetime:
    """The same day so many years earlier; of a 29 February, where that year has none, the 28th."""
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)


@cache
def load() -> Retention:
    """The table that is shipped."""
    return read(files("simcheck.care").joinpath("retention.toml").read_text("utf-8"))


def read(text: str) -> Retention:
    """A table out of its text. Raises `ValueError`, which names the kind, where it cannot be kept to."""
    data = tomllib.loads(text)
    rules = tuple(_rule(each) for each in data["kind"])
    names = [each.id for each in rules]
    if twice := {each for each in names if names.count(each) > 1}:
        raise ValueError(f"{min(twice)}: this kind stands there twice")
    return Retention(data["version"], rules)


def _rule(data: dict[str, Any]) -> Rule:
    rule = Rule(**data)
    times = [each for each in (rule.years, rule.days, rule.setting) if each is not None]
    if len(times) != (1 if rule.timed else 0):
        raise ValueError(f"{rule.id}: say one of years, days and setting where a job removes it, else none")
    if rule.setting is not None and rule.setting not in Settings.model_fields:
        raise ValueError(f"{rule.id}: there is no setting {rule.setting}")
    if any(isinstance(each, int) and each < 0 for each in times) or rule.years == 0:
        raise ValueError(f"{rule.id}: a time is a positive number")
    if rule.confidence not in set("HMLA") or not rule.source:
        raise ValueError(f"{rule.id}: say the source, and how sure it is (H, M, L, A)")
    if not set(rule.what) == set(rule.since) == {"vi", "en"}:
        raise ValueError(f"{rule.id}: say what and since when in vi and en")
    return rule
