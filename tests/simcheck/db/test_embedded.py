from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from simcheck.db.embedded import Embedded
from simcheck.errors import UnavailableError

FAST = {"fsync": "off"}


def asked(server: Embedded, query: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def runs(server: Embedded) -> bool:
    try:
        psycopg.connect(server.url()).close()
    except psycopg.OperationalError:
        return False
    return True


def test_it_is_a_real_postgresql_that_listens_on_no_network(home):
    with Embedded(home, FAST) as server:
        assert str(asked(server, "SELECT version()")).startswith("PostgreSQL")
        assert asked(server, "SHOW listen_addresses") == ""
        assert asked(server, "SHOW log_error_verbosity") == "terse"
    assert not runs(server)


def test_data_stays_and_the_last_to_leave_stops_it(home):
    with Embedded(home, FAST) as first:
        with psycopg.connect(first.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with Embedded(home, FAST) as second:
            assert asked(second, "SELECT answer FROM kept") == 42
        assert runs(first)
    assert not runs(first)
    with Embedded(home, FAST) as again:
        assert asked(again, "SELECT answer FROM kept") == 42


USE_AND_WAIT = """
import sys, time
from pathlib import Path
from simcheck.db.embedded import Embedded
with Embedded(Path(sys.argv[1]), {"fsync": "off"}):
    print("started", flush=True)
    time.sleep(60)
"""


def test_a_killed_user_leaves_nothing_to_tidy_up(home):
    user = subprocess.Popen([sys.executable, "-c", USE_AND_WAIT, home], stdout=subprocess.PIPE)
    assert user.stdout is not None
    assert user.stdout.readline() == b"started\n"
    user.kill()
    user.wait()
    server = Embedded(home, FAST)
    assert runs(server)  # nobody was there to stop it
    with server:
        assert asked(server, "SELECT 1") == 1
    assert not runs(server)


def test_a_crashed_server_is_started_again(home):
    with Embedded(home, FAST) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server._run("pg_ctl", "stop", "-D", server.data, "-m", "immediate")
        with Embedded(home, FAST) as again:
            assert asked(again, "SELECT answer FROM kept") == 42


def test_a_cluster_that_was_never_finished_is_begun_again(home):
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with Embedded(home, FAST) as server:
        assert runs(server)


def test_a_path_that_is_too_long_for_a_socket(home):
    deep = home / ("d" * 60) / ("e" * 60)
    with Embedded(deep, FAST) as server:
        assert asked(server, "SELECT 1") == 1
        folder = server._socket_folder()
        assert folder.parent == Path(tempfile.gettempdir())
    assert not folder.exists()


def test_a_damaged_cluster_is_one_clear_error(home):
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(UnavailableError, match="pg_ctl failed"), Embedded(home, FAST):
        pass
