"""The web application: its routes, and what stands around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

import simcheck
from simcheck.access import tokens
from simcheck.api import (
    appeals,
    batches,
    cases,
    corrections,
    events,
    feedback,
    kyc_match,
    operators,
    orders,
    otp,
    problems,
    questions,
    runs,
    token,
    tus,
    webhooks,
)
from simcheck.api.frame import Frame
from simcheck.api.guard import Doorkeeper
from simcheck.config import Settings
from simcheck.gate.questions import Desk
from simcheck.service import Service

# Paths that anybody may ask without a token. Every other route has a guard; a wiring test sees to it.
PUBLIC = {"/oauth/token", "/healthz", "/readyz", "/metrics", "/openapi.json"}

# In the order in which a path is looked for: first the one route that has to be fast.
ROUTERS = (
    otp.router, token.router, operators.router, events.router, kyc_match.router, batches.router,
    tus.router, runs.router, feedback.router, cases.router, corrections.router,
    questions.router, orders.router, appeals.router, webhooks.router,
)  # fmt: skip


def create_app(
    settings: Settings,
    opening: Callable[[], AbstractAsyncContextManager[Service]],
    ready: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application. `opening` gives what the process holds, from the server's start to its end; `ready` is
    called when all of it is there, before the first request.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as service:
            async with service.database.transaction("start") as session:
                await tokens.ensure_key(session, service.keyring)
            app.state.service, app.state.doorkeeper = service, Doorkeeper(service)
            app.state.desk = Desk(service)
            ready()
            try:
                yield
            finally:
                await app.state.desk.close()

    app = FastAPI(
        title="simcheck",
        version=simcheck.__version__,
        description="Every SIM in the name of the living person whose ID stands behind it.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.registry = CollectorRegistry()
    problems.install(app)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # not included: that would make and match each once more
    app.add_middleware(Frame, settings=settings, registry=app.state.registry)
    return app
