"""Lets every test file say `from tests.building import ...`, however pytest was started.

No property test has a deadline: the first to call a kernel waits for its compilation.
"""

import gc
import logging
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import httpx._transports.default as transports
import pytest
from hypothesis import settings as hypothesis_settings

MEMORY, ROOM = "/dev/shm", 6 << 30  # bytes that databases and homes of a run never take
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

# Every client of a test would read all authorities anew, which takes longer than most of what it asks.
transports.create_ssl_context = cache(transports.create_ssl_context)

hypothesis_settings.register_profile("kernels", deadline=None)
hypothesis_settings.load_profile("kernels")

from tests.browsing import chromium  # noqa: E402
from tests.identities import identities  # noqa: E402
from tests.serving import (  # noqa: E402
    RUN_FOLDER,
    anyio_backend,
    app,
    database_url,
    environment,
    home,
    http,
    keyring,
    mobifone,
    owner,
    postgres,
    run_folder,
    served,
    service,
    settings,
    token_of,
    viettel,
)

__all__ = [
    "anyio_backend", "app", "chromium", "database_url", "environment", "home", "http", "identities",
    "keyring", "mobifone", "owner", "postgres", "run_folder", "served", "service", "settings", "token_of",
    "viettel",
]  # fmt: skip


@pytest.fixture(autouse=True)
def log_as_it_was():
    """A test that sets the log up takes its handler away again: it writes to that test's standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


def pytest_collection_modifyitems(items):
    """Stories first: they are long, and what is long and last is waited for by one process alone."""
    items.sort(key=lambda item: "stories" not in item.path.parts)


def pytest_collection_finish():
    """What all tests stand on stays: the collector need not look through it after each."""
    gc.collect()
    gc.freeze()


def pytest_configure(config):
    """The first process of a run makes the run's folder; those of xdist inherit its name."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="simcheck-tests-", dir=_in_memory())


def _in_memory() -> str | None:
    """Where a folder lies in memory: there a new database costs half. None where there is no room."""
    room = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
    return MEMORY if room > ROOM else None


def pytest_unconfigure(config):
    """And removes it, when the others have left."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[RUN_FOLDER], ignore_errors=True)
