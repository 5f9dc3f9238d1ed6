"""A policy out of its text. Whatever cannot be kept to is refused, every fault with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar

from simcheck.cases.states import State
from simcheck.enforcement.calendar import WEEKDAYS, Calendar
from simcheck.enforcement.lines import Lines, Path, find
from simcheck.enforcement.policy import Needs, Policy, Stage, Track
from simcheck.enforcement.words import Act, Applies, FallsOn, Starts, Stop, Trigger, Unit
from simcheck.errors import InvalidError

Word = TypeVar("Word", bound=StrEnum)
_VERSION = re.compile(r"(?!simulation$)[0-9A-Za-z][0-9A-Za-z._-]{0,39}")  # a page has the other name
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,59}")
_CONFIDENCE = ("H", "M", "L", "A")
_LONGEST = 3_660  # of any unit
_MOST = 10**9
_NOWHERE = date(1970, 1, 1)
# A clock never counts against somebody while the case is one of these: it is not theirs to move.
_NEVER_RUNS = {State.CLOSED, State.DISPUTED, State.REFERRED, State.WITH_STAFF}


class PolicyRefusedError(InvalidError):
    """A policy that cannot be kept to. One line for every fault; each names its line of the text."""

    code = "policy_refused"
    http_status = 422

    def __init__(self, faults: Iterable[tuple[int, str]]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__(" ".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for every fault."""
        return tuple(f"line {line}: {fault}" for line, fault in self.faults)


