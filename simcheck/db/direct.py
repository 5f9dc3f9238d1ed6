"""A connection of its own, past the pool and SQLAlchemy, for what is asked thousands of times a second.

It acts as the service role for as long as it lives, in the ministry's scope, and every statement is a
transaction of its own. Statements are prepared when they are first met.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.db.base import SERVICE_ROLE
from simcheck.errors import UnavailableError

Parameters = Sequence[Any] | Mapping[str, Any]
SECONDS = 3  # for a statement: who waits longer is better told no
_AWAY = "the database does not answer. Try again."


class Statements(Protocol):
    """Something that statements can be sent through, in psycopg's own spelling."""

    async def fetch(self, query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Do it and give its rows."""
        ...


class Direct:
    """One connection, made when first used and again after it was lost. `close` when the process ends."""

    def __init__(self, url: str, actor: str) -> None:
        self._url = url
        self._options = " ".join(
            f"-c {name}={value}"
            for name, value in {
                "role": SERVICE_ROLE, "app.actor": actor, "app.scope": "ministry",
                "statement_timeout": f"{SECONDS}s", "lock_timeout": f"{SECONDS}s",
                # A plan is kept, so it must not be one that was made while the tables were empty.
                "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
            }.items()
        )  # fmt: skip
        self._connection: psycopg.AsyncConnection | None = None
        self._one = asyncio.Lock()

    async def fetch(self, query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Do a statement, committed when this returns. Raises `UnavailableError` when it cannot be."""
        try:
            async with asyncio.timeout(SECONDS + 1), self._one:
                connection = await self._open()
                cursor = await connection.execute(query, parameters, prepare=True, binary=True)
                return await cursor.fetchall() if cursor.description else []
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            await self.close()
            raise UnavailableError(_AWAY) from error

    async def close(self) -> None:
        """End the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _open(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, options=self._options, connect_timeout=SECONDS
            )
        return self._connection


class Within:
    """The same inside a transaction of the edge."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Do a statement as part of the session's transaction."""
        pooled = await (await self._session.connection()).get_raw_connection()
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.AsyncConnection)
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall() if cursor.description else []
