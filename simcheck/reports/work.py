"""The work by carrier: cases, notices, corrections and questions of some days; and what of it is hidden from
readers who may not see small groups.

Kinds are parts of each other (of the cases that were closed some were in time), and carriers add up to all of
them. What became of notices (`delivery`) are the same notices by other lines. So what is hidden is found for
all of these together, whichever of them a page shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.reports import delivery, flow
from simcheck.reports.delivery import Delivered, Outcomes
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import KINDS
from simcheck.reports.suppress import Sum, hide_linked
from simcheck.sending.models import State

# What a kind is made of; what is left of it is one more part.
PARTS = {
    "case_closed": ("case_in_time", "case_late"),
    "correction_made": ("correction_agrees",),
    "question_asked": ("question_answered",),
    "question_answered": ("question_in_time",),
}
# The states of notices that `notice_failed` counts.
FAILED = (State.FAILED, State.EXPIRED)
MADE = "notice_made"


@dataclass(frozen=True)
class Work:
    """Each kind's figure by carrier ("": of none), and of all of them together; and what became of notices.

    `whole` says whether nothing is hidden: else days are not shown one by one.
    """

    carriers: Mapping[str, Mapping[str, Figure]]
    sums: Mapping[str, Figure]
    delivered: Delivered
    whole: bool


async def read(
    session: AsyncSession, since: date, until: date, *, carrier: str | None = None, least: int = 0
) -> Work:
    """The work of these days, from `since` to before `until`, of a carrier or of all.

    Groups of fewer than `least` are hidden, and as much more as keeps them from being computed; then there is
    nothing day by day, as days of one report and sums of another would tell them.
    """
    found = await flow.by_carrier(session, KINDS, since, until)
    lines = {of: line for of, line in found.items() if carrier is None or of == carrier}
    sums = {
        kind: Figure(
            sum(line[kind].count or 0 for line in lines.values()), flow.of(kind, since, until, carrier)
        )
        for kind in KINDS
    }
    delivered = await delivery.read(session, since, until, carrier=carrier)
    if least <= 1:
        return Work(lines, sums, delivered, True)
    shown = await asyncio.to_thread(_shown, lines, sums, delivered, least)  # seconds, where all is small
    return Work(
        {of: {kind: _seen(each, shown[_cell(kind, of)]) for kind, each in line.items()}
         for of, line in lines.items()},
        {kind: _seen(each, shown[_cell(kind, None)]) for kind, each in sums.items()},
        Delivered(
            {way: _outcomes(line, shown, way) for way, line in delivered.ways.items()},
            {of: _outcomes(line, shown, of) for of, line in delivered.carriers.items()},
            {},
            _outcomes(delivered.whole, shown, None),
        ),
        False,
    )  # fmt: skip


def _shown(
    lines: Mapping[str, Mapping[str, Figure]], sums: Mapping[str, Figure], delivered: Delivered, least: int
) -> dict[Hashable, int | None]:
    """Every count by its name (`_cell`), None in what is hidden."""
    counts: dict[Hashable, int] = {}
    told: list[Sum] = []
    for of, line in [*lines.items(), (None, sums)]:
        counts |= {_cell(kind, of): each.count or 0 for kind, each in line.items()}
        for kind, parts in PARTS.items():
            names = [_cell(part, of) for part in parts]
            rest = counts[_cell(kind, of)] - sum(counts[name] for name in names)
            counts[_rest(kind, of)] = max(0, rest)
            told.append(Sum(_cell(kind, of), [*names, _rest(kind, of)]))
    told += [Sum(_cell(kind, None), [_cell(kind, of) for of in lines]) for kind in KINDS]
    told += [Sum(_rest(kind, None), [_rest(kind, of) for of in lines]) for kind in PARTS]
    cuts: list[Mapping[Any, Outcomes]] = [delivered.ways, delivered.carriers]
    for at, outcomes in [*(each for cut in cuts for each in cut.items()), (None, delivered.whole)]:
        counts |= {_state(state, at): each.count or 0 for state, each in outcomes.states.items()}
        counts[_state(None, at)] = outcomes.made.count or 0
        told.append(Sum(_state(None, at), [_state(state, at) for state in State]))
    for of in (*delivered.carriers, None):
        told.append(Sum(_cell("notice_failed", of), [_state(state, of) for state in FAILED]))
    told += [
        Sum(_state(state, None), [_state(state, at) for at in cut])
        for state in (None, *State) for cut in cuts
    ]  # fmt: skip
    missing = {name for line in told for name in (line.total, *line.parts)} - counts.keys()
    return hide_linked(counts | dict.fromkeys(missing, 0), told, least)


def _cell(kind: str, of: str | None) -> Hashable:
    """The name of a kind's count: of notices that were made, or have arrived, that of `delivery`."""
    same = {MADE: None, "notice_delivered": State.DELIVERED}
    return _state(same[kind], of) if kind in same else (kind, of)


def _rest(kind: str, of: str | None) -> Hashable:
    """The name of what no part of a kind counts."""
    return ("rest", kind, of)


def _state(state: State | None, at: object) -> Hashable:
    return ("notices", state, at)


def _outcomes(line: Outcomes, shown: Mapping[Hashable, int | None], at: object) -> Outcomes:
    return Outcomes(
        _seen(line.made, shown[_state(None, at)]),
        {state: _seen(each, shown[_state(state, at)]) for state, each in line.states.items()},
    )


def _seen(figure: Figure, shown: int | None) -> Figure:
    return figure if shown is not None else Figure(None, None)
