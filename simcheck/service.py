"""What a running process holds: settings, keys, the database. Opened once, by a server, worker or command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa

from simcheck import faults, migrations
from simcheck.config import Settings
from simcheck.db.embedded import Embedded
from simcheck.db.engine import Database
from simcheck.errors import KeyringError, SettingsError
from simcheck.lake.files import Store
from simcheck.privacy import Keyring

# How far this database's schema is.
STEP = sa.text("SELECT version_num FROM alembic_version")


@dataclass(frozen=True)
class Service:
    """Everything that requests and jobs share."""

    settings: Settings
    keyring: Keyring
    database: Database
    store: Store


def keyring_of(settings: Settings) -> Keyring:
    """The keys that the settings name. With the embedded database, a first key file is made by itself.

    Raises `KeyringError` when there are none, or they cannot be read.
    """
    if settings.keys is not None:
        return Keyring.load(settings.keys.get_secret_value())
    path = settings.keys_path
    if not path.exists() and settings.database_url is None and settings.keys_file is None:
        with suppress(KeyringError):  # another process was first: its keys are the installation's
            Keyring.make().save(path)
    return Keyring.load(path)


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The address of the database: the one that is set, or an embedded one that runs inside the block.

    The embedded one is migrated; another is left to `simcheck migrate`, as its owner.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with Embedded(settings.home) as embedded:
        migrations.upgrade(embedded.url())
        yield embedded.url()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Service]:
    """The service's shared things inside the block.

    Raises `KeyringError` when keys are missing, `SettingsError` when the database has not the newest schema,
    `UnavailableError` when it does not answer.
    """
    faults.arm(settings.fault)
    keyring = keyring_of(settings)
    with database_url(settings) as url:
        database = Database(url, settings.database_connections)
        try:
            await require_newest(database)
            yield Service(settings, keyring, database, Store(settings.lake_location))
        finally:
            await database.close()


async def require_newest(database: Database) -> None:
    """Raise `SettingsError` unless the database has the schema that this version of the program knows."""
    remedy = "Run `simcheck migrate` as the database's owner."
    try:
        async with database.transaction("start") as session:
            step = await session.scalar(STEP)
    except sa.exc.ProgrammingError:
        raise SettingsError([f"the database is not simcheck's yet. {remedy}"]) from None
    if step != migrations.newest():
        raise SettingsError([f"the database is at step {step}, not {migrations.newest()}. {remedy}"])
