"""What tests of the service stand on: a real PostgreSQL, a database for each test, the web application.

One embedded server is shared by all test processes of a run. A migrated database is made once and copied for
each test, or a copy emptied that another test is done with. `tests/conftest.py` hands these fixtures to every
test.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = "migrated"
RUN_FOLDER = "TESTS_RUN_FOLDER"  # the variable that tells the run's processes their folder
# Nothing of a test has to survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
ISSUER = "http://127.0.0.1:8080"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests (`pytest.mark.anyio`) run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder for the whole run, shared by its processes, and removed by `tests/conftest.py` at the end.

    Not pytest's: pytest closes the parent of its folders to others whenever it starts, and PostgreSQL runs as
    another user when tests run as root.
    """
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture
def home(run_folder) -> Path:
    """A SIMCHECK_HOME for an embedded server of the test's own."""
    made = run_folder / uuid.uuid4().hex
    made.mkdir()
    return made


@pytest.fixture(scope="session")
def postgres(run_folder) -> Iterator[Any]:
    """The shared server (`Embedded`), with the migrated template in it."""
    import psycopg

    from simcheck import migrations
    from simcheck.db.embedded import Embedded

    with Embedded(run_folder, FAST) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(1)")
            made = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).rowcount
            if not made:
                connection.execute("CREATE DATABASE being_migrated")
                migrations.upgrade(server.url("being_migrated"))
                connection.execute(f"ALTER DATABASE being_migrated RENAME TO {TEMPLATE}")
        yield server


@pytest.fixture
def database_url(postgres) -> Iterator[str]:
    """The address (as owner) of a new, migrated database, dropped after the test."""
    with new_database(postgres) as url:
        yield url


@contextmanager
def new_database(postgres: Any, template: str = TEMPLATE) -> Iterator[str]:
    """A new database inside the block, a copy of another one: by itself, of the migrated one.

    Copying takes many times as long as emptying. So a copy of the migrated one is emptied after the block and
    taken again, unless something about it is no longer as it was made.
    """
    again = _emptied if template == TEMPLATE else []
    connection = _administrator(postgres.url("postgres"))
    name, since = again.pop() if again else _copied(connection, template)
    yield postgres.url(name)
    connection.execute(LEAVE, [name])
    if template == TEMPLATE and _empty(postgres.url(name), since):
        again.append((name, since))
    else:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _administrator(url: str) -> Any:
    """The connection by which this process makes and drops databases; it ends with the server."""
    import psycopg

    return psycopg.connect(url, autocommit=True)


_emptied: list[tuple[str, int]] = []  # databases of this process that are as new, and when they were made
LEAVE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
# Whether anything of a database's schema or its step is newer than a transaction, or its tables are so large,
# or so well known to the planner, that the next test would meet other plans than in a new one.
USED_UP = """
SELECT EXISTS (
        SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (
            xmin::text::bigint >= %(since)s OR relkind = 'r' AND reltuples > 0
            OR pg_relation_size(oid) > 128 * 1024))
    OR EXISTS (SELECT FROM pg_namespace WHERE xmin::text::bigint >= %(since)s AND nspname !~ 'temp')
    OR NOT EXISTS (SELECT FROM alembic_version WHERE xmin::text::bigint < %(since)s)
    OR EXISTS (SELECT FROM pg_db_role_setting AS own JOIN pg_database AS this ON this.oid = own.setdatabase
               WHERE datname = current_database())
""" + "".join(
    f"OR EXISTS (SELECT FROM {catalog} WHERE xmin::text::bigint >= %(since)s)\n"
    for catalog in ("pg_attribute", "pg_proc", "pg_trigger", "pg_constraint", "pg_policy", "pg_index")
)
EMPTY = """
DO $$ DECLARE each record; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR each IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'r'
        AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    LOOP EXECUTE format('DELETE FROM %s', each.name); END LOOP;
    FOR each IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'S'
    LOOP PERFORM setval(each.name, 1, false); END LOOP;
END $$
"""


def _copied(connection: Any, template: str) -> tuple[str, int]:
    name = f"test_{uuid.uuid4().hex}"
    # A fifth of the time that copying through the log takes.
    connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name, connection.execute("SELECT txid_current()").fetchone()[0]


def _empty(url: str, since: int) -> bool:
    """Empty a database; False where it cannot be taken again."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as database:
        if database.execute(USED_UP, {"since": since}).fetchone() != (False,):
            return False
        database.execute(EMPTY)
        return True


@pytest.fixture
def owner(database_url) -> Iterator[Any]:
    """A psycopg connection as the database's owner, in autocommit: to look past every policy."""
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def keyring() -> Any:
    """Keys drawn for this run."""
    from simcheck.privacy import Keyring

    return Keyring.make()


