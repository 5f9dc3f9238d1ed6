"""What somebody may see of the country's figures: small groups, patterns, lists and exports.

Who may not see small groups gets one cut of the country: by carrier and by province, without filters. They
get no rows either: in rows that say anything, what is hidden can be counted by hand. But for those of people
and places that stand out, if their page shows how many, without numbers and without what was found of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import Visit
from simcheck.errors import NotAllowedError
from simcheck.reasons import Verdict
from simcheck.reports import drill, patterns
from simcheck.reports.document import Cell
from simcheck.reports.drill import Drill
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import Of
from simcheck.reports.suppress import hide_part

LIST = "/desk/country/list"


class SmallGroupError(NotAllowedError):
    """The list would show, or let somebody compute, a group that is too small for this reader."""

    code = "small_group"


@dataclass(frozen=True)
class Reader:
    """Who reads. Groups of fewer than `least` are hidden; 0 or 1: none."""

    least: int
    patterns: bool
    exports: bool

    @classmethod
    def of(cls, visit: Visit) -> Reader:
        """The person of a visit, as a reader."""
        least = 0 if visit.can(Permission.COUNTRY_SMALL) else visit.service.settings.small_group
        return cls(least, visit.can(Permission.PATTERN_SEE), visit.can(Permission.EXPORT))

    @property
    def sees_all(self) -> bool:
        """Whether no group is too small for this reader."""
        return self.least <= 1

    def sees(self, count: int | None) -> bool:
        """Whether a group of this size is shown."""
        return count is not None and (count == 0 or count >= self.least)

    def href(self, figure: Figure) -> str | None:
        """Where a figure's list is; None where there is none for this reader, or no row in it."""
        if not figure.count or figure.drill is None or not self.sees(figure.count):
            return None
        if not (self.patterns if is_pattern(figure.drill) else self.sees_all):
            return None
        return f"{LIST}?{urlencode(figure.drill.query())}"

    def cell(self, figure: Figure) -> Cell:
        """A figure's count as this reader sees it."""
        return figure.count if self.sees(figure.count) else None

    def without(self) -> frozenset[str]:
        """The columns of a list that are kept from this reader."""
        if self.sees_all:
            return frozenset()
        return drill.NAMES | drill.FOUND

    async def require(self, session: AsyncSession, asked: Drill) -> None:
        """Raises `NotAllowedError` for a list that is not for this reader, `SmallGroupError` where that is so
        for its size alone.
        """
        if is_pattern(asked) and not self.patterns:
            raise NotAllowedError("This list belongs to the patterns.")
        if self.sees_all:
            return
        if not _is_shown(asked):
            raise SmallGroupError("No page leads you to this list.")
        whole = Drill(Of.SUBSCRIPTION, carrier=asked.carrier, person=asked.person, sold_at=asked.sold_at)
        part, everything = await drill.count(session, asked), await drill.count(session, whole)
        if not part or hide_part(part, everything, self.least) is None:
            raise SmallGroupError("The group is too small to be listed.")


def _is_shown(asked: Drill) -> bool:
    """Whether a list is one of a figure of the patterns' page."""
    plain = Drill(Of.SUBSCRIPTION, carrier=asked.carrier, sold_at=asked.sold_at)
    if asked.person is not None:
        return asked == Drill(Of.SUBSCRIPTION, person=asked.person)
    return asked.sold_at is not None and asked.carrier is not None and asked in (
        plain, replace(plain, verdict=Verdict.MISMATCH), replace(plain, contested=True),
        replace(plain, repeated=patterns.thresholds().sale["repeated"]),
    )  # fmt: skip


def is_pattern(asked: Drill) -> bool:
    """Whether a list is one of a person or a point of sale that stands out."""
    own: tuple[Any, ...] = (asked.person, asked.sold_at, asked.repeated)
    return asked.contested or any(each is not None for each in own)
