"""From a figure to its rows. A `Drill` says which rows; the same condition counts and lists them.

Lists show nothing personal: a number is its keyed token, which the desk's pages open for whom may see it.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.cases.states import Closed
from simcheck.cases.states import State as CaseState
from simcheck.errors import InvalidError
from simcheck.matching.rules import VERDICTS
from simcheck.messages.words import NOTICES, Channel
from simcheck.normalise import provinces
from simcheck.reasons import Reason, Verdict
from simcheck.reports.kinds import BANDS, CARRIER, KINDS, LIVES, Of, midnight, opened
from simcheck.sending.models import State as MessageState

STREAM_ROWS = 5000  # the most of a page of a list
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # far from where days end
# A subscription that is over is no SIM any more: nothing counts it.
ACTIVE = "status IS DISTINCT FROM 'over'"
_ID = {Of.SUBSCRIPTION: "msisdn_token, carrier"}
_COLUMNS = {
    Of.SUBSCRIPTION: (
        "msisdn_token", "carrier", "province", "point_of_sale", "verdict", "reasons", "status",
        "activated_on", "changed_at",
    ),
    Of.CASE: (
        "id", "code", "carrier", "province", "state", "acts", "verdict", "reasons", "opened_at", "closed_at",
        "close_reason",
    ),
    Of.MESSAGE: ("id", "carrier", "case_id", "kind", "channel", "state", "made_at", "failure"),
    Of.CORRECTION: ("id", "carrier", "case_id", "outcome", "made_at", "settled_at"),
    Of.QUESTION: ("id", "about", "number", "state", "channel", "opened_at", "due_at", "answered_at"),
}  # fmt: skip
# What stands for one subscription or case: rows without these are of nobody; and what was found of each, and
# when: with these, rows can be counted again by what is hidden elsewhere.
NAMES = frozenset({"msisdn_token", "id", "code", "case_id", "number"})
FOUND = frozenset({"verdict", "reasons", "changed_at"})


@dataclass(frozen=True)
class Drill:
    """Rows of a table. `kind` is one of `kinds.KINDS` with its days from `since` to before `until`, one of
    `kinds.BANDS` as seen on the day `since`, or one of `kinds.LIVES`. A subscription may be asked for by
    `carrier`, `province` ("": of none that is known), `verdict` or `amiss` (any but verified), `reason`, by
    `person` (`person_pattern.id`), by `sold_at` and there by `contested` or `repeated`: sold to somebody who
    has at least so many of that place. `outcome` is the state of a notice, and of a case why it was closed or
    the state that it is in; `channel` and `notice` (its kind) are a notice's.
    """

    of: Of
    kind: str | None = None
    carrier: str | None = None
    province: str | None = None
    verdict: Verdict | None = None
    reason: Reason | None = None
    since: date | None = None
    until: date | None = None
    person: uuid.UUID | None = None
    sold_at: str | None = None
    contested: bool = False
    repeated: int | None = None
    amiss: bool = False
    outcome: str | None = None
    channel: Channel | None = None
    notice: str | None = None

    def query(self) -> dict[str, str]:
        """The drill as parameters of an address."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: _written(value) for name, value in said.items() if value is not None and value is not False
        }


def read(query: Mapping[str, str]) -> Drill:
    """The drill that an address asks for. Raises `InvalidError`."""
    known = {each.name for each in fields(Drill)}
    try:
        given = {name: _READ.get(name, str)(value) for name, value in query.items() if name in known}
        found = Drill(**given)
        where(found)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise InvalidError("There is no such list. Open it from its figure.") from None
    return found


def where(drill: Drill) -> tuple[str, dict[str, Any]]:
    """The condition of a drill over its table, and its values. Raises `ValueError`: it makes no sense."""
    parts: list[str] = []
    values: dict[str, Any] = {}
    if drill.of is Of.SUBSCRIPTION:
        parts.append(ACTIVE)
        if drill.kind is not None:
            raise ValueError("subscriptions are of no kind")
    elif drill.kind is None:
        raise ValueError("of which kind")
    if drill.kind is not None:
        condition, times = _of_kind(drill)
        parts.append(condition)
        values |= times
    for name, (condition, value) in _conditions(drill).items():
        parts.append(condition)
        values[name] = value
    return " AND ".join(parts), values