@pytest.fixture
def settings(database_url, tmp_path) -> Any:
    """Settings for the test's database, with a home of its own."""
    from pydantic import SecretStr

    return _settings().model_copy(
        update={"home": tmp_path / "home", "database_url": SecretStr(database_url)}, deep=True
    )


@cache
def _settings() -> Any:
    from simcheck.config import Settings

    return Settings(database_url="postgresql://", public_url=ISSUER, password_rounds=1, password_kib=8)


@pytest.fixture
async def service(settings, keyring) -> AsyncIterator[Any]:
    """The service (`Service`) of this test, as a server or a worker would hold it."""
    from simcheck.db.engine import Database
    from simcheck.lake.files import Store
    from simcheck.service import Service

    database = Database(settings.database_url.get_secret_value(), 10)
    _share_compiled(database.engine.sync_engine)
    yield Service(settings, keyring, database, Store(settings.lake_location))
    await database.close()


_first: list[Any] = []  # the engine whose compiled statements all others of this process have
STATEMENTS = 10_000


def _share_compiled(engine: Any) -> None:
    """Let an engine know the statements that were compiled for another: a seventh of a test's work."""
    from sqlalchemy.util import LRUCache

    # A dialect knows its server when its engine has been connected, which not every test's is.
    if not _first or not hasattr(_first[0].dialect, "default_isolation_level"):
        engine._compiled_cache = LRUCache(STATEMENTS)
        _first[:] = [engine]
    engine.dialect, engine._compiled_cache = _first[0].dialect, _first[0]._compiled_cache


@pytest.fixture
async def app(service) -> AsyncIterator[Any]:
    """The web application, started, over the test's service."""
    from simcheck.app import whole_app

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        yield service

    made = whole_app(service.settings, opening)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def http(app) -> AsyncIterator[Any]:
    """An httpx client that speaks to the application without a network."""
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        yield client


@cache
def _keys() -> dict[str, Any]:
    """The public half of a key, for clients whose proof no test asks for: a secret takes long to hash."""
    from joserfc.jwk import KeySet, OKPKey

    return dict(KeySet([OKPKey.generate_key("Ed25519")]).as_dict(private=False))


@pytest.fixture
async def token_of(app) -> Callable[..., Awaitable[dict[str, str]]]:
    """`await token_of("viettel", "batches:read", ...)`: the Authorization header of a new client.

    Without a carrier it is a relying service's; without scopes it has all that it can have.
    """
    from simcheck.access import clients, scopes

    async def make(carrier: str | None = None, *wanted: str, rate: float = 10_000) -> dict[str, str]:
        service, keeper = app.state.service, app.state.doorkeeper
        name = f"{carrier or 'relying'}-{''.join(chr(97 + int(d, 16)) for d in uuid.uuid4().hex[:8])}"
        chosen = wanted or (scopes.of_carriers() if carrier else scopes.of_services())
        async with service.database.transaction("test", ministry=True) as session:
            await clients.add(
                session, name, name, carrier=carrier, scopes=chosen, rate=rate, public_keys=_keys()
            )
        await keeper.refresh()
        token = (await keeper.keys()).issue(name, chosen, 600)
        return {"Authorization": f"Bearer {token}"}

    return make


@pytest.fixture
async def viettel(token_of) -> dict[str, str]:
    """The Authorization header of a client of the carrier viettel, with all scopes of carriers."""
    return await token_of("viettel")


@pytest.fixture
async def mobifone(token_of) -> dict[str, str]:
    """The Authorization header of a client of another carrier."""
    return await token_of("mobifone")


@pytest.fixture
def served(settings, keyring) -> Iterator[str]:
    """The address of a real server (uvicorn, on loopback) over the test's database."""
    with socket.create_server(("127.0.0.1", 0)) as bound, serving(settings, keyring, bound) as address:
        yield address


@contextmanager
def serving(settings: Any, keyring: Any, bound: socket.socket) -> Iterator[str]:
    """A real server on this socket, inside the block; its address."""
    import uvicorn

    from simcheck.app import whole_app
    from simcheck.service import opened

    keyring_file(settings.home, keyring)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        async with opened(settings) as service:
            _share_compiled(service.database.engine.sync_engine)
            yield service

    application = whole_app(settings, opening)
    config = uvicorn.Config(
        application, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    thread.join(120)
    assert not thread.is_alive()


def keyring_file(home: Path, keyring: Any) -> Path:
    """Put the keys where a process with this home finds them."""
    home.mkdir(parents=True, exist_ok=True)
    keyring.save(home / "keys.json", replacing=True)
    return home / "keys.json"


@pytest.fixture
def environment(settings, keyring) -> dict[str, str]:
    """The variables with which a `simcheck` process serves the test's database."""
    keyring_file(settings.home, keyring)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SIMCHECK_")}
    return {
        **mine,
        "SIMCHECK_HOME": str(settings.home),
        "SIMCHECK_DATABASE_URL": settings.database_url.get_secret_value(),
    }
