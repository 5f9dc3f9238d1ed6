"""What would be due on each day, by carrier, province and step: under a policy, before anybody is touched.

Clocks and cases are counted by what their future depends on, in the database; what is left is projected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.enforcement import calendar, clocks, columns, project, store, triggers
from simcheck.enforcement.clocks import NEVER, Columns, Ints
from simcheck.enforcement.policy import Policy
from simcheck.enforcement.triggers import EVENT_AT, RULE, START, TRIGGER
from simcheck.enforcement.words import Act, Applies, Trigger, Unit
from simcheck.notices.tracks import hashing

MOST_DAYS = 400
# What is due on the first day anyway has one base. Where the local day alone counts, it is its beginning.
_BASE = "greatest(CASE step WHEN 0 THEN started_at ELSE step_at END + shift, CAST(:{0} AS timestamptz))"
_MOMENT, _DAYS = _BASE.format("hours_ago"), _BASE.format("days_ago")
_DAY = f"date_trunc('day', {_DAYS} + interval '7 hours', 'UTC') - interval '7 hours'"
_WHEN = f"CASE WHEN trigger || '/' || step = ANY(:exact) THEN {_MOMENT} ELSE {_DAY} END"
RUNNING = sa.text(f"""
SELECT carrier, coalesce(province, ''), policy_version, track, trigger, step,
       {columns.microseconds(_WHEN)}, least(notice_days, :kept), event_at IS NOT NULL, count(*)
FROM clock WHERE ended_at IS NULL AND paused_at IS NULL
  AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
""").bindparams(sa.bindparam("exact", type_=pg.ARRAY(sa.Text())))  # noqa: S608  (no input of anybody)
STANDING = sa.text("""
SELECT count(*) FROM clock WHERE ended_at IS NULL AND paused_at IS NOT NULL
  AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
""")
# Cases that would have a clock under the policy and have none: their holders were not told, or no policy is
# in force yet. A notice is counted as one that arrived.
WAITING = sa.text(f"""
WITH {RULE}, triggered AS (
    SELECT id AS case_id, carrier, msisdn_token, province, state, decided_at, changed_at, {TRIGGER} AS trigger
    FROM "case" WHERE closed_at IS NULL AND NOT held
      AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
), placed AS (
    SELECT triggered.*, rule.track, {EVENT_AT} AS event_at, {START} AS started_at, told.count
    FROM triggered JOIN rule USING (trigger)
    LEFT JOIN (SELECT case_id, first_at, count FROM notice_track WHERE state <> 'ended') AS told
        USING (case_id)
    WHERE rule.runs_in ? triggered.state
)
SELECT placed.carrier, coalesce(placed.province, ''), placed.track, placed.trigger,
       {columns.microseconds("date_trunc('day', placed.started_at + interval '7 hours', 'UTC') - interval '7 hours'")},
       least(coalesce(placed.count, 0), :kept), placed.event_at IS NOT NULL, count(*)
FROM placed LEFT JOIN clock USING (carrier, msisdn_token)
WHERE clock.carrier IS NULL OR clock.ended_at IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7
""")  # noqa: S608, E501


class Group(NamedTuple):
    """Clocks with the same future: `base` is what the next step counts from, `NEVER` before a notice."""

    carrier: str
    province: str
    version: str
    track: str
    trigger: str
    step: int
    base: int
    notice_days: int
    event: bool
    clocks: int


@dataclass(frozen=True)
class Simulation:
    """`counts[day, carrier, province, step]` orders on each of the days from `first` on. Steps are those of
    `Act`; the province "" is none that is known. `clocks` were looked at; `waiting` of them have not started
    yet, `standing` more stand still and are left alone.
    """

    policy: Policy
    first: date
    carriers: tuple[str, ...]
    provinces: tuple[str, ...]
    counts: Ints
    clocks: int
    waiting: int
    standing: int

    @property
    def days(self) -> list[date]:
        """The days, in order."""
        return [self.first + timedelta(days=place) for place in range(len(self.counts))]

    @property
    def by_day(self) -> Ints:
        """Orders a day and step."""
        return np.asarray(self.counts.sum(axis=(1, 2)))

    @property
    def by_carrier(self) -> Ints:
        """Orders a carrier and step, of all days."""
        return np.asarray(self.counts.sum(axis=(0, 2)))

    @property
    def by_province(self) -> Ints:
        """Orders a province and step, of all days."""
        return np.asarray(self.counts.sum(axis=(0, 1)))

    @property
    def brakes(self) -> list[bool]:
        """Whether the brake would be pulled on each day: too many in all, or of one carrier."""
        of_carriers = self.counts.sum(axis=(2, 3))
        pulled = (of_carriers.sum(axis=1) > self.policy.most_a_day) | (
            of_carriers > self.policy.most_of_a_carrier
        ).any(axis=1)
        return [bool(each) for each in pulled]


async def simulate(
    session: AsyncSession, policy: Policy, first: date, days: int, *, carrier: str | None = None
) -> Simulation:
    """Project all open clocks, and cases that would have one, under a policy: the one in force or a draft.

    Clocks that run stay under their own version where the policy is for new ones alone. Raises ValueError for
    days that are not from 1 to `MOST_DAYS`.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"days: from 1 to {MOST_DAYS}")
    known = {**await store.policies(session), policy.version: policy}
    words = {"carrier": carrier, **_coarse(known.values(), policy, first)}
    async with hashing(session):
        running = [Group(*row) for row in await session.execute(RUNNING, words)]
        ruled = triggers.words(policy, first)
        rows = await session.execute(WAITING, {**ruled, **words})
        waiting = [
            Group(place, province, policy.version, track, trigger, 0, NEVER if base is None else base, *rest)
            for place, province, track, trigger, base, *rest in rows
        ]
        standing = await session.scalar(STANDING, {"carrier": carrier})
    if policy.applies is Applies.OPEN:
        running = [_under(policy, each, first) for each in running]
    found = tally([*running, *waiting], known, policy, first, days)
    return Simulation(*found, waiting=sum(each.clocks for each in waiting), standing=standing or 0)


