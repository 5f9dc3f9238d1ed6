from __future__ import annotations

import pytest

from simcheck.access.roles import MAY, Permission, Role, Side, chosen, permissions_of
from simcheck.errors import UsageError

LOOKING = {".see", ".get", ".enter", ".figures", ".account", ".small"}


def test_roles_of_the_two_sides_share_nothing_but_what_names_no_data():
    for role, permissions in MAY.items():
        assert Permission.OWN_ACCOUNT in permissions
        assert (Permission.DESK_ENTER in permissions) is (role.side is Side.MINISTRY)
        assert (Permission.PORTAL_ENTER in permissions) is (role.side is Side.CARRIER)


def test_an_auditor_looks_and_changes_nothing():
    for permission in MAY[Role.AUDITOR]:
        assert any(permission.endswith(each) for each in LOOKING), permission
    assert Permission.CASE_UNMASK not in MAY[Role.AUDITOR]


def test_whoever_gives_rights_decides_no_case_and_small_groups_are_not_everybodys():
    assert not MAY[Role.ADMINISTRATOR] & {
        Permission.CASE_DECIDE,
        Permission.CASE_SEE,
        Permission.BULK_APPROVE,
    }
    assert {role for role in Role if Permission.COUNTRY_SMALL in MAY[role]} == {Role.SUPERVISOR, Role.AUDITOR}
    assert {role for role in Role if Permission.BULK_APPROVE in MAY[role]} == {Role.SUPERVISOR}


def test_two_roles_together():
    both = permissions_of([Role.ANALYST, Role.REVIEWER])
    assert both == MAY[Role.ANALYST] | MAY[Role.REVIEWER]
    assert permissions_of([]) == frozenset()


@pytest.mark.parametrize(
    ("wanted", "carrier", "named"),
    [
        (["reviewer"], "viettel", "reviewer"),
        (["manager"], None, "manager"),
        (["king"], None, "king"),
        ([], None, "role"),
    ],
)
def test_roles_that_cannot_be(wanted, carrier, named):
    with pytest.raises(UsageError, match=named):
        chosen(wanted, carrier)


def test_roles_stand_in_one_order():
    assert chosen(["supervisor", "reviewer", "supervisor"], None) == [Role.REVIEWER, Role.SUPERVISOR]
    assert chosen(["manager"], "viettel") == [Role.MANAGER]
