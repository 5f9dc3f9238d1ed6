"""What an operator's command does in the database: one transaction, in the operator's name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.config import settings
from simcheck.service import opened

Result = TypeVar("Result")


def in_a_transaction(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Do `work(session)` over all carriers' rows, commit it, and give what it gives."""

    async def run() -> Result:
        async with (
            opened(settings()) as service,
            service.database.transaction("operator", ministry=True) as session,
        ):
            return await work(session)

    return asyncio.run(run())
