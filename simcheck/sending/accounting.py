"""Every part is accounted for: what was made is due, on its way, or has come to an end that is known."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.sending.models import State

# A part without an outcome is as far as its message.
COUNTS = sa.text("""
SELECT CASE WHEN part.state = 'due' AND message.state = 'sending' THEN 'sending' ELSE part.state END AS state,
       count(*) AS parts, coalesce(sum(part.resends), 0) AS resends
FROM message JOIN message_part AS part ON part.message_id = message.id
GROUP BY 1
""")
MADE = sa.text("SELECT coalesce(sum(parts), 0) FROM message")
LINKS = sa.text("""
SELECT coalesce(link, ''), state, count(*) FROM message_part GROUP BY 1, 2 ORDER BY 1, 2
""")


class Accounting(NamedTuple):
    """Parts that were made, parts by state, and how many were sent again after nobody had answered."""

    made: int
    parts: dict[str, int]
    resent: int

    @property
    def exact(self) -> bool:
        """Whether every part has a state."""
        return self.made == sum(self.parts.values())


async def accounting(session: AsyncSession) -> Accounting:
    """All parts by state."""
    made = int(await session.scalar(MADE) or 0)
    rows = (await session.execute(COUNTS)).all()
    parts = {state.value: 0 for state in State} | {row.state: row.parts for row in rows}
    return Accounting(made, parts, int(sum(row.resends for row in rows)))


async def by_link(session: AsyncSession) -> list[tuple[str, str, int]]:
    """Parts by link ("" for those that went to none) and state."""
    return [(row[0], row[1], row[2]) for row in await session.execute(LINKS)]
