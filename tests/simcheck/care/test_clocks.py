"""When legal clocks run out: working days, holidays, midnight in Viet Nam, leap days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from simcheck.care import clocks
from simcheck.care.models import RequestKind
from simcheck.enforcement.calendar import WEEKDAYS, Calendar


def local(*at: int) -> datetime:
    return datetime(*at, tzinfo=clocks.LOCAL)


@pytest.mark.parametrize(
    ("begun", "name", "over"),
    [
        (local(2026, 11, 27, 10), "acknowledge", local(2026, 12, 2)),  # Friday: Monday and Tuesday
        (local(2026, 11, 28, 23, 59), "acknowledge", local(2026, 12, 2)),
        (local(2026, 11, 25, 0, 0), "acknowledge", local(2026, 11, 28)),
        (datetime(2026, 11, 25, 17, 0, tzinfo=UTC), "acknowledge", local(2026, 12, 1)),  # midnight: Thursday
        (local(2026, 12, 31, 9), "acknowledge", local(2027, 1, 6)),  # New Year's Day is Friday
        (local(2028, 2, 20, 9), "copy", local(2028, 3, 2)),  # over the 29th
        (local(2026, 11, 27, 9), "erase", local(2026, 12, 18)),
        (local(2026, 11, 27, 9), "breach", local(2026, 11, 30, 9)),
    ],
)
def test_a_clock_is_over(begun, name, over):
    worked = Calendar(WEEKDAYS[:5], frozenset({date(2027, 1, 1)}), (2027,))
    assert clocks.load()[name].over(begun, worked) == over


def test_every_kind_of_request_has_a_clock_with_its_source():
    for name in (*RequestKind, "acknowledge", "extension", "breach"):
        assert re.search(r"Decree 356/2025|Law 91/2025", clocks.load()[name].source), name


@pytest.mark.parametrize(
    ("line", "other"),
    [("amount = 2", "amount = 0"), ('unit = "days"', 'unit = "moons"'), ('source = "x"', 'source = ""')],
)
def test_a_clock_that_cannot_be_kept_to_is_refused_by_name(line, other):
    text = 'version = "1"\n[erase]\namount = 2\nunit = "days"\nsource = "x"\nconfidence = "M"\n'
    assert clocks.read(text)["erase"].amount == 2
    with pytest.raises(ValueError, match=r"^erase: "):
        clocks.read(text.replace(line, other))