def _coarse(policies: Collection[Policy], policy: Policy, first: date) -> dict[str, object]:
    """How coarsely clocks may be looked at: no step asks for more notices than `kept`; whatever counts from
    before `hours_ago` or `days_ago` is due by the first day's work; the next step of `exact` counts hours.
    """
    stages = [
        (stage, f"{trigger}/{before}")
        for each in policies
        for track in each.tracks
        for trigger in track.triggers
        for stage, before in zip(track.steps, (0, *(each.act.step for each in track.steps)), strict=False)
    ]
    hours = [stage.after for stage, _ in stages if stage.unit is Unit.HOURS]
    days = [stage.after for stage, _ in stages if stage.unit is not Unit.HOURS]
    week = min(len(each.calendar.working_week) for each in policies)
    free = max(len(each.calendar.holidays) for each in policies)
    opening = calendar.datetime_of(project.opening(policy, first))
    return {
        "kept": max((stage.needs.notice_days for stage, _ in stages), default=0),
        "hours_ago": opening - timedelta(hours=max(hours, default=0)),
        # So many working days, were every holiday among them, and two weeks for what is rolled on.
        "days_ago": opening - timedelta(days=(max(days, default=0) + free) * 7 // week + 14),
        "exact": sorted({before for stage, before in stages if stage.unit is Unit.HOURS}),
    }


def _under(policy: Policy, group: Group, day: date) -> Group:
    """The group under this policy: on its own track, or on its trigger's where the policy has none such."""
    track = policy.track(group.track) or policy.track_for(Trigger(group.trigger), day)
    return group._replace(version=policy.version, track=track.id if track else "")


def tally(
    groups: Sequence[Group], known: Mapping[str, Policy], policy: Policy, first: date, days: int
) -> tuple[Policy, date, tuple[str, ...], tuple[str, ...], Ints, int]:
    """Project groups, each under its version, and count: the fields of `Simulation` up to `clocks`."""
    carriers = tuple(sorted({each.carrier for each in groups}))
    provinces = tuple(sorted({each.province for each in groups}))
    at_carrier, at_province = _places(carriers), _places(provinces)
    counts = np.zeros((days, len(carriers), len(provinces), len(Act)), np.int64)
    for version in {each.version for each in groups}:
        its = [each for each in groups if each.version == version]
        places = project.project(columns_of(its, known[version]), known[version], first, days)
        carrier = clocks.ints(at_carrier[each.carrier] for each in its)
        province = clocks.ints(at_province[each.province] for each in its)
        weight = clocks.ints(each.clocks for each in its)
        for step, place in enumerate(places):
            due = place != project.NOT_YET
            np.add.at(counts, (place[due], carrier[due], province[due], step), weight[due])
    return policy, first, carriers, provinces, counts, sum(each.clocks for each in groups)


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def columns_of(groups: Sequence[Group], policy: Policy) -> Columns:
    """Groups as columns. What a projection assumes anyway (`told_at`, `warned_at`) is left out."""
    places = {track.id: place for place, track in enumerate(policy.tracks)}
    step = clocks.ints(each.step for each in groups)
    base = clocks.ints(each.base for each in groups)
    never = np.full(len(groups), NEVER)
    return Columns(
        track=clocks.ints(places.get(each.track, -1) for each in groups), step=step, started_at=base,
        step_at=base, shift=np.zeros(len(groups), np.int64),
        notice_days=clocks.ints(each.notice_days for each in groups), told_at=never, warned_at=never,
        event_at=np.where(clocks.flags(each.event for each in groups), base, never),
    )  # fmt: skip
