from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from simcheck import migrations
from simcheck.db.embedded import Embedded

PATIENCE = 120  # seconds: on a machine that is busy with other things too


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return bound.getsockname()[1]


@contextlib.contextmanager
def running(environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    """A `simcheck` process; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simcheck.cli", *words], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_ready(process: subprocess.Popen[str], url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(process.communicate(timeout=5)[1] if process.poll() is not None else "not ready")


@pytest.fixture
def listening(environment) -> dict[str, str]:
    return {**environment, "SIMCHECK_LISTEN": f"127.0.0.1:{free_port()}"}


@pytest.mark.parametrize(
    ("workers", "stop"),
    [
        ("1", signal.SIGTERM),
        pytest.param("1", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("2", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_serving_until_a_signal(listening, workers, stop):
    url = f"http://{listening['SIMCHECK_LISTEN']}"
    with running(listening, "serve", "--workers", workers) as process:
        until_ready(process, url)
        answer = httpx.get(f"{url}/v1/nothing")
        assert answer.status_code == 404
        assert "server" not in answer.headers
        process.send_signal(stop)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    lines = [json.loads(line) for line in err.splitlines()]
    assert {"serving", "request", "stopped"} <= {line["event"] for line in lines}


@pytest.mark.slow
def test_workers_end_with_the_process_that_began_them(listening):
    url = f"http://{listening['SIMCHECK_LISTEN']}"
    with running(listening, "serve", "--workers", "2") as process:
        until_ready(process, url)
        process.kill()
        _, err = process.communicate(timeout=PATIENCE)  # until nobody holds the pipe any more
    assert "defect" not in err
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", timeout=5)


@pytest.mark.slow
def test_an_embedded_database_is_stopped_with_its_server(home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMCHECK_")}
    environment |= {"SIMCHECK_HOME": str(home), "SIMCHECK_LISTEN": f"127.0.0.1:{free_port()}"}
    with running(environment, "serve") as process:
        until_ready(process, f"http://{environment['SIMCHECK_LISTEN']}")
        with psycopg.connect(Embedded(home).url()) as connection:
            assert connection.execute("SELECT count(*) FROM signing_key").fetchone() == (1,)
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(Embedded(home).url())


def test_an_address_that_is_taken_is_one_line(command, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("SIMCHECK_LISTEN", listen)
        code, out, err = command("serve")
    assert (code, out) == (2, "")
    assert err.startswith(f"simcheck: SIMCHECK_LISTEN {listen}: Address already in use")
    assert len(err.splitlines()) == 1


def test_without_a_link_no_sender_starts(command):
    code, out, err = command("sender")
    assert (code, out) == (2, "")
    assert "SIMCHECK_SMS_LINKS, SIMCHECK_MAIL: no link is set up" in err


def test_a_worker_does_what_is_due_and_ends(command, owner):
    owner.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'upkeep.tidy')")
    code, _, err = command("worker", "--once")
    assert code == 0
    assert owner.execute(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'upkeep.tidy'"
    ).fetchone() == (0,)
    assert "upkeep.tidy" in err


def test_a_worker_ends_on_a_signal(environment, owner):
    with running(environment, "worker") as process:
        deadline = time.monotonic() + PATIENCE
        while owner.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_migrating(command, owner):
    assert command("migrate") == (0, f"the database is at step {migrations.newest()}\n", "")


def test_migrating_a_new_database(command, postgres, monkeypatch):
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE to_migrate")
        monkeypatch.setenv("SIMCHECK_DATABASE_URL", postgres.url("to_migrate"))
        assert command("migrate") == (0, f"migrated from nothing to {migrations.newest()}\n", "")
        connection.execute("DROP DATABASE to_migrate WITH (FORCE)")


def test_wrong_settings_are_a_line_each(command, monkeypatch):
    monkeypatch.setenv("SIMCHECK_LISTEN", "here")
    monkeypatch.setenv("SIMCHECK_TOKEN_SECONDS", "1")
    for words in ("serve", "worker", "migrate"):
        code, out, err = command(words)
        assert (code, out) == (2, "")
        assert [line.split(":")[1].strip() for line in err.splitlines()] == [
            "SIMCHECK_LISTEN",
            "SIMCHECK_TOKEN_SECONDS",
        ]
