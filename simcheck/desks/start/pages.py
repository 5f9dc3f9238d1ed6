"""The ministry's start page and carriers'."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk")
async def desk(visit: Annotated[Visit, needs(Permission.DESK_ENTER)]) -> Response:
    """Where the ministry's staff arrive."""
    return visit.page("start/start")


@router.get("/portal")
async def portal(visit: Annotated[Visit, needs(Permission.PORTAL_ENTER)]) -> Response:
    """Where carriers' people arrive."""
    return visit.page("start/start")