def read(text: str) -> Policy:
    """The policy. Raises `PolicyRefusedError` with everything that is wrong with it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise PolicyRefusedError([(line, f"this is no TOML: {error}.")]) from None
    lines, faults = find(text), list[tuple[int, str]]()
    policy = _policy(_Table(data, (), lines, faults))
    if not faults:
        _check_validity(policy, lines, faults)
    if faults:
        raise PolicyRefusedError(faults)
    return policy


@dataclass
class _Table:
    """A table of the text, from which values are taken one by one; what nobody takes is unknown."""

    data: Mapping[str, Any]
    path: Path
    lines: Lines
    faults: list[tuple[int, str]]
    taken: set[str] = field(default_factory=set)

    def fault(self, key: str, words: str) -> None:
        """Note a fault of this key."""
        self.faults.append((self.lines.at((*self.path, key)), words))

    def has(self, key: str) -> bool:
        """Whether the key is there; it is known from here on."""
        self.taken.add(key)
        return key in self.data

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """The value, or a harmless one (`default`) where it is wrong or missing."""
        if not self.has(key):
            self.fault(key, f"{key} is missing.")
            return default
        value = self.data[key]
        wrong = isinstance(value, bool | datetime) and type(value) is not kind
        if wrong or not isinstance(value, kind):
            self.fault(key, f"{key} is of the wrong kind.")
            return default
        return value

    def name(self, key: str, form: re.Pattern[str] = re.compile(r"(?s).*\S.*")) -> str:
        """A text of this form."""
        value: str = self.take(key, str, "-")
        if not form.fullmatch(value):
            self.fault(key, f"{key} cannot be {value!r}.")
        return value

    def whole(self, key: str, most: int = _MOST) -> int:
        """A whole number from 1 on."""
        value: int = self.take(key, int, 1)
        if not 1 <= value <= most:
            self.fault(key, f"{key} is {value}: it has to be from 1 to {most}.")
            return 1
        return value

    def word(self, key: str, words: type[Word], default: Word) -> Word:
        """One of these words."""
        return self._one(key, self.take(key, str, default), words, default)

    def words(self, key: str, words: type[Word], default: Word) -> list[Word]:
        """Some of these words, each once."""
        found = [self._one(key, each, words, default) for each in self.take(key, list, [])]
        if len(set(found)) < len(found):
            self.fault(key, f"{key} says a word twice.")
        return found

    def _one(self, key: str, value: object, words: type[Word], default: Word) -> Word:
        if not isinstance(value, str) or value not in set(words):
            known = ", ".join(words)
            self.fault(key, f"{key} says {value!r}, which is unknown. There are {known}.")
            return default
        return words(value)

    def table(self, key: str) -> _Table:
        """A table in this one."""
        return _Table(self.take(key, dict, {}), (*self.path, key), self.lines, self.faults)

    def tables(self, key: str) -> list[_Table]:
        """A list of tables in this one."""
        found = []
        for place, each in enumerate(self.take(key, list, [])):
            if isinstance(each, dict):
                found.append(_Table(each, (*self.path, key, place), self.lines, self.faults))
            else:
                self.fault(key, f"{key} holds something that is no table.")
        return found

    def done(self) -> None:
        """Refuse what nobody has taken."""
        for key in self.data.keys() - self.taken:
            self.fault(key, f"{key} is unknown here.")


def _policy(top: _Table) -> Policy:
    orders = top.table("orders")
    policy = Policy(
        version=top.name("version", _VERSION), valid_from=top.take("valid_from", date, _NOWHERE),
        applies=top.word("applies", Applies, Applies.NEW), due_from=orders.take("due_from", time, time()),
        most_a_day=orders.whole("most_a_day"), most_of_a_carrier=orders.whole("most_of_a_carrier"),
        calendar=_calendar(top.table("calendar")),
        tracks=tuple(_track(each) for each in top.tables("tracks")),
    )  # fmt: skip
    orders.done()
    top.done()
    return policy


def _calendar(table: _Table) -> Calendar:
    week = tuple(table.take("working_week", list, []))
    if not week or len(set(map(str, week))) < len(week) or not {*map(str, week)} <= set(WEEKDAYS):
        table.fault("working_week", f"working_week names days of {', '.join(WEEKDAYS)}, each once.")
        week = WEEKDAYS
    by_year = table.table("holidays")
    days: set[date] = set()
    for year in by_year.data:
        for day in by_year.take(year, list, []):
            if type(day) is not date or str(day.year) != year:
                by_year.fault(year, f"{day} is no day of the year {year}.")
            else:
                days.add(day)
    table.done()
    years = tuple(sorted(int(year) for year in by_year.data if year.isdecimal()))
    return Calendar(week, frozenset(days), years)


def _track(table: _Table) -> Track:
    triggers = table.words("triggers", Trigger, Trigger.VERIFIED)
    if not triggers:
        table.fault("triggers", "A track has a trigger.")
    steps = _steps(table, triggers) if table.has("steps") else ()
    track = Track(
        id=table.name("id", _ID), basis=table.name("basis"), source=table.name("source"),
        confidence=_confidence(table), triggers=tuple(triggers),
        valid_from=table.take("valid_from", date, _NOWHERE),
        valid_to=table.take("valid_to", date) if table.has("valid_to") else None,
        starts=_starts(table, triggers) if steps else None,
        runs_in=frozenset(_states(table, triggers) if steps else ()),
        resets=frozenset(table.words("resets", State, State.DISPUTED) if table.has("resets") else ()),
        pauses_for=frozenset(
            table.words("pauses_for", Stop, Stop.APPEAL) if table.has("pauses_for") else ()
        ),
        face_ends=bool(table.take("face_ends", bool) if table.has("face_ends") else False), steps=steps,
    )  # fmt: skip
    for state in track.resets & track.runs_in:
        table.fault("resets", f"resets says {state}, in which the clock runs.")
    if track.valid_to is not None and track.valid_to <= track.valid_from:
        table.fault("valid_to", "valid_to is not after valid_from: the track is law on no day.")
    table.done()
    return track


def _confidence(table: _Table) -> str:
    value = table.name("confidence")
    if value not in _CONFIDENCE:
        table.fault("confidence", f"confidence is one of {', '.join(_CONFIDENCE)}.")
    return value


def _starts(table: _Table, triggers: list[Trigger]) -> Starts | date:
    value: str | date = table.take("starts", (str, date), Starts.EVENT)
    if isinstance(value, str) and value not in set(Starts):
        table.fault("starts", f"starts says {value!r}. There are {', '.join(Starts)}, and a day.")
        return Starts.EVENT
    if value != Starts.EVENT and Trigger.DEVICE_CHANGE in triggers:
        table.fault("starts", "A change of handset starts its clock itself: starts is event.")
    return value if isinstance(value, date) else Starts(value)


def _states(table: _Table, triggers: list[Trigger]) -> list[State]:
    """The states in which clocks run: none of those that are nobody's fault; none is said of events."""
    if triggers == [Trigger.DEVICE_CHANGE]:
        return []
    states = table.words("runs_in", State, State.WITH_HOLDER)
    if not states:
        table.fault("runs_in", "A clock has to run in some state, or the track has no steps.")
    for state in sorted(_NEVER_RUNS.intersection(states)):
        table.fault("runs_in", f"runs_in says {state}: no clock runs while somebody else has to act.")
    return states


