"""What the queue's address says: filter, order and place; and the choices that its form offers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from simcheck.cases.models import Acts
from simcheck.cases.states import State
from simcheck.cases.targets import Severity
from simcheck.desks.queue.told import Told
from simcheck.errors import InvalidError
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import provinces
from simcheck.reasons import Reason
from simcheck.review import filters
from simcheck.review.filters import UNKNOWN, Answered, Assigned, Filter, Open
from simcheck.review.queue import Sort

QUEUE = "/desk/queue"
_SORT, _PLACE, _LANGUAGE = "sort", "at", "lang"
_MOST_ADDRESS = 4000
STAFFS = Filter(acts=Acts.STAFF)  # what a reviewer is there for: shown where nothing is said
_EVERYTHING = "open=yes"  # how the filter is written that asks for nothing special
# Lists that everybody has: words `queue.tab.NAME`.
TABS: tuple[tuple[str, Filter], ...] = (
    ("staff", STAFFS), ("mine", Filter(assigned=Assigned.ME)), ("escalated", Filter(escalated=True)),
    ("disowned", Filter(answer=Answered.DISOWNED)), ("everything", Filter()),
)  # fmt: skip
_YES_NO = ("yes", "no")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "carrier": (), "province": (*provinces.names(), UNKNOWN), "verdict": VERDICTS[1:],
    "severity": tuple(each.name.lower() for each in reversed(Severity)),
    "opened_before": ("1d", "3d", "7d", "30d", "90d"), "target_before": ("0d", "1d", "3d", "7d"),
    "acts": tuple(Acts), "state": tuple(State), "assigned": tuple(Assigned), "answer": tuple(Answered),
    "escalated": _YES_NO, "snoozed": _YES_NO, "held": _YES_NO, "contradicted": _YES_NO, "open": tuple(Open),
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which list, in which order, from which place."""

    filter: Filter = STAFFS
    sort: Sort = Sort.DEADLINE
    place: str | None = None

    @property
    def address(self) -> str:
        """The page of this list."""
        return address(self.filter, self.sort, self.place)


class Select(NamedTuple):
    """A field of the form: its name and words, its values each with words, and what is chosen."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    value: str


class Condition(NamedTuple):
    """What a filter asks of one field, in words, and the filter that does not ask it."""

    label: str
    value: str
    without: Filter


class Chip(NamedTuple):
    """A condition that is set, in words, and the list without it."""

    text: str
    without: str


@dataclass(frozen=True)
class Choices:
    """All that the form shows. `kept` are conditions that it has no field for."""

    selects: Sequence[Select]
    reasons: Sequence[tuple[str, str, bool]]
    kept: dict[str, str] = field(default_factory=dict)


def read(pairs: Sequence[tuple[str, str]]) -> Wanted:
    """What an address says, in pairs of its query. Raises `InvalidError`."""
    if sum(len(name) + len(value) for name, value in pairs) > _MOST_ADDRESS:
        raise InvalidError("The address is too long.")
    beside = {name: value for name, value in pairs if name in {_SORT, _PLACE}}
    asked = [(name, value) for name, value in pairs if name not in {_SORT, _PLACE, _LANGUAGE}]
    try:
        sort = Sort(beside.get(_SORT) or Sort.DEADLINE)
    except ValueError:
        raise InvalidError(f"{_SORT}: one of {', '.join(Sort)}.") from None
    return Wanted(filters.of(asked) if asked else STAFFS, sort, beside.get(_PLACE) or None)


@lru_cache(1024)  # each row of a list carries the list along
def spelled(filter_: Filter) -> str:
    """A filter in an address: `filters.write`, and never empty, since no word at all means `STAFFS`."""
    return filters.write(filter_) or _EVERYTHING


def carried(text: str | None) -> Filter:
    """The filter that a page carries along, as `spelled` writes it; `STAFFS` where it carries none. Raises
    `InvalidError`."""
    return filters.read(text) if text else STAFFS


def address(filter_: Filter, sort: Sort = Sort.DEADLINE, place: str | None = None, path: str = QUEUE) -> str:
    """The page of a list."""
    beside = {_SORT: None if sort is Sort.DEADLINE else sort.value, _PLACE: place}
    said = urlencode({name: value for name, value in beside.items() if value is not None})
    return f"{path}?{spelled(filter_)}{'&' if said else ''}{said}"


def case_address(case_id: object, filter_: Filter) -> str:
    """The page of a case, from which one goes on in this list."""
    return f"/desk/cases/{case_id}?{_carried(filter_)}"


def known_address(case_id: object, filter_: Filter) -> str:
    """The page of what is known of a case."""
    return f"/desk/cases/{case_id}/known?{_carried(filter_)}"


def give_address(case_id: object, filter_: Filter) -> str:
    """The page on which a case is given to a colleague."""
    return f"/desk/cases/{case_id}/give?{_carried(filter_)}"


@lru_cache(1024)
def _carried(filter_: Filter) -> str:
    return urlencode({"queue": spelled(filter_)})


def conditions(told: Told, filter_: Filter) -> list[Condition]:
    """A filter in words, condition by condition: each reason is one."""
    found = []
    for each in dataclasses.fields(Filter):
        value: Any = getattr(filter_, each.name)
        if value == each.default or value == frozenset():
            continue
        label = told.say(f"queue.field.{each.name}")
        for one in sorted(value) if each.name == "reasons" else [value]:
            rest: dict[str, Any] = {each.name: value - {one} if each.name == "reasons" else each.default}
            found.append(Condition(label, told.chosen(each.name, one), replace(filter_, **rest)))
    return found


def chips(told: Told, wanted: Wanted) -> list[Chip]:
    """Each condition that is set, and the list without it."""
    return [
        Chip(f"{each.label}: {each.value}", address(each.without, wanted.sort))
        for each in conditions(told, wanted.filter)
    ]


def choices(told: Told, wanted: Wanted, carriers: Sequence[str]) -> Choices:
    """The form, with what is chosen."""
    written = dict(parse_qsl(filters.write(wanted.filter)))
    selects = []
    for name, known in _OPTIONS.items():
        chosen = written.pop(name, "yes" if name == "open" else "")
        values = [*(carriers if name == "carrier" else known)]
        if chosen and chosen not in values:
            values.append(chosen)
        options = [(each, _words(told, name, each)) for each in values]
        none = [] if name == "open" else [("", told.say("queue.any"))]
        selects.append(Select(name, told.say(f"queue.field.{name}"), none + options, chosen))
    written.pop("reason", None)
    reasons = [
        (each.name, told.chosen("reasons", each), each in wanted.filter.reasons) for each in Reason
    ]  # fmt: skip
    return Choices(selects, reasons, written)


def tabs(told: Told, wanted: Wanted) -> tuple[list[tuple[str, str, None]], str]:
    """The lists that everybody has: address and words of each; and the address of the one that is shown."""
    found = [(address(each), told.say(f"queue.tab.{name}"), None) for name, each in TABS]
    return found, address(wanted.filter)


def _words(told: Told, name: str, value: str) -> str:
    read_ = filters.of([(name, value)])
    return told.chosen(name, getattr(read_, name))
