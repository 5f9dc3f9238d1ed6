"""What the desks stand on goes away and comes back: PostgreSQL for ten seconds, the worker for good.

Whoever sits there is told in words, nothing that was taken in is lost, and nobody does anything to mend it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simcheck import migrations
from simcheck.access.roles import Role
from simcheck.db.embedded import Embedded
from simcheck.desks.frame.pages import WORDS
from simcheck.messages.words import Language
from tests.desking import COOKIE, token
from tests.living import Country, answers, running, soon
from tests.reviewing import one_case

AWAY = 10.0  # seconds
UNDO = 3.0  # seconds of a decision, which are over while the database is away
INNER = ("Traceback", "psycopg", "sqlalchemy", "socket", "postgres")


class Desk:
    """A reviewer's browser."""

    def __init__(self, url: str, session: str) -> None:
        self.http = httpx.Client(base_url=url, cookies={COOKIE: session}, timeout=30)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """A form of a page that was loaded before."""
        return self.http.post(path, data={"form_token": self.form_token, **fields})

    def open(self) -> None:
        """Load a page that has a form."""
        page = self.http.get("/desk/account")
        found = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert found, page.text
        self.form_token = found[1]


@pytest.fixture
def desk(home, keyring, environment) -> Iterator[tuple[Embedded, Country, Desk, Any]]:
    """The server, its processes, and a reviewer who has two cases in hand."""
    import psycopg

    with Embedded(home, {"fsync": "off", "max_connections": "60"}) as embedded:
        migrations.upgrade(embedded.url())
        own = environment | {"SIMCHECK_DATABASE_URL": embedded.url()}
        with running(Country(own, SIMCHECK_UNDO_SECONDS=str(UNDO))) as country:
            for what in ("serve", "worker"):
                country.start(what)
            soon(answers(country, "/readyz", 200), "the server does not start")
            with psycopg.connect(embedded.url(), autocommit=True) as owner:
                cases = [one_case(owner) for _ in range(2)]
            made = Desk(country.url, asyncio.run(_session(own)))
            made.open()
            for case in cases:
                assert made.send(f"/desk/cases/{case}/claim").status_code == 303
            yield embedded, country, made, cases


async def _session(environment: dict[str, str]) -> str:
    from pathlib import Path

    from simcheck.config import Settings
    from simcheck.service import opened

    settings = Settings(
        home=Path(environment["SIMCHECK_HOME"]), database_url=environment["SIMCHECK_DATABASE_URL"]
    )
    async with opened(settings) as service:
        return await token(service, Role.REVIEWER)


def decide(desk: Desk, case: Any) -> httpx.Response:
    return desk.send(
        f"/desk/cases/{case}/decide", decision="close", reason="duplicate", version="1", queue="open=yes"
    )


def states(country: Country) -> dict[str, int]:
    return dict(country.ask("SELECT state, count(*) FROM desk_decision GROUP BY 1"))


def in_words(answer: httpx.Response) -> None:
    """A page that says what is wrong, with nothing of our insides, that the browser may load again."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert WORDS[Language.VI]("trouble.unavailable.title") in answer.text
    assert not any(word in answer.text for word in INNER)


@pytest.mark.slow
def test_the_database_is_away_for_ten_seconds(desk):
    embedded, country, reviewer, [first, second] = desk
    assert decide(reviewer, first).status_code == 303
    assert states(country) == {"pending": 1}
    embedded._run("pg_ctl", "stop", "-D", embedded.data, "-m", "immediate", "-w")
    gone = time.monotonic()
    while time.monotonic() - gone < AWAY:
        in_words(reviewer.http.get("/desk"))
        in_words(reviewer.http.get(f"/desk/cases/{second}"))
        in_words(decide(reviewer, second))
        in_words(reviewer.http.get("/desk/nowhere"))
        assert reviewer.http.get("/healthz").status_code == 200
        time.sleep(1)
    embedded._start()
    soon(lambda: reviewer.http.get("/desk").status_code == 200, "the desks do not come back")
    assert country.ask("SELECT count(*) FROM desk_decision") == [(1,)]  # none was made halfway
    soon(lambda: states(country) == {"bound": 1}, "what was decided before does not bind")
    assert decide(reviewer, second).status_code == 303
    soon(lambda: states(country) == {"bound": 2}, "what was decided after does not bind")
    assert all(process.poll() is None for process in country.running.values())


@pytest.mark.slow
def test_a_worker_is_gone_and_another_one_lets_the_decision_bind(desk):
    _, country, reviewer, [first, second] = desk
    country.running["worker"].kill()
    country.running.pop("worker").wait()
    assert decide(reviewer, first).status_code == 303
    assert decide(reviewer, second).status_code == 303
    undo = country.ask("SELECT id FROM desk_decision WHERE case_id = %s", [second])[0][0]
    assert reviewer.send(f"/desk/decisions/{undo}/undo").status_code == 303
    time.sleep(UNDO + 0.5)
    assert states(country) == {"pending": 1, "undone": 1}
    [(state,)] = country.ask('SELECT state FROM "case" WHERE id = %s', [first])
    assert state == "with_staff"
    assert reviewer.send(f"/desk/decisions/{decision_of(country, first)}/undo").status_code == 409
    country.start("worker")
    soon(lambda: states(country) == {"bound": 1, "undone": 1}, "nobody lets the decision bind")
    [(state,)] = country.ask('SELECT state FROM "case" WHERE id = %s', [first])
    assert state == "closed"


def decision_of(country: Country, case: Any) -> Any:
    return country.ask("SELECT id FROM desk_decision WHERE case_id = %s", [case])[0][0]