def _steps(table: _Table, triggers: list[Trigger]) -> tuple[Stage, ...]:
    before: Act | None = None
    steps = []
    for each in table.tables("steps"):
        step = _step(each, before, triggers)
        if before is not None and step.act.step <= before.step:
            each.fault("act", f"{step.act} comes after {before}: acts stand in the order {', '.join(Act)}.")
        before = step.act
        steps.append(step)
    return tuple(steps)


def _step(table: _Table, before: Act | None, triggers: list[Trigger]) -> Stage:
    act, unit = table.word("act", Act, Act.ONE_WAY), table.word("unit", Unit, Unit.DAYS)
    counted = unit is not Unit.HOURS
    if not counted and table.has("counts_first_day"):
        table.fault("counts_first_day", "Hours are counted from the moment: counts_first_day says nothing.")
    step = Stage(
        act=act, after=table.whole("after", _LONGEST), unit=unit, since=_since(table, act, before),
        counts_first_day=bool(table.take("counts_first_day", bool, False)) if counted else False,
        falls_on=table.word("falls_on", FallsOn, FallsOn.ANY_DAY) if counted else FallsOn.ANY_DAY,
        needs=_needs(table, triggers), source=table.name("source"), confidence=_confidence(table),
    )  # fmt: skip
    table.done()
    return step


def _since(table: _Table, act: Act, before: Act | None) -> Act | None:
    """What a step counts from: the step before it, the first one from the start."""
    value = table.take("since", str, "start")
    expected = before.value if before else "start"
    if value in set(Act) and Act(value).step >= act.step:
        table.fault("since", f"{act} counts from {value}, which it comes before: a cycle.")
    elif value != "start" and value not in set(Act):
        table.fault("since", f"since says {value!r}, which is unknown. There are start, {', '.join(Act)}.")
    elif value != expected:
        table.fault("since", f"{act} counts from {value}: it has to count from {expected}, right before it.")
    return before


def _needs(table: _Table, triggers: list[Trigger]) -> Needs:
    """What a step needs. Only what a handset's change asks for at once needs no word to the holder."""
    inner = table.table("needs")
    flags = {
        key: bool(inner.take(key, bool)) if inner.has(key) else False for key in ("told", "warned", "event")
    }
    needs = Needs(notice_days=inner.whole("notice_days", 365) if inner.has("notice_days") else 0, **flags)
    inner.done()
    if not needs.notice_days and not (needs.event and triggers == [Trigger.DEVICE_CHANGE]):
        table.fault("needs", "needs names no notice_days: nobody is cut off without having been told.")
    return needs


def _check_validity(policy: Policy, lines: Lines, faults: list[tuple[int, str]]) -> None:
    """Every trigger has exactly one track on every day from its first one on, and by the policy's own day."""
    ids = [track.id for track in policy.tracks]
    for place, each in enumerate(ids):
        if each in ids[:place]:
            faults.append((lines.at(("tracks", place, "id")), f"Two tracks are called {each}."))
    for trigger in Trigger:
        its = [(each, place) for place, each in enumerate(policy.tracks) if trigger in each.triggers]
        its.sort(key=lambda pair: pair[0].valid_from)
        if not its or its[0][0].valid_from > policy.valid_from:
            line = lines.at(("tracks", its[0][1], "valid_from")) if its else lines.at(("tracks", 0))
            faults.append((line, f"A gap: no track says what follows {trigger} on {policy.valid_from}."))
        for (one, _), (two, place) in pairwise(its):
            line = lines.at(("tracks", place, "valid_from"))
            if one.valid_to is None or one.valid_to > two.valid_from:
                faults.append((line, f"An overlap: {one.id} and {two.id} both say what follows {trigger}."))
            elif one.valid_to < two.valid_from:
                faults.append((line, f"A gap between {one.id} and {two.id}, which follow {trigger}."))
        if its and its[-1][0].valid_to is not None:
            line = lines.at(("tracks", its[-1][1], "valid_to"))
            faults.append(
                (line, f"A gap: nothing says what follows {trigger} from {its[-1][0].valid_to} on.")
            )
