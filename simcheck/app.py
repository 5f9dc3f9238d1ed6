"""What a server runs: the application with this process's settings. `uvicorn --factory simcheck.app:web`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from simcheck import log
from simcheck.api.app import create_app
from simcheck.config import Settings, settings
from simcheck.desks import doors as desks
from simcheck.public import doors as public
from simcheck.service import Service, opened

# Objects made and not dropped before the youngest are looked through: so few that it takes a millisecond,
# which one page in a dozen waits for.
YOUNG = 2_000
# How often that happens before those that were left are looked through: after several waves of requests at
# once, so that requests on their way do not grow old and have everything looked through on their account.
ROUNDS = 50


def whole_app(
    settings: Settings,
    opening: Callable[[], AbstractAsyncContextManager[Service]],
    ready: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application with all its doors: carriers' interface, holders' pages, the desks."""
    app = create_app(settings, opening, ready)
    public.install(app)
    desks.install(app)
    return app


def web() -> FastAPI:
    """The application, set up from the environment. Raises `SettingsError`."""
    log.setup()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()
    chosen = settings()
    return whole_app(chosen, lambda: opened(chosen), settle)


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    """Stop this server when the process that began it is gone: else it would keep the address for ever."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def settle() -> None:
    """Have the garbage collector pass over what the process holds by now, which is there until its end.

    Looking through all modules and kernels takes a seventh of a second, in which nobody is answered, and
    under load it came every second. What is made from now on is collected as ever.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, ROUNDS, gc.get_threshold()[2])
