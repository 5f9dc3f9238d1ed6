"""Orders by which nothing of a number, or of a person, may be removed: a court's, an inquiry's.

What is ordered about a person holds for every number whose record, or a case of which, names them, and for
what is found by the person alone; they may have no record at all. Where a carrier changes a preserved record,
or declares it no more, the run that publishes it keeps the row as it was (`preserved_record`), and a job
copies its declared cells out of the lake before they leave it.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.care.models import Preservation, PreservedRecord
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SealError
from simcheck.gate.declared import declared_record
from simcheck.holders import typed
from simcheck.privacy import Keyring
from simcheck.service import Service

MOST_BASIS = 200
MOST_COPIED = 500  # records of one sweep
# Records of which the cells are in the lake alone; one job copies them.
WAITING = (
    sa.select(PreservedRecord)
    .where(PreservedRecord.cells.is_(None))
    .order_by(PreservedRecord.id)
    .limit(MOST_COPIED)
    .with_for_update(skip_locked=True)
)


@dataclass(frozen=True)
class Kept:
    """A record as it was until `at`: its row of the ledger, and its declared cells (None: the lake had lost
    them).
    """

    carrier: str
    at: datetime
    row: dict[str, Any] = field(repr=False)
    cells: dict[str, str | None] | None = field(repr=False)


async def place(session: AsyncSession, keyring: Keyring, of: str, basis: str) -> uuid.UUID:
    """Preserve everything of a number (as people write it) or of a person (a 12-digit ID number).

    `basis` is the order's reference, and names nobody. Raises `InvalidError` where one of them cannot be
    read, `ConflictError` where that is preserved already.
    """
    if not basis or len(basis) > MOST_BASIS:
        raise InvalidError(f"basis: name the order by its reference, in at most {MOST_BASIS} characters.")
    found = typed.read(keyring, of)
    msisdn, person = found.msisdn_token, found.id_token
    column = Preservation.msisdn_token if msisdn else Preservation.id_token
    known = sa.select(Preservation.id).where(column == (msisdn or person), Preservation.lifted_at.is_(None))
    if await session.scalar(known) is not None:
        raise ConflictError("This is preserved already. Lift the order that stands first.")
    made = Preservation(
        id=uuid.uuid4(), msisdn_token=msisdn, id_token=person, basis=basis, placed_by=actor_of(session),
        placed_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    await session.flush()
    what = "number" if msisdn else "person"
    audit.record(session, "preservation.placed", f"preservation/{made.id}", {"of": what, "basis": basis})
    return made.id


async def lift(session: AsyncSession, order: uuid.UUID) -> None:
    """End an order. Raises `NotFoundError`, `ConflictError` where it was lifted already."""
    found = await session.get(Preservation, order, with_for_update=True)
    if found is None:
        raise NotFoundError("There is no such order.")
    if found.lifted_at is not None:
        raise ConflictError("The order was lifted already.")
    found.lifted_at, found.lifted_by = clock.now(), actor_of(session)
    audit.record(session, "preservation.lifted", f"preservation/{order}")


async def standing(session: AsyncSession, most: int = 200) -> list[Preservation]:
    """The orders that stand, the newest first. They show nobody: a token is not shown."""
    query = sa.select(Preservation).where(Preservation.lifted_at.is_(None))
    return list(await session.scalars(query.order_by(Preservation.placed_at.desc()).limit(most)))


async def copy_cells(session: AsyncSession, service: Service) -> int:
    """Copy declared cells of kept records out of the lake, sealed; of how many. The session needs the
    ministry's scope.
    """
    waiting = list(await session.scalars(WAITING))
    for each in waiting:
        place = (service, each.carrier, each.batch_id, each.bucket, each.row)
        try:
            cells = await asyncio.to_thread(declared_record, *place)
        except SealError:  # the lake has lost the row: what the ledger said of it is kept all the same
            cells = None
        each.cells = service.keyring.seal(json.dumps(cells).encode(), _bound_to(each.id))
    return len(waiting)


async def kept(session: AsyncSession, keyring: Keyring, order: uuid.UUID) -> list[Kept]:
    """Records that an order kept, the oldest first. The look is audited. Raises `NotFoundError` where there
    is no such order, `SealError`.
    """
    if await session.get(Preservation, order) is None:
        raise NotFoundError("There is no such order.")
    query = sa.select(PreservedRecord).where(
        PreservedRecord.preservation_id == order, PreservedRecord.cells.is_not(None)
    )
    rows = list(await session.scalars(query.order_by(PreservedRecord.id)))
    audit.record(session, "preservation.read", f"preservation/{order}", {"records": len(rows)})
    return [
        Kept(
            each.carrier, each.kept_at, each.record,
            json.loads(keyring.open(each.cells or b"", _bound_to(each.id))),
        )
        for each in rows
    ]  # fmt: skip


def _bound_to(record: int) -> str:
    return f"preserved_record/cells/{record}"
