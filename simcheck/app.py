"""What a server runs: the application with this process's settings. `uvicorn --factory simcheck.app:web`."""

from __future__ import annotations

from fastapi import FastAPI

from simcheck import log
from simcheck.api.app import create_app
from simcheck.config import settings
from simcheck.service import opened


def web() -> FastAPI:
    """The application, set up from the environment. Raises `SettingsError`."""
    log.setup()
    chosen = settings()
    return create_app(chosen, lambda: opened(chosen))
