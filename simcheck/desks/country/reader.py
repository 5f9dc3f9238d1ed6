"""What somebody may see of the country's figures: small groups, patterns, lists and exports.

Who may not see small groups gets one cut of the country: by carrier and by province, without filters. A list
shows them rows without what names or places one, and only of a group that their page shows: else two lists
would tell the small group between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import Visit
from simcheck.errors import NotAllowedError
from simcheck.reports import drill, figures
from simcheck.reports.document import Cell
from simcheck.reports.drill import Drill
from simcheck.reports.figures import By, Figure, Line
from simcheck.reports.kinds import Of

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
        if is_pattern(figure.drill) and not self.patterns:
            return None
        return f"{LIST}?{urlencode(figure.drill.query())}"

    def cell(self, figure: Figure) -> Cell:
        """A figure's count as this reader sees it."""
        return figure.count if self.sees(figure.count) else None

    def without(self, asked: Drill) -> frozenset[str]:
        """The columns of a list that are kept from this reader."""
        if self.sees_all:
            return frozenset()
        return drill.NAMES if is_pattern(asked) else drill.NAMES | drill.PLACES

    async def require(self, session: AsyncSession, asked: Drill) -> None:
        """Raises `NotAllowedError` for a list that is not for this reader, `SmallGroupError` where that is so
        for its size alone.
        """
        if is_pattern(asked) and not self.patterns:
            raise NotAllowedError("This list belongs to the patterns.")
        if self.sees_all:
            return
        if not await self._is_shown(session, asked):
            raise SmallGroupError("No page shows you this group.")
        if not self.sees(await drill.count(session, asked, self.least)):
            raise SmallGroupError("The group is too small to be listed.")

    async def _is_shown(self, session: AsyncSession, asked: Drill) -> bool:
        """Whether the list is one of a figure that a page shows."""
        cut = [asked.carrier, asked.province, asked.reason]
        if is_pattern(asked):
            return asked.province is None and asked.reason is None
        if asked.of is not Of.SUBSCRIPTION:
            return asked.province is None and asked.reason is None and asked.verdict is None
        if asked.reason is not None:
            return [asked.carrier, asked.province, asked.verdict, asked.amiss] == [None, None, None, False]
        if asked.amiss and asked.verdict is not None:
            return False
        if sum(each is not None for each in cut) > 1:
            return False
        by = By.PROVINCE if asked.province is not None else By.CARRIER
        key = asked.province if by is By.PROVINCE else asked.carrier
        tables = await figures.tables(session, least=self.least)
        lines: list[Line] = [
            line for each in tables if each.by is by for line in (*each.lines, each.total) if line.key == key
        ]
        found = [
            line.amiss if asked.amiss else line.all if asked.verdict is None else line.verdicts[asked.verdict]
            for line in lines
        ]
        return any(figure.count is not None for figure in found)


def is_pattern(asked: Drill) -> bool:
    """Whether a list is one of a person or a point of sale that stands out."""
    own: tuple[Any, ...] = (asked.person, asked.sold_at, asked.repeated)
    return asked.contested or any(each is not None for each in own)
