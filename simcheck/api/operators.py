"""What operators ask: is it alive, can it work, how fresh is everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from simcheck import clock, migrations
from simcheck.api.bodies import Strict
from simcheck.api.guard import service_of
from simcheck.crosscheck import failing
from simcheck.errors import UnavailableError
from simcheck.reports import invariants
from simcheck.service import STEP

router = APIRouter(tags=["operators"])

# One row for each thing whose age matters: what it is, whose, since when.
FRESHNESS = sa.text("""
SELECT 'register' AS thing, '' AS carrier, max(coalesce(as_of, imported_at)) AS since
    FROM register_snapshot WHERE state = 'current'
UNION ALL
SELECT 'carrier', carrier.code, max(batch.done_at)
    FROM carrier LEFT JOIN batch ON batch.carrier = carrier.code AND batch.state = 'done'
    GROUP BY carrier.code
UNION ALL
SELECT 'case', '', min(opened_at) FROM "case" WHERE closed_at IS NULL
UNION ALL
SELECT 'job', '', min(coalesce(job.scheduled_at, event.at))
    FROM procrastinate_jobs AS job JOIN procrastinate_events AS event ON event.job_id = job.id
    WHERE job.status = 'todo' AND event.type = 'deferred' AND coalesce(job.scheduled_at, event.at) <= now()
UNION ALL
SELECT 'message', '', min(due_at) FROM message WHERE state = 'due' AND due_at <= now()
""")
GAUGES = {
    "register": ("simcheck_register_age_seconds", "Age of the current register snapshot."),
    "carrier": ("simcheck_carrier_data_age_seconds", "Age of a carrier's newest checked batch."),
    "case": ("simcheck_oldest_open_case_seconds", "Age of the oldest open case; 0 without one."),
    "job": ("simcheck_oldest_due_job_seconds", "Age of the oldest job that is due; 0 without one."),
    "message": ("simcheck_oldest_due_message_seconds", "How long a message has been due; 0 without one."),
}
_NONE_IS_NAN = {"register", "carrier"}  # where nothing at all is worse than old


class Health(Strict):
    """That it is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def healthz() -> Health:
    """The process is alive."""
    return Health()


@router.get("/readyz", responses={503: {"description": "Not ready: send it nothing."}})
async def readyz(request: Request) -> Health:
    """The process can work: the database answers and has the schema that this version knows."""
    async with service_of(request).database.transaction("readyz") as session:
        step = await session.scalar(STEP)
    if step != migrations.newest():
        raise UnavailableError("The database has another schema than this version knows.")
    return Health()


def registry_of(request: Request) -> CollectorRegistry:
    """Where this process counts."""
    registry: CollectorRegistry = request.app.state.registry
    return registry


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, registry: Annotated[CollectorRegistry, Depends(registry_of)]) -> Response:
    """Counters of this process and ages out of the tables, as Prometheus reads them."""
    async with service_of(request).database.transaction("metrics", ministry=True) as session:
        rows = (await session.execute(FRESHNESS)).all()
        given_up = await failing.by_carrier(session)
        checks = await invariants.newest(session)
    ages = CollectorRegistry()
    failed = Gauge(
        "simcheck_failed_runs", "Runs given up, with none published since.", ["carrier"], registry=ages
    )
    for carrier, count in given_up.items():
        failed.labels(carrier).set(count)
    now = clock.now()
    _add_checks(ages, checks, now)
    gauges = {
        thing: Gauge(name, text, ["carrier"] if thing == "carrier" else [], registry=ages)
        for thing, (name, text) in GAUGES.items()
    }
    for thing, carrier, since in rows:
        nothing = float("nan") if thing in _NONE_IS_NAN else 0.0
        gauge = gauges[thing].labels(carrier) if carrier else gauges[thing]
        gauge.set((now - since).total_seconds() if since else nothing)
    return Response(generate_latest(registry) + generate_latest(ages), media_type=CONTENT_TYPE_LATEST)


def _add_checks(registry: CollectorRegistry, checks: Sequence[invariants.Checked], now: datetime) -> None:
    """How many lines of each equality do not add up, and how old the oldest of the newest checks is."""
    off = Gauge(
        "simcheck_invariant_lines_off", "Lines that do not add up, as checked last.", ["invariant"],
        registry=registry,
    )  # fmt: skip
    for each in checks:
        off.labels(each.name).set(each.off)
    age = Gauge("simcheck_invariants_age_seconds", "Age of the check that things add up.", registry=registry)
    oldest = min((each.checked_at for each in checks), default=None)
    age.set((now - oldest).total_seconds() if oldest else float("nan"))
