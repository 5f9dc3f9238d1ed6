from __future__ import annotations

import pytest

from simcheck.access.roles import Permission, Role, Side
from simcheck.access.staff_sessions import Person
from simcheck.desks.frame.menu import Entry, entries_for, side_of


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("/desk", Side.MINISTRY), ("/desk/queue", Side.MINISTRY), ("/portal", Side.CARRIER),
        ("/portal/account", Side.CARRIER), ("/desks", None), ("/portals/x", None),
        ("/", None), ("/v1/desk", None),
    ],
)  # fmt: skip
def test_for_whom_an_address_is(path, side):
    assert side_of(path) is side


def test_what_somebody_may_follow():
    entries = [
        Entry("/desk/queue", "queue", Permission.QUEUE_SEE),
        Entry("/desk/questions", "questions", Permission.QUESTION_SEE),
        Entry("/portal/questions", "questions", Permission.QUESTION_SEE),
    ]

    def paths(carrier, *roles):
        person = Person(None, "an", "An", roles, carrier, "local")
        return [each.path for each in entries_for(person, entries)]

    assert paths(None, Role.REVIEWER) == ["/desk/queue", "/desk/questions"]
    assert paths(None, Role.ANALYST) == []
    assert paths("viettel", Role.MANAGER) == ["/portal/questions"]
