"""All pages of this room, and what leads to them."""

from __future__ import annotations

from simcheck.access.roles import Permission
from simcheck.desks.care import asked, keeping, one, processing
from simcheck.desks.care.asked import LIST
from simcheck.desks.frame.menu import Entry

ROUTERS = (asked.router, one.router, keeping.router, processing.router)
MENU = (Entry(LIST, "care", Permission.CARE_SEE),)
