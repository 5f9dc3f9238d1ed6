"""What holders said that a carrier's records should be, and the register confirmed: fetched, mended,
acknowledged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.holders import owed
from simcheck.holders.owed import Owed
from simcheck.web import places

router = APIRouter(tags=["corrections"])


class Cells(Strict):
    """What the holder said: a 12-digit (or old 9-digit) number, the name, the date as yyyy-mm-dd, yyyy-mm or
    yyyy."""

    id_number: str
    full_name: str
    date_of_birth: str


class CorrectionView(Strict):
    """A correction. `batch` and `row` say which record it corrects (1 = first data row); `corrected` is null
    once it was acknowledged so long ago that it is kept no more.
    """

    id: UUID
    case: UUID
    batch: UUID
    row: int
    settled_at: datetime
    acknowledged_at: datetime | None
    corrected: Cells | None


class CorrectionPage(Strict):
    """Corrections, the first settled first. `next`: what to send as `after` for the ones that follow."""

    corrections: list[CorrectionView]
    next: str | None


class Taken(Strict):
    """Corrections that the carrier has taken over into its records, or works on."""

    corrections: list[Annotated[UUID, Field(strict=False)]] = Field(min_length=1, max_length=1000)


class Acknowledged(Strict):
    """How many of them were not acknowledged before."""

    acknowledged: int


@router.get("/v1/corrections")
async def corrections(
    request: Request,
    acting: Annotated[Acting, acts("corrections")],
    acknowledged: bool = False,
    after: Annotated[str | None, Query(max_length=120)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CorrectionPage:
    """What holders of one's own numbers said, a page at a time: what one has not acknowledged yet.

    The gate's answer turns when one's next file has the record right.
    """
    assert acting.principal.carrier is not None
    found = await owed.page(
        acting.session, service_of(request).keyring, acting.principal.carrier, acknowledged=acknowledged,
        after=places.read(after), limit=limit,
    )  # fmt: skip
    views = [_view(each) for each in found]
    following = places.write(views[-1].settled_at, views[-1].id) if len(found) == limit else None
    return CorrectionPage(corrections=views, next=following)


@router.post("/v1/corrections/acknowledge")
async def acknowledge(taken: Taken, acting: Annotated[Acting, acts("corrections")]) -> Acknowledged:
    """Say that one has these. Until then they are kept, and stand in feedback files too."""
    assert acting.principal.carrier is not None
    count = await owed.acknowledge(acting.session, acting.principal.carrier, taken.corrections)
    return Acknowledged(acknowledged=count)


def _view(each: Owed) -> CorrectionView:
    correction, given = each
    assert correction.settled_at is not None  # it agrees
    cells = None
    if given is not None:
        cells = Cells(
            id_number=given.id_number, full_name=given.full_name, date_of_birth=given.date_of_birth
        )  # fmt: skip
    return CorrectionView(
        id=correction.id, case=correction.case_id, batch=correction.batch_id, row=correction.row,
        settled_at=correction.settled_at, acknowledged_at=correction.acknowledged_at, corrected=cells,
    )  # fmt: skip
