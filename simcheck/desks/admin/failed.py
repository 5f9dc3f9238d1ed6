"""Work that failed: cross-checks that were given up, and jobs; what to do about each."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import audit, queue
from simcheck.access.roles import Permission
from simcheck.crosscheck import failing
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import NotFoundError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Keeper = Annotated[Visit, needs(Permission.JOB_MANAGE)]
FAILED = "/desk/failed"


@router.get(FAILED)
async def listed(visit: Keeper) -> Response:
    """Runs that were given up and not made up for since; jobs that failed in the last days."""
    async with visit.acting() as session:
        runs, jobs = await failing.listed(session), await queue.failed(session)
    return visit.page("admin/failed", runs=runs, jobs=jobs)


@router.post(FAILED + "/runs/{run}/retry")
async def retry_run(visit: Keeper, run: uuid.UUID) -> Response:
    """Have a run's work done again, by a new run."""
    async with visit.acting() as session:
        await failing.try_again(session, run)
    visit.note("admin.failed.run_again")
    return visit.go(FAILED)


@router.post(FAILED + "/jobs/{job}/retry")
async def retry_job(visit: Keeper, job: int) -> Response:
    """Have a job done again."""
    async with visit.acting() as session:
        task = await queue.again(session, job) if 0 < job < 1 << 63 else None
        if task is None:
            raise NotFoundError("There is no such job that failed, or it is done again already.")
        audit.record(session, "job.tried_again", f"job/{task}")
    visit.note("admin.failed.job_again", task=task)
    return visit.go(FAILED)
