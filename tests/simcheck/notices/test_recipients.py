from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.messages.words import Channel, Group, Kind
from simcheck.notices.addresses import Place, Reach
from simcheck.notices.recipients import Route, Told, way

PLACE = Place("viettel", bytes(32), uuid.UUID(int=1), 0, 1)
TOLD = Told("notice/x", uuid.UUID(int=2), "CODE", Kind.FIRST, Group.NAME, None, PLACE, "active")
ALL = Reach(912345678, True, 987654321, "an@example.vn", False)


@pytest.mark.parametrize(
    ("reach", "status", "after", "address"),
    [
        (ALL, "active", None, "+84912345678"),
        (ALL, None, None, "+84912345678"),
        (ALL, "limited", None, "+84912345678"),  # locked one way
        (ALL._replace(receives=False), "limited", None, "+84987654321"),
        (ALL, "over", None, "+84987654321"),
        (ALL._replace(contact=0), "over", None, "an@example.vn"),
        (ALL, "active", Route.OWN, "+84987654321"),
        (ALL._replace(contact=0), "active", Route.OWN, "an@example.vn"),
        (ALL, "active", Route.CONTACT, "an@example.vn"),
        (ALL, "active", Route.EMAIL, None),
        (ALL._replace(contact=0, email=None), "active", Route.OWN, None),
    ],
)
def test_the_first_way_there_is(reach, status, after, address):
    found = way(replace(TOLD, status=status), reach, after)
    assert (found.address if found else None) == address


@given(st.builds(Reach, st.just(912345678), st.booleans(), st.sampled_from([0, 987654321]),
                 st.sampled_from([None, "a@b.vn"]), st.booleans()))  # fmt: skip
def test_each_way_is_tried_once(reach):
    tried: list[Route] = []
    while found := way(TOLD, reach, tried[-1] if tried else None):
        tried.append(found.route)
        assert (found.channel is Channel.EMAIL) == ("@" in found.address)
    assert tried == sorted(set(tried), key=list(Route).index)
    assert len(tried) == reach.receives + bool(reach.contact) + bool(reach.email)


def test_a_mate_is_told_of_the_case_by_its_own_record():
    place = PLACE._replace(row=2)
    mate = TOLD.for_mate(place, "limited", "mate/x")
    assert (mate.case_id, mate.code, mate.mate, mate.place, mate.status) == (
        TOLD.case_id, "CODE", True, place, "limited",
    )  # fmt: skip
