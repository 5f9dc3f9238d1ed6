"""What a carrier may see of its runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts
from simcheck.crosscheck import runs

router = APIRouter(tags=["runs"])


class RunSeen(Strict):
    """How far a run is, and at its end how many rows have each verdict and each reason."""

    id: UUID
    kind: str
    state: str
    batch_id: UUID
    buckets: int
    buckets_done: int
    rows: int | None
    verdicts: dict[str, int]
    reasons: dict[str, int]
    rules: str | None
    made_at: datetime
    published_at: datetime | None


@router.get("/v1/runs/{run}", responses={404: {"description": "No such run of this carrier."}})
async def run(run: UUID, acting: Annotated[Acting, acts("batches:read")]) -> RunSeen:
    """A run of one of the carrier's batches: when it came in, or against a newer register."""
    found, done = await runs.seen(acting.session, run)
    return RunSeen(
        id=found.id, kind=found.kind, state=found.state, batch_id=found.batch_id, buckets=found.buckets,
        buckets_done=done, rows=found.rows, verdicts=found.counts.get("verdicts", {}),
        reasons=found.counts.get("reasons", {}), rules=found.rules, made_at=found.made_at,
        published_at=found.published_at,
    )  # fmt: skip
