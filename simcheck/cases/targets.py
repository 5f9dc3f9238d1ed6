"""How long staff may take for a case: a clock that runs while the case is theirs, and stands else.

While it runs, `case.target_at` is the moment at which the time is up; while it stands (and in a closed case)
`case.clock_left` is what was left, below zero where it was late. One of the two is always set. Every move
lets the clock follow: `follow` for one case, the expressions below for many at once. So at any moment

    what is left = the time of the case's severity - the time that staff had it since it was (re)opened
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cache
from importlib.resources import files

from simcheck.cases.models import Acts, Case
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict


class Severity(IntEnum):
    """How grave a case is."""

    LIGHT = 0
    ORDINARY = 1
    GRAVE = 2


@dataclass(frozen=True)
class Targets:
    """The times by severity (in its order), and the mask of the reasons that are grave."""

    times: tuple[timedelta, ...]
    grave: int

    def severity(self, verdict: int, reasons: int) -> Severity:
        """How grave a case with this verdict (its place in `VERDICTS`) and these reasons is."""
        if reasons & self.grave:
            return Severity.GRAVE
        return Severity.ORDINARY if verdict == VERDICTS.index(Verdict.MISMATCH) else Severity.LIGHT


@cache
def load() -> Targets:
    """The targets that are shipped. Raises ValueError where one is missing or a reason is unknown."""
    data = tomllib.loads(files("simcheck.cases").joinpath("targets.toml").read_text("utf-8"))
    hours, reasons = data["hours"], data["grave"]["reasons"]
    unknown = set(reasons) - set(Reason.__members__)
    if set(hours) != {each.name.lower() for each in Severity} or unknown:
        raise ValueError(
            f"targets.toml: one time for each severity, and known reasons (not {sorted(unknown)})"
        )
    times = tuple(timedelta(hours=hours[each.name.lower()]) for each in Severity)
    return Targets(times, sum(Reason[each].mask for each in reasons))


def left(case: Case, at: datetime) -> timedelta:
    """What is left of a case's time at a moment; below zero where it is late."""
    if case.clock_left is not None:
        return case.clock_left
    assert case.target_at is not None  # the table's check: one of the two is set
    return case.target_at - at


def follow(case: Case, at: datetime, *, anew: bool = False) -> None:
    """Let the clock follow what the case has become; `anew`: it begins (again) with its whole time."""
    known = load()
    severity = known.severity(case.verdict, case.reasons)
    time = known.times[severity]
    rest = time if anew else left(case, at) + time - known.times[case.severity]
    runs = case.closed_at is None and case.acts == Acts.STAFF
    case.severity = severity
    case.target_at, case.clock_left = (at + rest, None) if runs else (None, rest)


# How grave a row with `verdict` and `reasons` is. Needs :grave, :mismatch.
SEVERITY = f"""CASE WHEN reasons & :grave <> 0 THEN {Severity.GRAVE:d}
    WHEN verdict = :mismatch THEN {Severity.ORDINARY:d} ELSE {Severity.LIGHT:d} END"""


def time_sql(severity: str) -> str:
    """The time of a severity, as an expression. Needs :times, the times by severity."""
    return f"(CAST(:times AS interval[]))[{severity} + 1]"
