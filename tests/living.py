"""The service as it runs: its processes over one database, and two carriers that send a file each."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg

CARRIERS = ("wintel", "local")
SWEEPS = (
    "uploads.sweep", "uploads.finish", "runs.sweep", "feedback.sweep", "webhooks.sweep", "queue.stalled"
)  # fmt: skip
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
BATCHES = "SELECT carrier, state, rows FROM batch ORDER BY 1"
RUNS = "SELECT carrier, state, rows, counts FROM run WHERE state = 'published' ORDER BY 1"
FEEDBACK = "SELECT carrier, batch_id IS NULL, rows FROM feedback ORDER BY 1, 2"
# Batches that are at their end, and their carriers told of it.
TOLD = """
SELECT count(*) FROM batch WHERE state = 'done' AND id IN (SELECT batch_id FROM feedback) AND EXISTS (
    SELECT FROM feedback JOIN run ON run.id = run_id
    WHERE run.batch_id = batch.id AND feedback.batch_id IS NULL
)
"""
FORGET = """
TRUNCATE procrastinate_jobs, subscription, "case", case_event, feedback, run_bucket, run, batch, upload,
         client, register_snapshot, webhook, webhook_delivery CASCADE
"""


class Country:
    """The processes. `environment` names the database and the home; `more` are settings beside."""

    def __init__(self, environment: dict[str, str], **more: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as bound:
            listen = f"127.0.0.1:{bound.getsockname()[1]}"
        self.url = f"http://{listen}"
        self.environment = {
            **environment, "SIMCHECK_LISTEN": listen, "SIMCHECK_PUBLIC_URL": self.url,
            "SIMCHECK_LEASE_SECONDS": "1", "SIMCHECK_LOAD_LEASE_SECONDS": "1", "SIMCHECK_BUCKETS": "3",
            "SIMCHECK_RETRY_SECONDS": "0.2", **more,
        }  # fmt: skip
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.secrets: dict[str, str] = {}
        self._owner: psycopg.Connection[Any] | None = None

    def ask(self, query: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """A statement as the database's owner; on a new connection where the one before was lost."""
        try:
            return self._ask(query, parameters)
        except psycopg.OperationalError:
            self._forget_connection()
            return self._ask(query, parameters)

    def _ask(self, query: str, parameters: Sequence[Any] | None) -> list[tuple[Any, ...]]:
        if self._owner is None:
            url = self.environment["SIMCHECK_DATABASE_URL"]
            self._owner = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        done = self._owner.execute(query, parameters)
        return done.fetchall() if done.description else []

    def _forget_connection(self) -> None:
        if self._owner is not None:
            self._owner.close()
        self._owner = None

    def start(self, name: str, fault: str | None = None, by: Sequence[str] = ()) -> None:
        """Start `serve` or `worker` (`worker-2` is another one), perhaps by a program that starts it."""
        extra = {"SIMCHECK_FAULT": fault} if fault else {}
        self.running[name] = subprocess.Popen(
            [*by, sys.executable, "-m", "simcheck.cli", name.partition("-")[0]],
            env=self.environment | extra, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def call(self, *words: str) -> str:
        """What a command says that ends well."""
        done = subprocess.run(
            [sys.executable, "-m", "simcheck.cli", *words], env=self.environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def found(self, made: Path) -> None:
        """Take in the register and the carriers' clients."""
        self.call("register", "import", str(made / "citizens.parquet"), "--quiet")
        for carrier in CARRIERS:
            said = self.call("clients", "add", f"{carrier}-x", "--carrier", carrier)
            self.secrets[carrier] = said.split()[-1]

    def token(self, carrier: str) -> dict[str, str]:
        """The Authorization header of the carrier's client."""
        answer = httpx.post(
            f"{self.url}/oauth/token", data={"grant_type": "client_credentials"},
            auth=(f"{carrier}-x", self.secrets[carrier]), timeout=10,
        )  # fmt: skip
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def send(self, carrier: str, file: Path) -> bool:
        """Send the carrier's file, always under the same key; whether it was taken."""
        headers = self.token(carrier) | {"Idempotency-Key": f"{carrier}-1"}
        with file.open("rb") as content:
            answer = httpx.post(f"{self.url}/v1/batches", content=content, headers=headers, timeout=10)
        return answer.status_code in {200, 202}

    def send_all(self, made: Path, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Each carrier's file, the second when the first is at its end, so that it finds its claims."""
        for number, carrier in enumerate(CARRIERS, 1):
            file, sent = made / f"{carrier}.csv", False

            def ended(carrier: str = carrier, file: Path = file, number: int = number) -> bool:
                nonlocal sent
                with contextlib.suppress(httpx.HTTPError, KeyError, json.JSONDecodeError):
                    sent = sent or self.send(carrier, file)
                return sent and self.ask(TOLD) == [(number,)]

            self.until(ended, meanwhile)

    def until(self, ended: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Have the sweeps done until something is so. While the database is away, it is not."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            meanwhile()
            with contextlib.suppress(psycopg.OperationalError):
                self.ask(WAKE, [list(SWEEPS)])
                if ended():
                    return
            time.sleep(0.1)
        raise AssertionError(f"not so after {PATIENCE:g} seconds: {self.ask(BATCHES)}")

    def revive(self) -> bool:
        """Start again what was killed; whether something was."""
        dead = [what for what, process in self.running.items() if process.poll() is not None]
        for what in dead:
            self.start(what)
        return bool(dead)

    def ends(self) -> dict[str, list[Any]]:
        """How everything stands."""
        return {query: self.ask(query) for query in (SUBSCRIPTIONS, CASES, EVENTS, BATCHES, RUNS, FEEDBACK)}

    def end(self) -> None:
        """End the processes, and forget all that they did."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)
        self.ask(FORGET)
        self._forget_connection()


@contextlib.contextmanager
def running(country: Country) -> Iterator[Country]:
    """The country, whose processes end with the block."""
    try:
        yield country
    finally:
        country.end()


def soon(so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def answers(country: Country, path: str, status: int) -> Callable[[], bool]:
    """Whether the server answers so."""

    def asked() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{country.url}{path}", timeout=20).status_code == status
        return False

    return asked
