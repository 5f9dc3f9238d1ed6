"""The rules of the service, held over its code: guards, commits, jobs, logs, what a check must not load."""

from __future__ import annotations

import ast
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

import jobs.app  # noqa: F401  (registers every task)
from jobs.tasks import TASKS
from simcheck import log
from simcheck.api.app import PUBLIC
from simcheck.api.guard import Guard
from simcheck.app import whole_app
from simcheck.config import Settings
from simcheck.desks.doors import FILES
from simcheck.desks.frame.door import Door as DeskDoor
from simcheck.public.door import Door, PageRoute
from simcheck.public.doors import OPEN
from tests.wiring.test_house import SOURCES, calls, in_code, name_of


@pytest.fixture(scope="module")
def routes() -> list[object]:
    return list(every(whole_app(Settings(), contextlib.nullcontext).routes))


def every(routes) -> Iterator[object]:
    """Routes, and those of the routers among them (FastAPI keeps an included router whole)."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from every(included.routes)


def guards(dependant) -> Iterator[Guard | Door | DeskDoor]:
    for each in dependant.dependencies:
        if isinstance(each.call, Guard | Door | DeskDoor):
            yield each.call
        yield from guards(each)


def test_every_route_has_one_guard_or_is_public(routes):
    open_to_all = set()
    for route in routes:
        found = list(guards(route.dependant)) if isinstance(route, APIRoute) else []
        assert len(found) <= 1, route.path
        if not found:
            open_to_all.add(route.path)
    assert open_to_all == PUBLIC | OPEN | {FILES}


def test_pages_have_doors_and_the_interface_has_guards(routes):
    """A door checks every form; a guard reads no form, and a page knows no token."""
    pages = [route for route in routes if isinstance(route, PageRoute) and route.path not in OPEN]
    assert "/" in {route.path for route in pages}
    for route in pages:
        assert [type(each) for each in guards(route.dependant)] == [Door], route.path
        assert not route.include_in_schema, route.path
        assert route.methods <= {"GET", "POST"}, route.path
    for route in routes:
        if isinstance(route, APIRoute) and route not in pages:
            assert not any(isinstance(each, Door) for each in guards(route.dependant)), route.path


COMMITTING = {"commit", "rollback"}
EDGES = {"simcheck.db.engine", "simcheck.migrations", "simcheck.migrations.env"}


def test_nobody_commits_but_the_edge():
    """A request or a job is one transaction; what it calls takes its session and leaves the end to it."""
    committing = {
        name_of(path) for path in SOURCES for name, _ in calls(path) if name.rpartition(".")[2] in COMMITTING
    }
    assert committing <= EDGES
    assert "simcheck.migrations" in committing  # the search finds what it looks for
    written = {name_of(path) for path in SOURCES if in_code(r"(?<!ON )\b(COMMIT|ROLLBACK)\b", path)}
    assert written <= EDGES


def test_sessions_are_opened_at_the_edge_alone():
    opening = {
        name_of(path)
        for path in SOURCES
        for name, _ in calls(path)
        if name.rpartition(".")[2]
        in {"AsyncSession", "Session", "sessionmaker", "async_sessionmaker", "begin"}
    }
    assert opening <= EDGES


def test_every_job_that_is_enqueued_exists():
    named = {}
    for path in SOURCES:
        for name, call in calls(path):
            if name.rpartition(".")[2] in {"enqueue", "enqueue_many"} and name_of(path) != "simcheck.queue":
                task = call.args[1]
                assert isinstance(task, ast.Constant), f"{name_of(path)}: the job's name is a constant"
                named[task.value] = name_of(path)
    assert set(named) <= set(TASKS), named


def test_jobs_are_named_by_stage_and_verb():
    for name in TASKS:
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", name), name


def test_what_is_logged_is_a_constant():
    """No sentence is put together for the log: personal data would get in by that way."""
    logging = 0
    for path in SOURCES:
        for name, call in calls(path):
            if re.fullmatch(r"log\.logger\(\)\.(debug|info|warning|error|exception)", name):
                logging += 1
                assert isinstance(call.args[0], ast.Constant), f"{name_of(path)}:{call.lineno}"
                assert len(call.args) == 1, f"{name_of(path)}:{call.lineno}"
                fields = {each.arg for each in call.keywords} - {"exc_info"}
                assert fields <= log.FIELDS.keys(), f"{name_of(path)}:{call.lineno}: it would be left out"
    assert logging > 5


HEAVY = ("sqlalchemy", "fastapi", "starlette", "procrastinate", "psycopg", "alembic", "pydantic_settings",
         "uvicorn", "structlog", "joserfc", "argon2", "cryptography", "prometheus_client")  # fmt: skip


def loaded(code: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in said.stdout.splitlines()[-1].split()}


def test_a_check_loads_nothing_of_the_service():
    started = loaded(
        "import sys, simcheck.cli as cli; sys.argv = ['simcheck', 'check', '--help']\n"
        "try: cli.main()\nexcept SystemExit: pass\npass"
    )
    assert started & set(HEAVY) == set()
    assert set(HEAVY) <= loaded(
        "import simcheck.commands.processes, simcheck.app"
    )  # the search finds what it looks for
