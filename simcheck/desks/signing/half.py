"""What the browser keeps between the steps of a sign-in: sealed, for ten minutes, bound to its id.

A half sign-in opens no page but the next step's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import staff_sessions
from simcheck.access.models import Account
from simcheck.access.sign_in import Passed
from simcheck.access.staff_sessions import Started
from simcheck.desks.frame.door import Visit, inside
from simcheck.web import client

_HALF, _SECRET, _SECONDS = "desk_half", "desk_secret", 600


@dataclass(frozen=True)
class Half:
    """Whose password was right, and where they want to be led in the end."""

    passed: Passed
    next: str | None


def keep(visit: Visit, half: Half) -> None:
    """Keep it for the next step."""
    passed = half.passed
    kept = {
        "username": passed.username,
        "since": passed.since.isoformat(),
        "enrolled": passed.enrolled,
        "next": half.next,
    }
    visit.jar.seal(_HALF, kept, _SECONDS, bound_to=visit.jar.visit)
    visit.jar.drop(_SECRET)


def of(visit: Visit, *, enrolled: bool) -> Half | None:
    """What was kept, for this kind of second step."""
    kept = visit.jar.unseal(_HALF, bound_to=visit.jar.visit)
    if kept is None or kept["enrolled"] is not enrolled:
        return None
    return Half(Passed(kept["username"], datetime.fromisoformat(kept["since"]), enrolled), kept["next"])


def keep_secret(visit: Visit, secret: str) -> None:
    """Keep the secret that is to be enrolled: the page may be loaded again."""
    visit.jar.seal(_SECRET, {"secret": secret}, _SECONDS, bound_to=visit.jar.visit)


def secret_of(visit: Visit) -> str | None:
    """The secret that is to be enrolled."""
    kept = visit.jar.unseal(_SECRET, bound_to=visit.jar.visit)
    return str(kept["secret"]) if kept else None


async def begun(session: AsyncSession, visit: Visit, account: Account) -> Started:
    """A session of whoever has proved who they are."""
    return await staff_sessions.start(session, visit.service, account, client.agent(visit.request))


async def over(visit: Visit, started: Started) -> Visit:
    """The sign-in is whole: a session takes the place of what was kept."""
    visit.jar.drop(_HALF)
    visit.jar.drop(_SECRET)
    return await visit.welcome(started)


def onward(visit: Visit, wanted: str | None) -> str:
    """Where somebody is led who has signed in: the page that they asked for, or their start page."""
    found = inside(wanted or "")
    mine = found and (found.partition("?")[0] + "/").startswith(visit.root + "/")
    return found if found and mine else visit.root
