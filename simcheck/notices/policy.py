"""The policy of notices, as it is shipped: `policy.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date, time, timedelta, timezone
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from simcheck.config import Settings
from simcheck.errors import SettingsError
from simcheck.messages.words import Group, Kind, Language


@dataclass(frozen=True)
class Ladder:
    """How notices of some groups follow one another.

    `daily` of them come on as many days, then one every `then_every_days` days and one on each of `warn_days`
    before the deadline, `most` in all. The deadline is `deadline_days` after the day of the first one.
    """

    id: str
    basis: str
    confidence: str
    groups: tuple[Group, ...]
    daily: int
    deadline_days: int
    warn_days: tuple[int, ...]
    then_every_days: int
    most: int


@dataclass(frozen=True)
class Hours:
    """From when to when messages may be sent, by local time."""

    start: time
    end: time


@dataclass(frozen=True)
class Policy:
    """The whole policy. `holiday` None: nothing is sent on holidays."""

    version: str
    zone: timezone
    hours: Hours
    holiday: Hours | None
    spread: timedelta
    most_a_day: int
    most_mates: int
    mates: tuple[Kind, ...]
    unreachable_days: int
    ladders: tuple[Ladder, ...]
    marks: tuple[Kind, ...]
    vnd_per_part: int
    language: Language
    passport: Language
    two_way: tuple[str, ...]
    holidays: frozenset[date]
    years: tuple[int, ...]

    def ladder(self, group: Group) -> Ladder:
        """The ladder of a group: the first that names it, else the last."""
        return next((each for each in self.ladders if group in each.groups), self.ladders[-1])

    def receives(self, word: str) -> bool:
        """Whether a subscription that a carrier calls limited can receive (locked one way, it can)."""
        plain = word.strip().lower()
        return not any(each in plain for each in self.two_way)


def of(settings: Settings) -> Policy:
    """The policy in force: the one that is shipped, or the file that the settings name.

    Raises `SettingsError` where that file cannot be read or kept to.
    """
    return load() if settings.notices_policy is None else _other(settings.notices_policy)


@cache
def load() -> Policy:
    """The policy that is shipped."""
    return read(shipped())


def shipped() -> str:
    """The text of `policy.toml`."""
    return files("simcheck.notices").joinpath("policy.toml").read_text("utf-8")


def at_any_hour(text: str) -> str:
    """A policy's text with no quiet hours and no holidays, for a demonstration in which nobody is woken."""
    hours = re.sub(r"^from = .*\nto = .*$", 'from = "00:00"\nto = "23:59:59"', text, flags=re.MULTILINE)
    return hours[: hours.index("[holidays]")] + "[holidays]\n"


@cache
def _other(path: Path) -> Policy:
    try:
        return read(path.read_text("utf-8"))
    except (OSError, UnicodeError):
        raise SettingsError([f"SIMCHECK_NOTICES_POLICY: {path} cannot be read."]) from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(
            [f"SIMCHECK_NOTICES_POLICY: {path} is no policy. Begin with a copy of policy.toml."]
        ) from None


def read(text: str) -> Policy:
    """A policy out of its text. Raises ValueError where it cannot be kept to."""
    data = tomllib.loads(text)
    clock, numbers = data["clock"], data["numbers"]
    policy = Policy(
        version=data["version"],
        zone=timezone(timedelta(hours=clock["utc_offset_hours"])),
        hours=_hours(clock),
        holiday=_hours(clock["holiday"]) if "holiday" in clock else None,
        spread=timedelta(minutes=clock["spread_minutes"]),
        most_a_day=numbers["most_a_day"],
        most_mates=numbers["most_mates"],
        mates=tuple(Kind(each) for each in numbers["mates"]),
        unreachable_days=numbers["unreachable_days"],
        ladders=tuple(_ladder(each) for each in data["ladders"]),
        marks=tuple(Kind(each) for each in data["sms"]["marks"]),
        vnd_per_part=data["sms"]["vnd_per_part"],
        language=Language(data["language"]["default"]),
        passport=Language(data["language"]["passport"]),
        two_way=tuple(data["status"]["two_way"]),
        holidays=frozenset(day for days in data["holidays"].values() for day in days),
        years=tuple(int(year) for year in data["holidays"]),
    )
    _require_kept(policy)
    return policy


def _hours(data: dict[str, Any]) -> Hours:
    return Hours(time.fromisoformat(data["from"]), time.fromisoformat(data["to"]))


def _ladder(data: dict[str, Any]) -> Ladder:
    groups = tuple(Group(each) for each in data["groups"])
    return Ladder(**{**data, "groups": groups, "warn_days": tuple(data["warn_days"])})


def _require_kept(policy: Policy) -> None:
    for hours in filter(None, (policy.hours, policy.holiday)):
        if hours.end <= hours.start:
            raise ValueError("policy: hours end before they begin")
    if policy.most_a_day < 1:
        raise ValueError("policy: most_a_day is at least 1, or nobody is told")
    for each in policy.ladders:
        if not 1 <= each.daily <= each.deadline_days or each.most < each.daily or each.then_every_days < 1:
            raise ValueError(f"policy: the ladder {each.id} cannot be climbed before its deadline")
    if any(day.year not in policy.years for day in policy.holidays):
        raise ValueError("policy: a holiday stands under another year")
