"""What a server runs: the application with this process's settings. `uvicorn --factory simcheck.app:web`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from simcheck import log
from simcheck.api.app import create_app
from simcheck.config import Settings, settings
from simcheck.public import doors
from simcheck.service import Service, opened


def whole_app(settings: Settings, opening: Callable[[], AbstractAsyncContextManager[Service]]) -> FastAPI:
    """The application with all its doors: carriers' interface and holders' pages."""
    app = create_app(settings, opening)
    doors.install(app)
    return app


def web() -> FastAPI:
    """The application, set up from the environment. Raises `SettingsError`."""
    log.setup()
    chosen = settings()
    return whole_app(chosen, lambda: opened(chosen))
