"""What leaves the lake: rows and findings that newer ones replaced, and what a killed process began.

Kept are: batches on their way, those that a subscription points to, or a preserved record of which the cells
are not copied yet; the newest published run of each carrier and its batch, runs under way. The rest goes
when it is old enough.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.crosscheck.places import DECLARED, FINDINGS, RECUT
from simcheck.crosscheck.runs import PUBLISHED
from simcheck.lake.purge import purge
from simcheck.service import Service

FOLDERS = (DECLARED, FINDINGS, RECUT)
# Batches whose rows are in use.
BATCHES = sa.text("""
SELECT carrier, id FROM batch WHERE state IN ('received', 'reading', 'checking')
UNION SELECT carrier, batch_id FROM run WHERE state IN ('due', 'checking', 'publishing')
UNION SELECT carrier, batch_id FROM subscription
UNION SELECT carrier, batch_id FROM preserved_record WHERE cells IS NULL
""")
# Runs whose findings are in use.
RUNS = sa.text("SELECT carrier, id FROM run WHERE state IN ('due', 'checking', 'publishing')")


async def tidy(service: Service, kept: timedelta) -> list[str]:
    """Remove datasets that are in no use and older than `kept`; their names."""
    async with service.database.transaction("job:runs.tidy", ministry=True) as session:
        used = await in_use(session)
    now = clock.now()

    def remove() -> list[str]:
        return [name for folder in FOLDERS for name in purge(service.store, folder, used[folder], kept, now)]

    return await asyncio.to_thread(remove)


async def in_use(session: AsyncSession) -> dict[str, set[str]]:
    """The datasets that may not go, by folder. The session needs the ministry's scope."""
    newest = (await session.execute(PUBLISHED)).all()
    batches = {f"{DECLARED}/{row.carrier}/{row.id}" for row in await session.execute(BATCHES)}
    batches |= {f"{DECLARED}/{row.carrier}/{row.batch_id}" for row in newest}
    live = [f"{row.carrier}/{row.id}" for row in await session.execute(RUNS)]
    live += [f"{row.carrier}/{row.id}" for row in newest]
    return {
        DECLARED: batches, FINDINGS: {f"{FINDINGS}/{each}" for each in live},
        RECUT: {f"{RECUT}/{each}" for each in live},
    }  # fmt: skip
