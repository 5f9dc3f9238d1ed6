from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from simcheck import migrations
from simcheck.config import Settings
from simcheck.errors import KeyringError, SettingsError, UnavailableError
from simcheck.privacy import Keyring
from simcheck.service import keyring_of, opened

pytestmark = pytest.mark.anyio


async def test_a_service_with_a_migrated_database(settings, keyring):
    (settings.home).mkdir()
    keyring.save(settings.keys_path)
    async with opened(settings) as service, service.database.transaction("test") as session:
        assert service.keyring == keyring
        assert session.info["actor"] == "test"


async def test_a_database_that_is_not_migrated_is_refused(settings, keyring, owner):
    settings.home.mkdir()
    keyring.save(settings.keys_path)
    owner.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(SettingsError, match=r"at step 0001, not .*simcheck migrate"):
        async with opened(settings):
            pass


async def test_a_strange_database_is_refused(postgres, tmp_path, keyring):
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE strange")
    strange = Settings(home=tmp_path, database_url=postgres.url("strange"))
    keyring.save(strange.keys_path)
    with pytest.raises(SettingsError, match="not simcheck's yet"):
        async with opened(strange):
            pass
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE strange WITH (FORCE)")


async def test_an_owner_that_is_no_superuser(postgres, home, keyring):
    """As in production: one user owns the tables, another one serves. Neither can look past the policies."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        for statement in (
            "CREATE ROLE plain_owner LOGIN", "CREATE ROLE plain_server LOGIN",
            "GRANT simcheck_service TO plain_server", "CREATE DATABASE plain OWNER plain_owner",
        ):  # fmt: skip
            connection.execute(statement)
        url = postgres.url("plain").replace("postgres@", "plain_owner@")
        with pytest.raises(SettingsError, match="administrator"):
            migrations.upgrade(url)
        connection.execute("GRANT simcheck_service TO plain_owner")
        migrations.upgrade(url)
        keyring.save(home / "keys.json")
        serving = Settings(home=home, database_url=url.replace("plain_owner@", "plain_server@"))
        async with opened(serving) as service, service.database.transaction("test", "viettel") as session:
            await session.execute(sa.text("SELECT * FROM batch"))
        with psycopg.connect(url) as owner:
            owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                owner.execute("""
                    INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at)
                    VALUES ('viettel', 'c', 'x', 'sim_changed', now(), now())
                """)
        connection.execute("DROP DATABASE plain WITH (FORCE)")
        connection.execute("DROP ROLE plain_owner, plain_server")


async def test_a_database_that_does_not_answer(tmp_path, keyring):
    nowhere = Settings(home=tmp_path, database_url=f"postgresql://x@/x?host={tmp_path}")
    keyring.save(nowhere.keys_path)
    with pytest.raises(UnavailableError, match="does not answer"):
        async with opened(nowhere):
            pass


async def test_a_home_of_its_own_needs_nothing(home):
    """The embedded database: started, migrated, with a key file."""
    own = Settings(home=home)
    async with opened(own) as service, service.database.transaction("test"):
        pass
    kept = Keyring.load(own.keys_path)
    async with opened(own) as service:
        assert service.keyring == kept


def test_keys_of_another_database_are_never_made_by_themselves(settings):
    with pytest.raises(KeyringError, match="simcheck keys make"):
        keyring_of(settings)


def test_keys_from_the_environment(keyring, tmp_path):
    keyring.save(tmp_path / "k")
    assert keyring_of(Settings(keys=(tmp_path / "k").read_text())) == keyring


def test_the_newest_step_is_the_last_file():
    steps = sorted(
        path.stem for path in (migrations.Path(migrations.__file__).parent / "versions").glob("step_*.py")
    )
    assert steps[-1].startswith(f"step_{migrations.newest()}_")
