"""Every case there is: open ones by state and age, closed ones by outcome and by how long they took.

A job counts them in one statement. A case is in exactly one group, so all groups together are all cases.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.states import Closed, State
from simcheck.reports import history
from simcheck.reports.drill import Drill
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import BANDS, LIVES, TOOK, Of, opened, today
from simcheck.reports.suppress import Sum, hide_linked

CASES = "cases"
STATES = tuple(state.value for state in State if state is not State.CLOSED)
OUTCOMES = tuple(reason.value for reason in Closed)
# What is told of a carrier.
_BY_CARRIER = ("case_any", "case_open", "case_over", *BANDS)
# Outcomes, each with all of its cases and the kinds into which these fall.
_CUTS = ((STATES, ("case_open", *BANDS)), (OUTCOMES, ("case_over", *TOOK)))
_SINCE = [
    f"WHEN closed_at IS NULL AND opened_at >= :{name} THEN '{name}'"
    for name, band in BANDS.items()
    if band.since is not None
]
_OLDEST = next(name for name, band in BANDS.items() if band.since is None)
COUNT = sa.text(f"""
WITH counted AS MATERIALIZED (
    SELECT carrier, coalesce(province, '') AS province, coalesce(close_reason, state) AS outcome,
           CASE {" ".join(_SINCE)} WHEN closed_at IS NULL THEN '{_OLDEST}'
                {" ".join(f"WHEN {LIVES[name]} THEN '{name}'" for name in TOOK)} END AS age,
           count(*) AS cases
    FROM "case" GROUP BY 1, 2, 3, 4
), no_more AS (
    DELETE FROM case_life AS old WHERE NOT EXISTS (
        SELECT FROM counted AS new WHERE (new.carrier, new.province, new.outcome, new.age)
            = (old.carrier, old.province, old.outcome, old.age))
)
INSERT INTO case_life SELECT carrier, province, outcome, age, cases FROM counted
ON CONFLICT (carrier, province, outcome, age) DO UPDATE SET cases = excluded.cases
""").bindparams(  # noqa: S608  (our own conditions)
    *(
        sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True))
        for name, band in BANDS.items() if band.since is not None
    )
)  # fmt: skip
GROUPS = sa.text("""
SELECT carrier, outcome, age, sum(cases)::bigint FROM case_life
WHERE (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
    AND (CAST(:province AS text) IS NULL OR province = :province)
GROUP BY 1, 2, 3 ORDER BY 1
""")


class Lives(NamedTuple):
    """All cases of what is asked for, as counted on `day` at `as_of`: `groups` by outcome (a state, or why
    they were closed) and kind; of each of the `carriers`, and of the `whole`, by kind. A kind is one of
    `kinds.LIVES` or `kinds.BANDS`.
    """

    day: date
    as_of: datetime
    groups: Mapping[tuple[str, str], Figure]
    carriers: Mapping[str, Mapping[str, Figure]]
    whole: Mapping[str, Figure]


async def count(session: AsyncSession) -> None:
    """Count every case again. Needs the ministry's scope."""
    await session.execute(history.ALONE, {"what": CASES})
    at = clock.now()
    day = today(at)
    await session.execute(history.ROOM)
    bounds = {name: opened(band, day)[0] for name, band in BANDS.items() if band.since is not None}
    await session.execute(COUNT, bounds)
    await history.note(session, CASES, at)


async def read(
    session: AsyncSession, *, carrier: str | None = None, province: str | None = None, least: int = 0
) -> Lives | None:
    """Every case of a carrier and province (None: of all), as counted last; None before the first count.

    Groups of fewer than `least` are hidden, and as much more as keeps them from being computed.
    """
    before = await history.seen(session, CASES)
    if before is None:
        return None
    groups: dict[tuple[str, str], int] = {}
    lines: dict[str, dict[str, int]] = {}
    for of, outcome, age, cases in await session.execute(GROUPS, {"carrier": carrier, "province": province}):
        line = lines.setdefault(of, dict.fromkeys((*LIVES, *BANDS), 0))
        line["case_any"] += cases
        for kind in ("case_open" if age in BANDS else "case_over", age):
            groups[outcome, kind] = groups.get((outcome, kind), 0) + cases
            line[kind] += cases

    def figure(count: int, kind: str, of: str | None, outcome: str | None = None) -> Figure:
        since = before.day if kind in BANDS else None
        return Figure(count, Drill(Of.CASE, kind, of, province, since=since, outcome=outcome))

    cells = {
        (outcome, age): figure(groups.get((outcome, age), 0), age, carrier, outcome)
        for outcomes, ages in _CUTS
        for outcome in outcomes
        for age in ages
    }
    by = {of: {kind: figure(n, kind, of) for kind, n in line.items()} for of, line in lines.items()}
    whole = {
        kind: figure(sum(line[kind] for line in lines.values()), kind, carrier) for kind in (*LIVES, *BANDS)
    }
    made = Lives(before.day, before.counted_at, cells, by, whole)
    return made if least <= 1 else _without_small(made, least)


def _without_small(found: Lives, least: int) -> Lives:
    """The same with small groups hidden. Outcomes and carriers cut the same cases, so their sums are one. How
    long the cases of a carrier took is not told at all.
    """
    counts: dict[Hashable, int] = {("all", kind): each.count or 0 for kind, each in found.whole.items()}
    counts |= {("of", *name): each.count or 0 for name, each in found.groups.items()}
    counts |= {
        ("by", of, kind): line[kind].count or 0 for of, line in found.carriers.items() for kind in _BY_CARRIER
    }
    whole: list[tuple[Hashable, ...]] = [("all",), *(("by", of) for of in found.carriers)]
    sums = [Sum((*of, "case_any"), [(*of, "case_open"), (*of, "case_over")]) for of in whole]
    sums += [Sum((*of, "case_open"), [(*of, band) for band in BANDS]) for of in whole]
    sums += [
        Sum(("of", outcome, kinds[0]), [("of", outcome, kind) for kind in kinds[1:]])
        for outcomes, kinds in _CUTS for outcome in outcomes
    ]  # fmt: skip
    sums += [
        Sum(("all", kind), [("of", outcome, kind) for outcome in outcomes])
        for outcomes, kinds in _CUTS for kind in kinds
    ]  # fmt: skip
    sums.append(Sum(("all", "case_over"), [("all", took) for took in TOOK]))
    sums += [Sum(("all", kind), [("by", of, kind) for of in found.carriers]) for kind in _BY_CARRIER]
    shown = hide_linked(counts, sums, least)

    def seen(figure: Figure, *name: Hashable) -> Figure:
        return figure if shown.get(name) is not None else Figure(None, None)

    return Lives(
        found.day, found.as_of,
        {name: seen(each, "of", *name) for name, each in found.groups.items()},
        {of: {kind: seen(each, "by", of, kind) for kind, each in line.items()}
         for of, line in found.carriers.items()},
        {kind: seen(each, "all", kind) for kind, each in found.whole.items()},
    )  # fmt: skip
