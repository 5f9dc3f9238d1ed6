from __future__ import annotations

import uuid

import pytest

from simcheck.desks.country.reader import Reader, is_pattern
from simcheck.reports.drill import Drill
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import Of

ALL, SOME = Reader(0, True, True), Reader(10, False, False)
ROWS = Drill(Of.SUBSCRIPTION)


@pytest.mark.parametrize(("count", "seen"), [(None, False), (0, True), (1, False), (9, False), (10, True)])
def test_small_groups_are_seen_by_some(count, seen):
    assert SOME.sees(count) is seen
    assert SOME.cell(Figure(count, ROWS)) == (count if seen else None)
    assert ALL.sees(count) is (count is not None)


def test_a_figure_leads_to_its_list_where_there_is_one():
    assert ALL.href(Figure(3, ROWS)) == "/desk/country/list?of=subscription"
    assert ALL.href(Figure(0, ROWS)) is None
    assert ALL.href(Figure(3, None)) is None
    assert SOME.href(Figure(3, ROWS)) is None
    assert SOME.href(Figure(30, ROWS)) is None  # nor any list in which what is hidden can be counted


def test_patterns_are_for_those_who_may_see_them():
    for drill in (Drill(Of.SUBSCRIPTION, person=uuid.uuid4()), Drill(Of.SUBSCRIPTION, sold_at="x")):
        assert is_pattern(drill)
        assert SOME.href(Figure(30, drill)) is None
        assert ALL.href(Figure(30, drill)) is not None
    assert not is_pattern(ROWS)


def test_of_patterns_the_shown_ones_have_lists():
    some = Reader(10, True, False)
    place = Drill(Of.SUBSCRIPTION, carrier="viettel", sold_at="x")
    assert some.href(Figure(30, place)) is not None
    assert some.href(Figure(30, ROWS)) is None


def test_columns_that_are_kept_from_a_reader():
    assert ALL.without() == frozenset()
    assert {"msisdn_token", "verdict", "reasons"} <= SOME.without()
    assert "carrier" not in SOME.without()
