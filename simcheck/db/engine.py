"""The engine, and the edge: one request or one job is one transaction, opened and committed here.

    async with database.transaction("client:viettel-1", carrier="viettel") as session:
        ...

Inside, the session acts as the service role, and PostgreSQL itself knows who acts (`app.actor`), for which
carrier (`app.carrier`) and how far they see (`app.scope`): row-level security shows a carrier its own rows,
the ministry's scope all, and a transaction with neither none. Services take the session; they never commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.array import ListBinaryDumper
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from simcheck import faults
from simcheck.db.base import SERVICE_ROLE
from simcheck.errors import SimcheckError, UnavailableError

BeforeCommit = Callable[[AsyncSession], Awaitable[None]]

# Whom this transaction acts for, in one round trip. The last argument makes it the transaction's own setting.
ENTER = sa.text("""
SELECT set_config('role', :role, true), set_config('app.actor', :actor, true),
       set_config('app.carrier', :carrier, true), set_config('app.scope', :scope, true)
""")


class NoActorError(SimcheckError):
    """Somebody's name must stand behind every transaction."""

    code = "no_actor"
    http_status = 500


def driver_url(url: str) -> sa.URL:
    """A `postgresql://` address with the driver that we use."""
    return sa.make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")


class Database:
    """The connections of one process. `close` when it ends."""

    def __init__(self, url: str, connections: int = 10) -> None:
        self.url = url
        self.engine = create_async_engine(
            driver_url(url), pool_size=connections, max_overflow=0, pool_timeout=10, pool_pre_ping=False
        )
        sa.event.listen(self.engine.sync_engine, "connect", _arrays_in_binary)

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(
        self, actor: str, carrier: str | None = None, *, ministry: bool = False, snapshot: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """One transaction as the service role: committed at the end of the block, rolled back by any error.

        `actor` is whose act it is, such as `client:viettel-1` or `job:run.check`. `carrier` is the tenant
        whose rows are seen; `ministry` shows all rows; with neither, no row of any carrier is seen. With
        `snapshot` all reads see one moment (REPEATABLE READ). Raises
        `NoActorError` without an actor, `UnavailableError` when the database cannot be reached.
        """
        if not actor.strip():
            raise NoActorError("no actor, no transaction")
        session = AsyncSession(
            self.engine,
            expire_on_commit=False,
            info={"actor": actor, "carrier": carrier, "before_commit": []},
        )
        try:
            async with session.begin():
                if snapshot:
                    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                scope = "ministry" if ministry else "carrier" if carrier else ""
                await session.execute(
                    ENTER, {"role": SERVICE_ROLE, "actor": actor, "carrier": carrier or "", "scope": scope}
                )
                yield session
                for write in session.info["before_commit"]:
                    await write(session)
                faults.point(f"{_kind(actor)} before")
            faults.point(f"{_kind(actor)} after")
        except DBAPIError as error:
            if _unreachable(error):
                raise UnavailableError("the database does not answer. Try again.") from error
            raise
        except sa.exc.TimeoutError as error:
            raise UnavailableError("too many requests wait for the database. Try again.") from error
        finally:
            await session.close()


def _arrays_in_binary(connection: Any, _record: object) -> None:
    """As text, each element of an array is searched for what must be quoted: that takes ten times as long."""
    connection.driver_connection.adapters.register_dumper(list, ListBinaryDumper)


def _kind(actor: str) -> str:
    """What acts, without who: `job:runs.publish`, `client`."""
    return actor if actor.startswith("job:") else actor.partition(":")[0]


def before_commit(session: AsyncSession, write: BeforeCommit) -> None:
    """Have `write(session)` done in this transaction, as late as possible: right before it commits."""
    session.info["before_commit"].append(write)


def actor_of(session: AsyncSession) -> str:
    """Whose act this transaction is. Raises `NoActorError` for a session that was not opened at the edge."""
    actor: str | None = session.info.get("actor")
    if not actor:
        raise NoActorError("no actor, no write")
    return actor


def carrier_of(session: AsyncSession) -> str | None:
    """The carrier that this transaction acts for, if it acts for one."""
    carrier: str | None = session.info.get("carrier")
    return carrier


def _unreachable(error: DBAPIError) -> bool:
    """Whether the server is away or going, and the same transaction may succeed later."""
    state: Any = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError | InterfaceError) and isinstance(
            error.orig, psycopg.OperationalError | psycopg.InterfaceError
        )
    # 08 connection, 53 resources, 57P01-57P03 shutting down or starting, 40 serialisation and deadlock
    return state[:2] in {"08", "53", "40"} or state in {"57P01", "57P02", "57P03"}
