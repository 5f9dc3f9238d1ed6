"""Which cases are meant: one filter, one predicate.

Whatever lists, counts, gives out, acts in bulk or drills down takes a `Filter` and asks `Filter.predicate`,
so a figure and its list cannot differ. In an address a filter is a query string (`read`, `write`): each
filter has one spelling, and what is not known is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from simcheck.cases import models
from simcheck.cases.models import Acts, Case
from simcheck.cases.states import ACTS, State
from simcheck.cases.targets import Severity
from simcheck.clock import LOCAL
from simcheck.errors import InvalidError
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import provinces
from simcheck.reasons import Reason, Verdict

UNKNOWN = "unknown"  # a province that no declared word names
MOST_DAYS = 3650
MOST_QUERY = 2000  # characters
_MOMENT = sa.TIMESTAMP(timezone=True)
# When staff's time is up, as indexes have it: never, while the clock stands.
DEADLINE = sa.literal_column(models.DEADLINE, _MOMENT)
_FOREVER = sa.literal_column("'infinity'::timestamptz", _MOMENT)


class Assigned(StrEnum):
    """To whom a case is given."""

    ME = "me"
    NOBODY = "nobody"
    SOMEBODY = "somebody"


class Answered(StrEnum):
    """What the holder said (`cases.models.Answer`), or that nothing was said."""

    NONE = "none"
    CONFIRMED = "confirmed"
    DIFFERS = "differs"
    DISOWNED = "disowned"
    ASKED = "asked"


class Open(StrEnum):
    """Whether a case is open."""

    YES = "yes"
    NO = "no"
    ANY = "any"


@dataclass(frozen=True)
class Days:
    """A moment so many days from now: back for what was, ahead for what is to be."""

    days: int


When = date | Days


@dataclass(frozen=True)
class Filter:
    """What a case has to be; None (and no reasons): anything. All that is given has to fit.

    `province` is the code of one of today's provinces, or `UNKNOWN`. `reasons`: it has one of them.
    `opened_before` and `opened_after` are the start of a local day, or of `Days` ago; `target_before` and
    `due_before` (staff's time, the register owner's) likewise, `Days` ahead. `assigned` ME is whoever looks.
    `snoozed`: it sleeps at this moment.
    """

    carrier: str | None = None
    province: str | None = None
    reasons: frozenset[Reason] = frozenset()
    verdict: Verdict | None = None
    severity: Severity | None = None
    opened_after: When | None = None
    opened_before: When | None = None
    target_before: When | None = None
    due_before: When | None = None
    state: State | None = None
    acts: Acts | None = None
    assigned: Assigned | None = None
    answer: Answered | None = None
    escalated: bool | None = None
    snoozed: bool | None = None
    contradicted: bool | None = None
    held: bool | None = None
    open: Open = Open.YES

    def predicate(self, who: str, at: datetime, columns: Any = Case) -> sa.ColumnElement[bool]:
        """The condition on `case` for the person `who` (a user name) at a moment; `columns` is the table, or
        what has columns of the same names. It serves SELECT and UPDATE alike.
        """
        look = _Look(who, at, columns)
        clock = self._clock(columns)
        found = [
            make(getattr(self, name), look)
            for name, make in _PREDICATES.items()
            if getattr(self, name) not in (None, frozenset()) and not (clock and name == "acts")
        ]
        return sa.and_(sa.true(), *(each for each in found if each is not None), *clock)

    def _clock(self, columns: Any) -> list[sa.ColumnElement[bool]]:
        """Whose turn it is, said by the clock where the table's check lets it: it runs in staff's open cases
        alone. So it has indexes, and in the order of deadlines a list without staff's cases begins where
        clocks stand. Said in both ways, the planner would take it for two conditions, and for rare rows; as a
        range, which nothing is beyond, it is no rarer than others.
        """
        turn = self.acts or (None if self.state is None else ACTS[self.state])
        if turn is None or self.open is not Open.YES or not hasattr(columns, "target_at"):
            return []
        if turn is Acts.STAFF:
            return [columns.target_at.is_not(None)] if self.acts else []
        stands: sa.ColumnElement[bool] = DEADLINE >= _FOREVER
        acts: sa.ColumnElement[bool] = columns.acts == turn.value
        return [stands, acts]


def read(query: str) -> Filter:
    """The filter that a query string says. Raises `InvalidError` for a field or a value that is none."""
    if len(query) > MOST_QUERY:
        raise InvalidError(f"The filter is too long: at most {MOST_QUERY} characters.")
    return of(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


def of(pairs: list[tuple[str, str]]) -> Filter:
    """The filter that names and values say; an empty value says nothing. `reason` may come several times, or
    its codes with commas between them. Raises `InvalidError`.
    """
    given: dict[str, Any] = {}
    reasons: set[Reason] = set()
    for name, value in pairs:
        if name not in _READERS:
            raise InvalidError(f"There is no filter of that name. Filters are: {', '.join(_READERS)}.")
        if not value:
            continue
        if name == "reason":
            reasons |= {_READERS[name](each, name) for each in value.split(",")}
        elif name in given:
            raise InvalidError(f"{name}: it stands there twice. Choose one.")
        else:
            given[name] = _READERS[name](value, name)
    return Filter(**given, reasons=frozenset(reasons))


def write(filter_: Filter) -> str:
    """The one query string of a filter; of one that asks for nothing special the empty string."""
    pairs = []
    for each in fields(Filter):
        value = getattr(filter_, each.name)
        if value == each.default or value == frozenset():
            continue
        if each.name == "reasons":
            pairs.append(("reason", ",".join(reason.name for reason in sorted(value))))
        else:
            pairs.append((each.name, _written(value)))
    return urlencode(pairs, safe=",")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Days):
        return f"{value.days}d"
    if isinstance(value, date):
        return value.isoformat()
    return value.name.lower() if isinstance(value, Severity) else str(value)


class _Look(NamedTuple):
    """Who looks, when, and at what."""

    who: str
    at: datetime
    c: Any


_Condition = sa.ColumnElement[bool]


def _back(when: When, look: _Look) -> datetime:
    return _moment(when, look, -1)


def _ahead(when: When, look: _Look) -> datetime:
    return _moment(when, look, 1)


def _moment(when: When, look: _Look, way: int) -> datetime:
    if isinstance(when, Days):
        return look.at + timedelta(days=way * when.days)
    return datetime.combine(when, time(), LOCAL)


def _assigned(value: Assigned, look: _Look) -> _Condition:
    if value is Assigned.ME:
        return look.c.assignee == look.who  # type: ignore[no-any-return]
    nobody: _Condition = look.c.assignee.is_(None)
    return nobody if value is Assigned.NOBODY else ~nobody


def _snoozed(value: bool, look: _Look) -> _Condition:
    sleeps: _Condition = look.c.snoozed_until.is_not(None) & (look.c.snoozed_until > look.at)
    return sleeps if value else ~sleeps


def _open(value: Open, look: _Look) -> _Condition | None:
    if value is Open.ANY:
        return None
    is_open: _Condition = look.c.closed_at.is_(None)
    return is_open if value is Open.YES else ~is_open


def _reasons(value: frozenset[Reason], look: _Look) -> _Condition:
    mask = sa.literal(sum(each.mask for each in value), sa.BigInteger())
    return look.c.reasons.op("&")(mask) != 0  # type: ignore[no-any-return]


def _province(value: str, look: _Look) -> _Condition:
    known: _Condition = look.c.province.is_(None) if value == UNKNOWN else look.c.province == value
    return known


def _answer(value: Answered, look: _Look) -> _Condition:
    said: _Condition = look.c.answer.is_(None) if value is Answered.NONE else look.c.answer == value.value
    return said


_PREDICATES: Mapping[str, Callable[[Any, _Look], _Condition | None]] = {
    "open": _open,
    "carrier": lambda value, look: look.c.carrier == value,
    "province": _province,
    "state": lambda value, look: look.c.state == value.value,
    "acts": lambda value, look: look.c.acts == value.value,
    "verdict": lambda value, look: look.c.verdict == VERDICTS.index(value),
    "severity": lambda value, look: look.c.severity == int(value),
    "reasons": _reasons,
    "opened_after": lambda value, look: look.c.opened_at >= _back(value, look),
    "opened_before": lambda value, look: look.c.opened_at < _back(value, look),
    "target_before": lambda value, look: (
        look.c.target_at.is_not(None) & (sa.literal(_ahead(value, look), _MOMENT) > DEADLINE)
    ),
    "due_before": lambda value, look: look.c.due_at < _ahead(value, look),
    "assigned": _assigned,
    "answer": _answer,
    "escalated": lambda value, look: look.c.escalated if value else ~look.c.escalated,
    "snoozed": _snoozed,
    "contradicted": lambda value, look: look.c.contradicted if value else ~look.c.contradicted,
    "held": lambda value, look: look.c.held if value else ~look.c.held,
}


def _one_of(words: type[StrEnum]) -> Callable[[str, str], Any]:
    def read_word(value: str, name: str) -> Any:
        try:
            return words(value)
        except ValueError:
            raise InvalidError(f"{name}: one of {', '.join(words)}.") from None

    return read_word


def _yes_or_no(value: str, name: str) -> bool:
    if value not in {"yes", "no"}:
        raise InvalidError(f"{name}: yes or no.")
    return value == "yes"


def _when(value: str, name: str) -> When:
    """A day, or a number of days such as 7d."""
    if re.fullmatch(r"[0-9]{1,4}d", value) and int(value[:-1]) <= MOST_DAYS:
        return Days(int(value[:-1]))
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidError(f"{name}: a day such as 2026-11-27, or a number of days such as 7d.")


def _reason(value: str, name: str) -> Reason:
    if value not in Reason.__members__:
        raise InvalidError(f"{name}: codes such as NAME_DIFFERENT, with commas between them.")
    return Reason[value]


def _severity(value: str, name: str) -> Severity:
    if value.upper() not in Severity.__members__ or value != value.lower():
        raise InvalidError(f"{name}: one of {', '.join(each.name.lower() for each in Severity)}.")
    return Severity[value.upper()]


def _word(value: str, name: str) -> str:
    """A word of ours or a place's name: short, and no control characters."""
    if len(value) > 64 or not value.isprintable():
        raise InvalidError(f"{name}: at most 64 characters.")
    return value


def _province_code(value: str, name: str) -> str:
    if value != UNKNOWN and value not in provinces.names():
        raise InvalidError(f"{name}: the three digits of a province's code, or {UNKNOWN}.")
    return value


_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "carrier": _word, "province": _province_code,
    "reason": _reason, "verdict": _one_of(Verdict), "severity": _severity,
    "opened_after": _when, "opened_before": _when, "target_before": _when, "due_before": _when,
    "state": _one_of(State), "acts": _one_of(Acts), "assigned": _one_of(Assigned), "answer":
    _one_of(Answered), "escalated": _yes_or_no, "snoozed": _yes_or_no, "contradicted": _yes_or_no, "held":
    _yes_or_no, "open": _one_of(Open),
}  # fmt: skip
