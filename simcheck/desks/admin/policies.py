"""The policy of notices that is in force: its rules with their sources, and what a holder would get by it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.desks.admin import asked
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.messages.words import Group
from simcheck.notices import figures, policy, preview, schedule
from simcheck.notices.policy import Policy

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
POLICIES = "/desk/notices"
TABS = (
    (POLICIES, "policies", Permission.POLICY_SEE),
    ("/desk/notices/texts", "texts", Permission.TEMPLATE_SEE),
    ("/desk/notices/links", "links", Permission.LINK_SEE),
)
_HOURS = {"night": time(2), "morning": time(9), "evening": time(21)}
_MOST_YEARS = 2  # around today: further away nobody knows a holiday


def tabs(visit: Visit) -> list[tuple[str, str, None]]:
    """The pages about notices that this person may open."""
    return [
        (path, visit.words(f"admin.{room}.tab"), None) for path, room, needed in TABS if visit.can(needed)
    ]


@router.get(POLICIES)
async def policies(visit: Annotated[Visit, needs(Permission.POLICY_SEE)]) -> Response:
    """The rules, and the calendar of a case that is opened on a chosen day."""
    settings = visit.service.settings
    rules = policy.of(settings)
    group = asked.word(visit, "group", Group) or Group.NAME
    hour = asked.one_of(visit, "hour", _HOURS) or "morning"
    today = schedule.local_day(rules, clock.now())
    told = asked.day(visit, "opened")
    near = told is not None and abs(told.year - today.year) <= _MOST_YEARS
    opened = told if told is not None and near else today
    shown = preview.calendar(rules, group, datetime.combine(opened, _HOURS[hour], rules.zone))
    return visit.page(
        "admin/policies", tabs=tabs(visit), rules=rules, calendar=shown, group=group, hour=hour,
        hours=list(_HOURS), opened=opened, far=told is not None and not near, groups=list(Group),
        shipped=settings.notices_policy is None,
        file=settings.notices_policy and settings.notices_policy.name, held=settings.notices_hold,
        ends=figures.calendar_ends(rules), holidays=_holidays(rules),
        covered=_covered(rules),
    )  # fmt: skip


def _covered(rules: Policy) -> dict[str, list[Group]]:
    """The groups of each ladder; the last ladder's are all that no other names."""
    found: dict[str, list[Group]] = {each.id: [] for each in rules.ladders}
    for group in Group:
        found[rules.ladder(group).id].append(group)
    return found


def _holidays(rules: Policy) -> list[tuple[int, list[date]]]:
    return [(year, sorted(day for day in rules.holidays if day.year == year)) for year in rules.years]
