"""The retention table: every rule has a time or a reason, a source, and a job that exists."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

import jobs.app  # noqa: F401  (registers every task)
from jobs.tasks import TASKS
from simcheck.care import retention
from simcheck.care.kinds import KINDS
from simcheck.config import Settings

TEXT = """
version = "1"
[[kind]]
id = "a"
what = {vi = "A", en = "a"}
since = {vi = "B", en = "b"}
days = 3
by = "care.purge"
source = "Law 91/2025 Art. 3"
confidence = "A"
"""


def test_every_kind_is_removed_by_a_job_that_there_is():
    rules = retention.load().rules
    assert {rule.id for rule in rules if rule.timed} == set(KINDS)
    for rule in rules:
        assert not rule.timed or rule.by in TASKS, rule.id
        assert (KINDS[rule.id].remove is not None) is (rule.by == "care.purge") if rule.timed else True


def test_times_by_years_days_and_settings():
    now = datetime(2028, 2, 29, 12, tzinfo=UTC)
    rules = {each.id: each for each in retention.load().rules}
    assert rules["ended_numbers"].before(Settings(), now) == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert rules["staff_sessions"].before(Settings(), now) == now - timedelta(days=30)
    assert rules["raw_files"].before(Settings(raw_days=2), now) == now - timedelta(days=2)
    with pytest.raises(ValueError, match="audit_chain"):
        rules["audit_chain"].before(Settings(), now)


@pytest.mark.parametrize(
    ("line", "other", "fault"),
    [
        ("days = 3", "", "say one of years"),
        ("days = 3", "days = 3\nyears = 1", "say one of years"),
        ("days = 3", "days = -1", "positive"),
        ("days = 3", 'setting = "no_days"', "no setting no_days"),
        ('confidence = "A"', 'confidence = "?"', "how sure"),
        ('source = "Law 91/2025 Art. 3"', 'source = ""', "the source"),
        ('since = {vi = "B", en = "b"}', 'since = {en = "b"}', "in vi and en"),
        ("", TEXT[TEXT.index("[[kind]]") :], "twice"),
    ],
)
def test_a_table_that_cannot_be_kept_to_is_refused_naming_the_kind(line, other, fault):
    text = TEXT.replace(line, other, 1) if line else TEXT + other
    with pytest.raises(ValueError, match=re.compile(f"^a: .*{fault}")):
        retention.read(text)
    assert retention.read(TEXT).version == "1"
