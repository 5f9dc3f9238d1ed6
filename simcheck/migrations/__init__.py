"""The ledger's schema, step by step. `upgrade` brings a database to the newest step.

The migrations are SQL; what they make must be what the models say (a test compares two databases).
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

from simcheck.db.base import SERVICE_ROLE
from simcheck.db.engine import driver_url
from simcheck.errors import SettingsError, UnavailableError

NOT_ALLOWED = "42501"  # insufficient_privilege
REMEDY = (
    f"Have an administrator run: CREATE ROLE {SERVICE_ROLE} NOLOGIN; GRANT {SERVICE_ROLE} TO this user; "
    "ALTER DATABASE … OWNER TO this user"
)
# One migration at a time in a database, however many processes start at once.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_lock(hashtext('simcheck migrations'))")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def newest() -> str:
    """The newest step that this version of the program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring the database to the newest step, as its owner: (step before, step now).

    Each step is one transaction. Raises `UnavailableError` when the database does not answer or is busy,
    `SettingsError` when this user may not do it.
    """
    engine = sa.create_engine(driver_url(url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(ONE_AT_A_TIME)
            connection.commit()  # the lock is the connection's, not the transaction's
            before = MigrationContext.configure(connection).get_current_revision()
            connection.commit()
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return before, newest()
    except sa.exc.OperationalError as error:
        raise UnavailableError(f"the database cannot be migrated: {_cause(error)}. Try again.") from error
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != NOT_ALLOWED:
            raise
        raise SettingsError([f"{_cause(error)}. {REMEDY}"]) from error
    finally:
        engine.dispose()


def _cause(error: sa.exc.DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0]
