"""Filters under names: one's own, and those that somebody shares with all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages.alphabets import clean
from simcheck.review import filters
from simcheck.review.filters import Filter
from simcheck.review.models import SavedView
from simcheck.review.queue import Sort

MOST_NAME, MOST_VIEWS = 60, 50
# With every list: put together once.
_LISTED = (
    sa.select(SavedView)
    .where(sa.or_(SavedView.owner == sa.bindparam("who"), SavedView.shared))
    .order_by(SavedView.owner != sa.bindparam("who"), SavedView.name)
)


async def listed(session: AsyncSession, who: str) -> Sequence[SavedView]:
    """The views that a person sees: their own, then those that others share, by name."""
    return (await session.scalars(_LISTED, {"who": who})).all()


async def find(session: AsyncSession, who: str, view_id: uuid.UUID) -> tuple[SavedView, Filter]:
    """A view that the person sees, and its filter. Raises `NotFoundError`."""
    view = await session.get(SavedView, view_id)
    if view is None or (view.owner != who and not view.shared):
        raise NotFoundError("There is no such view.")
    return view, filters.read(view.query)


async def save(
    session: AsyncSession, who: str, name: str, filter_: Filter, sort: Sort, *, shared: bool = False
) -> SavedView:
    """Keep a filter under a name; one's own view of this name is replaced.

    Raises `InvalidError` for a name that is empty or too long, `ConflictError` where somebody else shares a
    view of this name, or a person has `MOST_VIEWS`.
    """
    called = clean(name)
    if not called or len(called) > MOST_NAME:
        raise InvalidError(f"name: 1 to {MOST_NAME} characters.")
    others = sa.exists().where(SavedView.name == called, SavedView.shared, SavedView.owner != who)
    if shared and await session.scalar(sa.select(others)):
        raise ConflictError("Somebody shares a view of this name already. Choose another name.")
    mine = (await session.scalars(sa.select(SavedView).where(SavedView.owner == who).with_for_update())).all()
    view, now = next((each for each in mine if each.name == called), None), clock.now()
    if view is None:
        if len(mine) >= MOST_VIEWS:
            raise ConflictError(f"You have {MOST_VIEWS} views. Remove one first.")
        view = SavedView(id=uuid.uuid4(), owner=who, name=called, made_at=now)
        session.add(view)
    view.query, view.sort, view.shared, view.changed_at = filters.write(filter_), sort.value, shared, now
    await session.flush()
    audit.record(session, "view.saved", f"view/{view.id}", {"query": view.query, "shared": shared})
    return view


async def remove(session: AsyncSession, who: str, view_id: uuid.UUID) -> None:
    """Remove one's own view. Raises `NotFoundError`, also for somebody else's."""
    view = await session.get(SavedView, view_id)
    if view is None or view.owner != who:
        raise NotFoundError("There is no such view of yours.")
    await session.delete(view)
    await session.flush()
    audit.record(session, "view.removed", f"view/{view_id}")