async def count(session: AsyncSession, drill: Drill, most: int | None = None) -> int:
    """How many rows there are now; no more than `most` are looked at."""
    condition, values = where(drill)
    rows = f'SELECT FROM "{drill.of}" WHERE {condition} LIMIT :most'
    statement = f"SELECT count(*) FROM ({rows}) AS row"  # noqa: S608  (the same)
    return int(await session.scalar(sa.text(statement), values | {"most": most}) or 0)


async def page(
    session: AsyncSession, drill: Drill, after: tuple[Any, ...] | None = None, most: int = 50
) -> list[dict[str, Any]]:
    """Rows in the order of their keys, after the key of a row (`key`), at most so many."""
    condition, values = where(drill)
    key = _ID.get(drill.of, "id")
    if after is not None:
        names = [f"after_{at}" for at in range(len(after))]
        condition += f" AND ({key}) > ({', '.join(f':{name}' for name in names)})"
        values |= dict(zip(names, after, strict=True))
    columns = ", ".join(_COLUMNS[drill.of])
    statement = f'SELECT {columns} FROM "{drill.of}" WHERE {condition} ORDER BY {key} LIMIT :most'  # noqa: S608
    rows = await session.execute(sa.text(statement), values | {"most": min(most, STREAM_ROWS)})
    return [dict(row) for row in rows.mappings()]


