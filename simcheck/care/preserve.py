"""Orders by which nothing of a number, or of a person, may be removed: a court's, an inquiry's.

What is ordered about a person holds for every number whose record, or a case of which, names them.
"""

from __future__ import annotations

import uuid

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.care.models import Preservation
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.holders.sessions import id_token_of
from simcheck.normalise import phones
from simcheck.privacy import Keyring

MOST_BASIS = 200


async def place(session: AsyncSession, keyring: Keyring, of: str, basis: str) -> uuid.UUID:
    """Preserve everything of a number (as people write it) or of a person (a 12-digit ID number).

    `basis` is the order's reference, and names nobody. Raises `InvalidError` where one of them cannot be
    read, `ConflictError` where that is preserved already.
    """
    if not basis or len(basis) > MOST_BASIS:
        raise InvalidError(f"basis: name the order by its reference, in at most {MOST_BASIS} characters.")
    number = int(phones.normalise(pa.array([of], pa.string())).national[0])
    msisdn = keyring.token("msisdn", number) if number else None
    person = None if number else id_token_of(keyring, of)
    if msisdn is None and person is None:
        raise InvalidError("of: write a mobile number or a 12-digit ID number.")
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
