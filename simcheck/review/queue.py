"""The queue: pages of cases in an order, how many there are, how they divide, and one that is looked for.

A page begins where another ended (keyset), so that the last page costs what the first one does. Everything
here goes by `Filter.predicate`, and reads indexes: migration 0015 has one for each order.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases import codes
from simcheck.cases.models import Acts, Case
from simcheck.cases.states import State
from simcheck.cases.targets import Severity
from simcheck.crosscheck.models import Subscription
from simcheck.errors import InvalidError
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import citizen_ids, dates, phones
from simcheck.normalise.citizen_ids import CMND_DIGITS, PERSONAL_DIGITS
from simcheck.privacy import Keyring
from simcheck.reasons import Reason
from simcheck.review.filters import DEADLINE, UNKNOWN, Answered, Filter, Open

CAP = 1_000  # cases of a list that are counted with its page: more would cost more than the page
PAGE = 30
MOST_PAGE, MOST_FOUND, MOST_TYPED = 200, 100, 100
_FOREVER = sa.literal_column("'infinity'::timestamptz", sa.TIMESTAMP(timezone=True))


class Sort(StrEnum):
    """The orders of a list. `DEADLINE`: staff's time is up first, then those whose clock stands; `NEWEST`:
    what changed last first; `VERDICT`: the gravest first, and of those the youngest.
    """

    OLDEST = "oldest"
    DEADLINE = "deadline"
    NEWEST = "newest"
    VERDICT = "verdict"


@dataclass(frozen=True)
class _Order:
    """The columns of an order, all in one direction; the last one is unique."""

    columns: tuple[Any, ...]
    down: bool = False


ORDERS: Mapping[Sort, _Order] = {
    Sort.OLDEST: _Order((Case.opened_at, Case.id)),
    Sort.DEADLINE: _Order((DEADLINE, Case.id)),
    Sort.NEWEST: _Order((Case.changed_at, Case.id), down=True),
    Sort.VERDICT: _Order((Case.verdict, Case.opened_at, Case.id), down=True),
}


@dataclass(frozen=True)
class Page:
    """Cases in their order, and the cursors of the pages around them (None: there is none)."""

    cases: Sequence[Case]
    before: str | None
    after: str | None


class Count(NamedTuple):
    """How many cases; `more`: at least so many, the rest was not counted."""

    cases: int
    more: bool = False


class Facet(NamedTuple):
    """The list one gets by choosing `filter`, and how many cases it has."""

    value: str
    filter: Filter
    cases: int


async def page(
    session: AsyncSession, filter_: Filter, who: str, *, sort: Sort = Sort.DEADLINE, cursor: str | None =
    None, limit: int = PAGE,
) -> Page:  # fmt: skip
    """A page of the cases that fit, as the person `who` sees them. `cursor` is one of another page's.

    Raises `InvalidError` for a cursor that is none of this order.
    """
    order, limit = ORDERS[sort], min(limit, MOST_PAGE)
    place = None if cursor is None else _read_cursor(cursor, sort)
    back = place is not None and place.back
    query = sa.select(Case).where(filter_.predicate(who, clock.now()))
    if place is not None:
        here, there = sa.tuple_(*order.columns), sa.tuple_(*place.values)
        query = query.where(here < there if order.down != back else here > there)
    turned = (each.desc() if order.down != back else each.asc() for each in order.columns)
    rows = list(await session.scalars(query.order_by(*turned).limit(limit + 1)))
    more, rows = len(rows) > limit, rows[:limit]
    if back:
        rows.reverse()
    if not rows:
        return Page([], None, None)
    return Page(
        rows,
        _cursor(rows[0], sort, back=True) if (more if back else place is not None) else None,
        _cursor(rows[-1], sort, back=False) if back or more else None,
    )


async def count(session: AsyncSession, filter_: Filter, who: str, *, cap: int | None = CAP) -> Count:
    """How many cases fit: exact up to `cap`, and without one exact."""
    query = counted(filter_, who, clock.now(), cap)
    found = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    return Count(found) if cap is None or found <= cap else Count(cap, more=True)


def counted(filter_: Filter, who: str, at: datetime, cap: int | None) -> sa.Select[int]:
    """The statement whose rows are counted. What has an end is read in the order of an index: else the
    planner would begin with the table's first page, and might read far before it finds enough.
    """
    query = sa.select(sa.literal(1)).select_from(Case).where(filter_.predicate(who, at))
    if cap is None:
        return query
    return query.order_by(*ORDERS[Sort.OLDEST].columns).limit(cap + 1)


# What a list divides by, and what a value in the table chooses in the filter.
_FACETS: Mapping[str, Callable[[Any], Any]] = {
    "state": State, "acts": Acts, "carrier": str, "province": lambda value: value or UNKNOWN,
    "verdict": lambda value: VERDICTS[int(value or 0)],
    "severity": lambda value: Severity(int(value or 0)), "answer": lambda value: Answered(value or "none"),
}  # fmt: skip


async def facets(session: AsyncSession, filter_: Filter, who: str) -> Mapping[str, Sequence[Facet]]:
    """How the cases divide by each of the `_FACETS` and by `reasons`, the most first.

    What the filter chooses of a facet does not narrow it: each number is that of the list which one gets by
    choosing the value in its place. All cases that fit are read, and once, however many facets there are.
    """
    at, names = clock.now(), (*_FACETS, "reasons")
    chosen = {name: getattr(filter_, name) for name in names}
    nothing: dict[str, Any] = {name: getattr(Filter(), name) for name in names}
    columns = [getattr(Case, name) for name in names]
    # A row for each way in which cases differ: some thousand, however many cases there are.
    cube = (
        sa.select(*columns, sa.func.count().label("cases"))
        .where(replace(filter_, **nothing).predicate(who, at)).group_by(*columns).cte("cube")
    )  # fmt: skip
    parts = []
    for name in names:
        others = Filter(**{**chosen, name: nothing[name], "open": Open.ANY})
        value = cube.c[name]
        parts.append(
            sa.select(sa.literal(name), sa.cast(value, sa.Text()), sa.func.sum(cube.c.cases))
            .where(others.predicate(who, at, cube.c)).group_by(value)
        )  # fmt: skip
    found: dict[str, dict[Any, int]] = {name: {} for name in names}
    for name, value, cases in await session.execute(sa.union_all(*parts)):
        if name != "reasons":
            found[name][_FACETS[name](value)] = int(cases)
            continue
        for reason in Reason:
            if int(value) & reason.mask:
                found[name][reason] = found[name].get(reason, 0) + int(cases)
    return {name: _sorted(filter_, name, values) for name, values in found.items()}


def _sorted(filter_: Filter, name: str, values: Mapping[Any, int]) -> Sequence[Facet]:
    facets = [
        Facet(
            value.name if isinstance(value, Enum) and not isinstance(value, str) else str(value),
            _choosing(filter_, name, frozenset({value}) if name == "reasons" else value), cases,
        )
        for value, cases in values.items()
    ]  # fmt: skip
    return sorted(facets, key=lambda each: (-each.cases, each.value))


def _choosing(filter_: Filter, name: str, value: Any) -> Filter:
    chosen: dict[str, Any] = {name: value}
    return replace(filter_, **chosen)


async def search(session: AsyncSession, keyring: Keyring, typed: str) -> Sequence[Case]:
    """The cases, open and closed, of what somebody typed: a case code, a phone number, or an ID number of 12
    or 9 digits (the cases of every number that is declared under it). The open ones first, the newest first,
    at most `MOST_FOUND`.

    Raises `InvalidError` for what is none of these.
    """
    text = typed.strip()[:MOST_TYPED]
    code = codes.read(text)
    national = int(phones.normalise(pa.array([text])).national[0])
    key = _id_key(text)
    wanted: list[sa.ColumnElement[bool]] = []
    if code:
        wanted.append(Case.code == code)
    if national:
        either = Case.closed_at.is_(None) | Case.closed_at.is_not(None)  # an index each
        wanted.append((Case.msisdn_token == keyring.token("msisdn", national)) & either)
    if key:
        under = sa.select(Subscription.msisdn_token, Subscription.carrier).where(
            Subscription.id_token == keyring.token("id", key)
        )
        numbers = (await session.execute(under.limit(MOST_FOUND))).all()
        wanted.append(
            sa.tuple_(Case.msisdn_token, Case.carrier).in_([tuple(each) for each in numbers])
            if numbers else sa.false()
        )  # fmt: skip
    if not wanted:
        raise InvalidError("Type a phone number, an ID number, or a case code such as K7M2P-9QXRT.")
    found: dict[uuid.UUID, Case] = {}
    for each in wanted:
        newest = sa.select(Case).where(each).order_by(Case.opened_at.desc()).limit(MOST_FOUND)
        found |= {case.id: case for case in await session.scalars(newest)}
    return sorted(found.values(), key=lambda case: (case.closed_at is not None, -case.opened_at.timestamp()))


def _id_key(text: str) -> int:
    """The key of an ID number with its spaces and dots left out; 0 for anything else. Nothing is repaired."""
    digits = re.sub(r"[\s.-]", "", text)
    if not digits.isascii() or not digits.isdigit() or len(digits) not in {CMND_DIGITS, PERSONAL_DIGITS}:
        return 0
    no_date = dates.normalise(pa.nulls(1, pa.string()), clock.now().date())
    return int(citizen_ids.normalise(pa.array([digits]), None, no_date, None).key[0])


class _Place(NamedTuple):
    values: Sequence[Any]
    back: bool


def _cursor(case: Case, sort: Sort, *, back: bool) -> str:
    """Where a page ends, for whoever asks for the next one: values of the order's columns."""
    values: dict[Sort, list[datetime | int | None]] = {
        Sort.OLDEST: [case.opened_at], Sort.DEADLINE: [case.target_at], Sort.NEWEST: [case.changed_at],
        Sort.VERDICT: [case.verdict, case.opened_at],
    }  # fmt: skip
    said = [each.isoformat() if isinstance(each, datetime) else each for each in values[sort]]
    text = json.dumps([sort.value, back, *said, case.id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: Sort) -> _Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of, back, *said, last = json.loads(text)
        if of != sort.value or not isinstance(back, bool) or len(said) + 1 != len(ORDERS[sort].columns):
            raise ValueError("a cursor of another order")
        values = [_value(each) for each in said]
        return _Place([*values, sa.literal(uuid.UUID(last), sa.Uuid())], back)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise InvalidError("The place in the list is not known. Begin at its first page.") from None


def _value(said: Any) -> Any:
    if said is None:
        return _FOREVER
    if isinstance(said, int):
        return sa.literal(VERDICTS.index(VERDICTS[said]), sa.SmallInteger())
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return sa.literal(moment, sa.TIMESTAMP(timezone=True))