def key(drill: Drill, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key of a row of `page`, after which the next page begins."""
    return tuple(row[name] for name in _ID.get(drill.of, "id").split(", "))


async def stream(session: AsyncSession, drill: Drill) -> AsyncIterator[list[dict[str, Any]]]:
    """All rows, some thousands at a time: for an export."""
    after = None
    while rows := await page(session, drill, after, STREAM_ROWS):
        yield rows
        after = key(drill, rows[-1])


def columns(of: Of, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The columns of a list, but for those that its reader may not see."""
    return tuple(name for name in _COLUMNS[of] if name not in without)


def _of_kind(drill: Drill) -> tuple[str, dict[str, Any]]:
    if drill.kind in BANDS:
        if (
            drill.since is None
            or drill.of is not Of.CASE
            or not _FIRST_YEAR <= drill.since.year <= _LAST_YEAR
        ):
            raise ValueError("as seen on which day")
        since, until = opened(BANDS[drill.kind], drill.since)
        bounds = {"since": since, "until": until}
        signs = {"since": ">=", "until": "<"}
        said = [f"opened_at {signs[name]} :{name}" for name, at in bounds.items() if at]
        return " AND ".join(["closed_at IS NULL", *said]), {name: at for name, at in bounds.items() if at}
    if drill.kind in LIVES:
        if drill.of is not Of.CASE or drill.since is not None or drill.until is not None:
            raise ValueError("of cases, whatever their days")
        return LIVES[drill.kind], {}
    assert drill.kind is not None
    kind = KINDS[drill.kind]
    if kind.of is not drill.of or drill.since is None or drill.until is None:
        raise ValueError("of which days")
    if drill.since.year < _FIRST_YEAR or drill.until.year > _LAST_YEAR:
        raise ValueError("of days that nobody counts")
    days = {"since": midnight(drill.since), "until": midnight(drill.until)}
    return f"{kind.time} >= :since AND {kind.time} < :until AND {kind.condition}", days


def _conditions(drill: Drill) -> dict[str, tuple[str, Any]]:
    """The conditions that are asked for, with their values."""
    of_subscription = drill.of is Of.SUBSCRIPTION
    said: dict[str, tuple[str, Any]] = {}
    if drill.carrier is not None:
        said["carrier"] = (f"coalesce({CARRIER[drill.of]}, '') = :carrier", drill.carrier)
        if drill.carrier:
            said["carrier"] = (f"{CARRIER[drill.of]} = :carrier", drill.carrier)
    asked = (drill.province, drill.verdict, drill.reason)
    if any(each is not None for each in asked) and drill.of not in (Of.SUBSCRIPTION, Of.CASE):
        raise ValueError("only subscriptions and cases have these")
    if drill.province:
        said["province"] = ("province = :province", drill.province)
    elif drill.province is not None:
        said["province"] = ("coalesce(province, '') = :province", "")
    if drill.verdict is not None:
        said["verdict"] = ("verdict = :verdict", VERDICTS.index(drill.verdict))
    if drill.reason is not None:
        said["reason"] = ("reasons & :reason <> 0", drill.reason.mask)
    if drill.amiss:
        said["amiss"] = ("verdict <> :amiss", VERDICTS.index(Verdict.VERIFIED))
    if drill.outcome is not None:
        if drill.outcome not in _OUTCOMES.get(drill.of, ()):
            raise ValueError("no outcome of these")
        said["outcome"] = (f"{_OUTCOME[drill.of]} = :outcome", drill.outcome)
    if drill.channel is not None:
        said["channel"] = ("channel = :channel", drill.channel.value)
    if drill.notice is not None:
        said["notice"] = ("kind = :notice", drill.notice)
    if {"channel", "notice"} & said.keys() and drill.of is not Of.MESSAGE:
        raise ValueError("of notices alone")
    if drill.person is not None:
        said["person"] = ("id_token = (SELECT id_token FROM person_pattern WHERE id = :person)", drill.person)
    if drill.sold_at is not None:
        said["sold_at"] = ("point_of_sale = :sold_at", drill.sold_at)
    if drill.contested:
        said["contested"] = ("contested = :contested", True)
    if drill.repeated is not None:
        said["repeated"] = (_REPEATED, drill.repeated)
    own = {"person", "sold_at", "contested", "repeated", "amiss"} & said.keys()
    if (own and not of_subscription) or ("repeated" in said and not {"sold_at", "carrier"} <= said.keys()):
        raise ValueError("of subscriptions alone, and at one place")
    return said


# What became of a row, and the words for it.
_OUTCOME = {Of.CASE: "coalesce(close_reason, state)", Of.MESSAGE: "state"}
_OUTCOMES: dict[Of, frozenset[str]] = {
    Of.CASE: frozenset({*CaseState, *Closed} - {CaseState.CLOSED}),
    Of.MESSAGE: frozenset(MessageState),
}
# Whoever has at least :repeated numbers that one place sold.
_REPEATED = f"""id_token IN (
    SELECT id_token FROM subscription WHERE {ACTIVE} AND carrier = :carrier AND point_of_sale = :sold_at
    GROUP BY id_token HAVING count(*) >= :repeated)"""  # noqa: S608  (no input of anybody)


def _province(code: str) -> str:
    if code and code not in provinces.names():
        raise ValueError("no province of today")
    return code


def _text(word: str) -> str:
    """A word that PostgreSQL can compare with a cell."""
    if "\0" in word:
        raise ValueError("no text")
    word.encode()
    return word


def _notice(word: str) -> str:
    if word not in NOTICES:
        raise ValueError("no kind of notice")
    return word


def _number(word: str) -> int:
    if not 0 < int(word) <= _MOST_REPEATED:
        raise ValueError("no number of SIMs")
    return int(word)


_MOST_REPEATED = 1_000_000
_READ: dict[str, Any] = {
    "of": Of, "province": _province, "verdict": Verdict, "reason": lambda code: Reason[code],
    "since": date.fromisoformat, "until": date.fromisoformat, "person": uuid.UUID,
    "contested": lambda word: word == "1", "amiss": lambda word: word == "1", "channel": Channel,
    "notice": _notice, "repeated": _number, "carrier": _text, "sold_at": _text,
}  # fmt: skip


def _written(value: Any) -> str:
    if value is True:
        return "1"
    return value.name if isinstance(value, Reason) else str(getattr(value, "value", value))
