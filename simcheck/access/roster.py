"""Finding people's accounts in a long list: by user name, side, role and state, page by page."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import people
from simcheck.access.models import Account
from simcheck.access.people import Listed
from simcheck.access.roles import Role, Side
from simcheck.privacy import Keyring

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """Which accounts: `part` stands in the user name, `disabled` None means both."""

    part: str = ""
    side: Side | None = None
    carrier: str | None = None
    role: Role | None = None
    disabled: bool | None = None


@dataclass(frozen=True)
class Page:
    """Accounts by user name, and the user name after which more follow (None: no more do)."""

    rows: list[Listed]
    after: str | None


async def find(session: AsyncSession, keyring: Keyring, wanted: Wanted, after: str | None = None) -> Page:
    """A page of accounts that this session may see."""
    query = sa.select(Account).order_by(Account.username).limit(PAGE + 1)
    if wanted.part:
        query = query.where(Account.username.contains(wanted.part.lower(), autoescape=True))
    if wanted.side is not None:
        theirs = Account.carrier.is_not(None) if wanted.side is Side.CARRIER else Account.carrier.is_(None)
        query = query.where(theirs)
    if wanted.carrier is not None:
        query = query.where(Account.carrier == wanted.carrier)
    if wanted.role is not None:
        query = query.where(Account.roles.contains([wanted.role.value]))
    if wanted.disabled is not None:
        is_shut = Account.disabled_at.is_not(None) if wanted.disabled else Account.disabled_at.is_(None)
        query = query.where(is_shut)
    if after is not None:
        query = query.where(Account.username > after)
    rows = [people.shown(keyring, each) for each in await session.scalars(query)]
    return Page(rows[:PAGE], rows[PAGE - 1].username if len(rows) > PAGE else None)
