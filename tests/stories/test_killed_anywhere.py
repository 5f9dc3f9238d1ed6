"""A server or a worker is killed (SIGKILL) at a fault point anywhere between a file's arrival and its cases.

Both are started again, the client sends again what it got no answer to, and the end is that of an undisturbed
run. Real processes over a real database; `tests/jobs/test_killed.py` goes through a run's steps more finely.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow.csv as pacsv
import pytest

import generator

# Whom to kill, and where: the point, and at its how-manieth passing.
POINTS = [
    ("serve", "client before"), ("serve", "lake before#1"), ("serve", "lake after#2"),
    ("worker", "job:uploads.load before#1"), ("worker", "job:runs.start before#2"),
    ("worker", "job:runs.start after#2"), ("worker", "job:runs.check before#2"),
    ("worker", "job:runs.check after#3"), ("worker", "job:runs.publish before#2"),
    ("worker", "lake before#3"), ("worker", "lake after#7"), ("worker", "job:feedback.make before#1"),
]  # fmt: skip
# Those that stand in for the others where there is little time.
AT_ONCE = [
    ("serve", "client after"), ("worker", "job:uploads.load after#2"), ("worker", "job:runs.publish after#2"),
]  # fmt: skip
SWEEPS = ("uploads.sweep", "uploads.finish", "runs.sweep", "feedback.sweep", "queue.stalled")
PATIENCE = 240.0  # a killed publisher holds its lock in the queue for a minute

WAKE = """
INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
SELECT 'default', task, 'test/' || task, '{}' FROM unnest(%s::text[]) AS task ON CONFLICT DO NOTHING
"""
SUBSCRIPTIONS = """
SELECT carrier, encode(msisdn_token, 'hex'), verdict, reasons, claimants, status
FROM subscription ORDER BY carrier, msisdn_token
"""
CASES = """
SELECT carrier, encode(msisdn_token, 'hex'), state, acts, verdict, reasons, closed_at IS NULL
FROM "case" ORDER BY carrier, msisdn_token
"""
EVENTS = """
SELECT "case".carrier, move, count(*) FROM case_event JOIN "case" ON "case".id = case_id
GROUP BY "case".carrier, move ORDER BY "case".carrier, move
"""
TOLD = """
SELECT count(*) FROM batch WHERE state = 'done' AND id IN (SELECT batch_id FROM feedback)
"""
FORGET = """
TRUNCATE procrastinate_jobs, subscription, "case", case_event, feedback, run_bucket, run, batch, upload,
         client, register_snapshot CASCADE
"""
BATCHES = "SELECT carrier, state, rows FROM batch ORDER BY 1"
RUNS = "SELECT carrier, state, rows, counts FROM run WHERE state = 'published' ORDER BY 1"


class Country:
    """The service's processes over one database, and two carriers that send a file each."""

    def __init__(self, owner: psycopg.Connection[Any], environment: dict[str, str], folder: Path) -> None:
        self.owner, self.folder = owner, folder
        with socket.create_server(("127.0.0.1", 0)) as bound:
            listen = f"127.0.0.1:{bound.getsockname()[1]}"
        self.url = f"http://{listen}"
        self.environment = {
            **environment, "SIMCHECK_LISTEN": listen, "SIMCHECK_PUBLIC_URL": self.url,
            "SIMCHECK_LEASE_SECONDS": "1", "SIMCHECK_LOAD_LEASE_SECONDS": "1", "SIMCHECK_BUCKETS": "3",
        }  # fmt: skip
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, what: str, fault: str | None = None) -> None:
        extra = {"SIMCHECK_FAULT": fault} if fault else {}
        self.running[what] = subprocess.Popen(
            [sys.executable, "-m", "simcheck.cli", what], env=self.environment | extra,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "simcheck.cli", *words], env=self.environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def revive(self) -> bool:
        """Start again what was killed; whether something was."""
        dead = [what for what, process in self.running.items() if process.poll() is not None]
        for what in dead:
            self.start(what)
        return bool(dead)

    def end(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(30)


@contextlib.contextmanager
def running(country: Country) -> Iterator[Country]:
    try:
        yield country
    finally:
        country.end()


def live(country: Country, made: Path, victim: str | None, fault: str | None) -> dict[str, list[Any]]:
    """Everything from the register to the cases, with somebody killed on the way; how it ends."""
    country.call("register", "import", str(made / "citizens.parquet"), "--quiet")
    secret = {
        carrier: country.call("clients", "add", f"{carrier}-x", "--carrier", carrier).split()[-1]
        for carrier in ("wintel", "local")
    }
    for what in ("serve", "worker"):
        country.start(what, fault if what == victim else None)
    killed = False
    waiting = list(secret)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        killed |= country.revive()
        country.owner.execute(WAKE, [list(SWEEPS)])
        (told,) = country.owner.execute(TOLD).fetchone()
        # one after the other, so that the second finds the first's claims
        if told >= len(secret) - len(waiting):
            if not waiting:
                break
            with contextlib.suppress(httpx.HTTPError, KeyError):
                if send(country, waiting[0], secret[waiting[0]], made / f"{waiting[0]}.csv"):
                    del waiting[0]
        time.sleep(0.2)
    assert killed == (fault is not None), "nobody passed the fault point"
    return {
        query: country.owner.execute(query).fetchall()
        for query in (SUBSCRIPTIONS, CASES, EVENTS, BATCHES, RUNS)
    }


def send(country: Country, carrier: str, secret: str, file: Path) -> bool:
    answer = httpx.post(
        f"{country.url}/oauth/token", data={"grant_type": "client_credentials"},
        auth=(f"{carrier}-x", secret), timeout=10,
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Idempotency-Key": f"{carrier}-1"}
    with file.open("rb") as content:
        answer = httpx.post(f"{country.url}/v1/batches", content=content, headers=headers, timeout=10)
    return answer.status_code in {200, 202}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("country") / "made"
    generator.generate(400, 600, 5, folder, carriers=["wintel", "local"])
    assert pacsv.read_csv(folder / "wintel.csv").num_rows > 100
    return folder


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """The end without a kill, found once by the first test that needs it."""
    return {}


def compare(owner, environment, made, undisturbed, tmp_path, victim, fault) -> None:
    if not undisturbed:
        with running(Country(owner, environment, tmp_path)) as country:
            undisturbed.update(live(country, made, None, None))
        assert len(undisturbed[SUBSCRIPTIONS]) > 300
        assert len(undisturbed[CASES]) > 50
        owner.execute(FORGET)
    with running(Country(owner, environment, tmp_path)) as country:
        assert live(country, made, victim, fault) == undisturbed


@pytest.mark.parametrize(("victim", "fault"), AT_ONCE)
def test_killed_where_it_hurts(owner, environment, made, undisturbed, tmp_path, victim, fault):
    compare(owner, environment, made, undisturbed, tmp_path, victim, fault)


@pytest.mark.slow
@pytest.mark.parametrize(("victim", "fault"), POINTS)
def test_killed_anywhere(owner, environment, made, undisturbed, tmp_path, victim, fault):
    compare(owner, environment, made, undisturbed, tmp_path, victim, fault)
