"""What the service stands on goes away in mid-run and comes back: PostgreSQL, the queue's rows.

No process is started again and nobody does anything: the batches come to the end of an undisturbed run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from simcheck import migrations
from simcheck.db.embedded import Embedded
from tests.living import Country, answers, running, soon

# Whoever writes this row sleeps in the middle of its transaction, until PostgreSQL is gone.
SLEEP = """
CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$
"""
AT = "CREATE TRIGGER sleeping BEFORE {event} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION sleep()"
AWAKE = "DROP TRIGGER sleeping ON {table}"
SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
# A file that was read, a run being made, a bucket that is done, a run being published.
PLACES = [
    ("batch", "UPDATE", "WHEN (NEW.state = 'checking')"), ("run_bucket", "INSERT", ""),
    ("run_bucket", "UPDATE", "WHEN (NEW.state = 'done')"),
    ("run", "UPDATE", "WHEN (NEW.state = 'published')"),
]  # fmt: skip


class Server:
    """An embedded PostgreSQL that can be cut off as by a power cut."""

    def __init__(self, home: Path) -> None:
        self.embedded = Embedded(home, {"fsync": "off", "max_connections": "60"})

    def stop(self) -> None:
        self.embedded._run("pg_ctl", "stop", "-D", self.embedded.data, "-m", "immediate", "-w")

    def start(self) -> None:
        self.embedded._start()


@pytest.fixture
def server(home) -> Iterator[Server]:
    made = Server(home)
    with made.embedded:
        migrations.upgrade(made.embedded.url())
        yield made


def while_away(country: Country, headers: dict[str, str], file: Path) -> None:
    """What is told while the database is away: to operators, to a carrier that asks, to one that sends."""
    assert answers(country, "/healthz", 200)()
    told = [httpx.get(f"{country.url}{path}", timeout=20) for path in ("/readyz", "/metrics")]
    told.append(httpx.get(f"{country.url}/v1/batches", headers=headers, timeout=20))
    told.append(
        httpx.post(f"{country.url}/v1/batches", headers=headers, content=file.read_bytes(), timeout=20)
    )
    for answer in told:
        assert answer.status_code == 503, answer.url
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        assert (said["code"], said["retry"]) == ("unavailable", True)
        assert not any(
            word in answer.text for word in ("Traceback", "psycopg", "socket", "sqlalchemy", "postgres")
        )


@pytest.mark.slow
def test_postgresql_is_cut_off_and_comes_back(server, environment, made, undisturbed):
    own = environment | {"SIMCHECK_DATABASE_URL": server.embedded.url()}
    places = list(PLACES)
    with running(Country(own)) as country:
        country.found(made)
        for what in ("serve", "worker"):
            country.start(what)
        soon(answers(country, "/readyz", 200), "the server does not start")
        headers = country.token("wintel")
        country.ask(SLEEP)
        country.ask(AT.format(table=places[0][0], event=places[0][1], when=places[0][2]))

        def cut_off() -> None:
            with contextlib.suppress(psycopg.OperationalError):
                if not places or country.ask(SLEEPING) == [(0,)]:
                    return
                server.stop()
                while_away(country, headers, made / "local.csv")
                server.start()
                country.ask(AWAKE.format(table=places.pop(0)[0]))
                if places:
                    country.ask(AT.format(table=places[0][0], event=places[0][1], when=places[0][2]))
                soon(answers(country, "/readyz", 200), "the server does not find the database again")

        country.send_all(made, cut_off)
        assert places == [], "somebody did not pass there"
        assert all(process.poll() is None for process in country.running.values())
        assert country.ends() == undisturbed


# A bucket that is done takes a while, so that every worker gets some.
DAWDLE = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$;
CREATE TRIGGER dawdling BEFORE UPDATE ON run_bucket FOR EACH ROW WHEN (NEW.state = 'done')
    EXECUTE FUNCTION dawdle()
"""
SHARES = "SELECT count(DISTINCT split_part(worker, '/', 2)), count(*), sum(attempts) FROM run_bucket"


@pytest.mark.slow
def test_three_workers_on_one_run(environment, made, undisturbed):
    """Each bucket is taken once, by whoever is free; the end is that of one worker, row for row."""
    with running(Country(environment, SIMCHECK_BUCKETS="12", SIMCHECK_LEASE_SECONDS="60")) as country:
        country.ask(DAWDLE)
        country.found(made)
        for what in ("serve", "worker-1", "worker-2", "worker-3"):
            country.start(what)
        soon(
            lambda: country.ask("SELECT count(*) FROM procrastinate_workers") == [(3,)],
            "the workers do not start",
        )
        country.send_all(made)
        [(workers, buckets, attempts)] = country.ask(SHARES)
        assert (buckets, attempts) == (24, 24)
        assert workers > 1
        assert country.ends() == undisturbed


@pytest.mark.slow
def test_the_queues_rows_are_lost_again_and_again(environment, made, undisturbed):
    """While jobs wait and while they are done; what is due stands in tables."""
    lost = 0

    def lose() -> None:
        nonlocal lost
        lost += country.ask("SELECT count(*) FROM procrastinate_jobs")[0][0]
        country.ask("TRUNCATE procrastinate_jobs CASCADE")

    with running(Country(environment)) as country:
        country.found(made)
        for what in ("serve", "worker"):
            country.start(what)
        country.send_all(made, lose)
        assert lost > 20
        assert all(process.poll() is None for process in country.running.values())
        assert country.ends() == undisturbed
