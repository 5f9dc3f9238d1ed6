"""What leads to the rooms: entries of the menu, for whom the permissions are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simcheck.access.roles import Side
from simcheck.access.staff_sessions import Person

ROOTS = {Side.MINISTRY: "/desk", Side.CARRIER: "/portal"}


@dataclass(frozen=True)
class Entry:
    """A way into a room: `path`, and the words of `room` (`ROOM.menu`, and `ROOM.about` on the start page).

    `permission` is what the page asks for.
    """

    path: str
    room: str
    permission: str

    def is_of(self, side: Side) -> bool:
        """Whether the page is one of this side."""
        return side_of(self.path) is side


def side_of(path: str) -> Side | None:
    """For whom a page is, by its address; None where it is neither the ministry's nor carriers'."""
    for side, root in ROOTS.items():
        if path == root or path.startswith(f"{root}/"):
            return side
    return None


def entries_for(person: Person, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that somebody may follow."""
    return [each for each in entries if each.is_of(person.side) and each.permission in person.permissions]
