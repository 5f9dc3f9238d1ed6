from __future__ import annotations

from importlib.resources import files

import pytest

from simcheck.messages.words import Group, Kind
from simcheck.notices import policy

TEXT = files("simcheck.notices").joinpath("policy.toml").read_text("utf-8")


def test_what_is_shipped_keeps_to_the_law():
    """DOMAIN 1.1: at least one notice a day for at least five days; a warning before the deadline."""
    shipped = policy.load()
    for group in Group:
        ladder = shipped.ladder(group)
        assert ladder.daily >= 5
        assert ladder.deadline_days >= 5
        assert ladder.warn_days
        assert ladder.basis
        assert ladder.confidence in "HMLA"
    assert shipped.ladder(Group.ID_OLD).deadline_days == 60
    assert shipped.ladder(Group.NAME).id == "D163_2024"
    assert shipped.most_a_day >= 1
    assert Kind.FIRST in shipped.mates
    assert {2026, 2027} <= set(shipped.years)


@pytest.mark.parametrize(
    ("word", "receives"),
    [
        ("khóa 1 chiều", True), ("locked one way", True), ("", True), ("Khóa hai chiều", False),
        ("SUSPENDED", False), ("Two-way locked", False), ("tạm ngưng 2 chiều", False),
    ],
)  # fmt: skip
def test_a_number_that_is_locked_one_way_still_receives(word, receives):
    assert policy.load().receives(word) is receives


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('from = "08:00"', 'from = "21:00"', "hours end before"),
        ("most_a_day = 2", "most_a_day = 0", "nobody is told"),
        ("deadline_days = 5\n", "deadline_days = 4\n", "D163_2024 cannot be climbed"),
        ("then_every_days = 7\nmost = 12", "then_every_days = 0\nmost = 12", "cannot be climbed"),
        ("2026-01-01,", "2025-01-01,", "under another year"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(old, new, fault):
    assert TEXT.count(old) >= 1
    with pytest.raises(ValueError, match=fault):
        policy.read(TEXT.replace(old, new))
