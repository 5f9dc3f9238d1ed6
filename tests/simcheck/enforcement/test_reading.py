from __future__ import annotations

import re
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.cases.states import State
from simcheck.enforcement import policy, reading
from simcheck.enforcement.reading import PolicyRefusedError
from simcheck.enforcement.words import Act, Applies, Trigger, Unit

SHIPPED = policy.shipped()
LINES = SHIPPED.splitlines()


def line_of(wanted: str, nth: int = 0) -> int:
    """The line of the nth place where this text stands, from 1."""
    return [number for number, line in enumerate(LINES, 1) if wanted in line][nth]


def refused(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PolicyRefusedError) as caught:
        reading.read(text)
    assert all(re.match(r"line \d+: ", line) for line in caught.value.lines)
    return list(caught.value.faults)


def test_the_shipped_policy_is_the_law_as_it_is_known():
    found = reading.read(SHIPPED)
    assert (found.version, found.applies, found.due_from) == (policy.SHIPPED, Applies.OPEN, time(8))
    days = {
        each.id: [(step.act, step.after, step.unit) for step in each.steps] for each in found.tracks
    }  # fmt: skip
    one, two, end = Act.ONE_WAY, Act.TWO_WAY, Act.TERMINATE
    later = [(two, 60, Unit.DAYS), (end, 5, Unit.DAYS)]
    assert days == {
        "D49_2017": [(one, 15, Unit.DAYS), (two, 15, Unit.DAYS), (end, 30, Unit.DAYS)],
        "D163_2024": [(one, 5, Unit.DAYS), *later],
        "C08_ART8_DEVICE": [(one, 2, Unit.HOURS), (two, 30, Unit.DAYS), (end, 5, Unit.DAYS)],
        "C08_ART10_OTHER_H2H": [(one, 60, Unit.DAYS), *later],
        "C08_ART10_NOT_MINE": [(one, 5, Unit.DAYS), *later],
        "C08_ART10_CMND9": [(one, 60, Unit.DAYS), *later],
        "C08_ART10_FOREIGN_PASSPORT": [],
        "C08_ART10_EXEMPT": [],
        "STAFF_SUSPENSION": [(one, 5, Unit.DAYS), *later],
    }
    assert found.track_for(Trigger.NOT_COMPLIANT, date(2024, 12, 23)).id == "D49_2017"
    assert found.track_for(Trigger.NOT_COMPLIANT, date(2024, 12, 24)).id == "D163_2024"
    assert found.track_for(Trigger.NOT_COMPLIANT, date(2017, 4, 23)) is None
    assert found.track("D163_2024").runs_in == {State.WITH_HOLDER}
    following = [found.track("D163_2024").after(step) for step in range(4)]
    assert [stage and stage.act.step for stage in following] == [1, 2, 3, None]


AFTER, SINCE = line_of("after = 15"), line_of('since = "start"')
D163 = line_of('id = "D163_2024"')
FAULTS = {
    "zero days": ("after = 15", "after = 0", AFTER, "it has to be from 1"),
    "negative days": ("after = 15", "after = -15", AFTER, "it has to be from 1"),
    "half days": ("after = 15", "after = 1.5", AFTER, "wrong kind"),
    "yes days": ("after = 15", "after = true", AFTER, "wrong kind"),
    "forever": ("after = 15", "after = 99999", AFTER, "to 3660"),
    "an unknown act": ('act = "one_way"', 'act = "half_way"', line_of('act = "one_way"'), "unknown"),
    "an unknown unit": ('unit = "days"', 'unit = "moons"', line_of('unit = "days"'), "unknown"),
    "a cycle": ('since = "start"', 'since = "terminate"', SINCE, "a cycle"),
    "itself": ('since = "start"', 'since = "one_way"', SINCE, "a cycle"),
    "an unknown since": ('since = "start"', 'since = "birth"', SINCE, "unknown"),
    "a step passed over": (
        'since = "one_way"',
        'since = "start"',
        line_of('since = "one_way"'),
        "has to count from",
    ),
    "steps out of order": ('act = "two_way"', 'act = "one_way"', line_of('act = "two_way"'), "in the order"),
    "the first day unsaid": ("counts_first_day = false\n", "", line_of("[[tracks.steps]]"), "is missing"),
    "no proof": (
        "{ notice_days = 5, warned = true }",
        "{ warned = true }",
        line_of("needs ="),
        "without having been",
    ),
    "unknown proof": (
        "{ notice_days = 5,",
        "{ promised = true, notice_days = 5,",
        line_of("needs ="),
        "unknown here",
    ),
    "an unknown trigger": ('["not_compliant"]', '["ugly"]', line_of("triggers ="), "unknown"),
    "a trigger said twice": (
        '["not_compliant"]',
        '["not_compliant", "not_compliant"]',
        line_of("triggers ="),
        "twice",
    ),
    "an unknown state": ('["with_holder"]', '["with_nobody"]', line_of("runs_in"), "unknown"),
    "somebody else's turn": ('["with_holder"]', '["with_staff"]', line_of("runs_in"), "somebody else"),
    "in no state": ('["with_holder"]', "[]", line_of("runs_in"), "in some state"),
    "an overlap": ("valid_to = 2024-12-24", "valid_to = 2024-12-25", D163 + 5, "An overlap"),
    "a gap": ("valid_to = 2024-12-24", "valid_to = 2024-12-23", D163 + 5, "A gap between"),
    "an end": (
        "valid_from = 2026-06-15",
        "valid_from = 2026-06-15\nvalid_to = 2027-01-01",
        line_of("valid_from = 2026-06-15") + 1,
        "from 2027-01-01 on",
    ),
    "law on no day": ("valid_to = 2024-12-24", "valid_to = 2017-04-24", line_of("valid_to"), "on no day"),
    "a trigger of nobody": (
        'triggers = ["disowned"]',
        'triggers = ["suspension"]',
        line_of("[[tracks]]"),
        "A gap",
    ),
    "law too late": (
        "valid_from = 2026-06-15",
        "valid_from = 2027-06-15",
        line_of("valid_from = 2026-06-15"),
        "A gap",
    ),
    "two of a name": ('id = "D163_2024"', 'id = "D49_2017"', D163, "Two tracks"),
    "an unknown key": (
        "due_from = 08:00:00",
        "due_from = 08:00:00\nnight = true",
        line_of("due_from") + 1,
        "unknown",
    ),
    "a brake of nothing": ("most_a_day = 60_000", "most_a_day = 0", line_of("most_a_day"), "from 1"),
    "a holiday elsewhere": ("2026-01-01,", "2025-01-01,", line_of("2026 = ["), "no day of the year"),
    "a week of no days": (
        'working_week = ["monday", "tuesday", "wednesday", "thursday", "friday"]',
        "working_week = []",
        line_of("working_week"),
        "names days",
    ),
    "a moment for a day": (
        "valid_from = 2026-11-23",
        "valid_from = 2026-11-23T00:00:00",
        line_of("valid_from"),
        "kind",
    ),
    "no confidence": ('confidence = "H"', 'confidence = "sure"', line_of('confidence = "H"'), "one of H"),
    "no source": ('source = "DOMAIN', 'source = ""  # "DOMAIN', line_of('source = "DOMAIN'), "cannot be"),
    "no TOML": ("[orders]", "[orders", line_of("[orders]"), "no TOML"),
    "hours with days": (
        "after = 2\n",
        "after = 2\ncounts_first_day = true\n",
        line_of("after = 2", 0) + 1,
        "Hours",
    ),
    "a device by notice": (
        'starts = "event"',
        'starts = "first_notice"',
        line_of('starts = "event"'),
        "itself",
    ),
    "an unknown start": (
        'starts = "first_notice"',
        'starts = "soon"',
        line_of('starts = "first'),
        "There are",
    ),
    "a reset that runs": (
        'resets = ["disputed"]',
        'resets = ["with_holder"]',
        line_of("resets"),
        "in which the clock",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_kept_to_is_refused_with_its_line(name):
    here, there, line, words = FAULTS[name]
    assert here in SHIPPED
    faults = refused(SHIPPED.replace(here, there, 1))
    assert any(number == line and words in fault for number, fault in faults), faults


def test_every_fault_is_told_at_once():
    text = SHIPPED.replace("after = 15", "after = 0", 1).replace('unit = "days"', 'unit = "moons"', 1)
    assert len(refused(text)) == 2


VALUES = [
    "[]",
    "{}",
    "0",
    "-1",
    "true",
    '"x"',
    "2026-01-01",
    "08:00:00",
    "[[1]]",
    "[{}]",
    "1e9",
    "nan",
    "= =",
]


@given(st.data())
def test_whatever_is_written_is_read_or_refused(data):
    """No text breaks the reader: lines are lost, moved, doubled, or say something else."""
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        line = lines.pop(place)
        how = data.draw(st.sampled_from(["lost", "moved", "doubled", "other"]))
        if how == "moved":
            lines.insert(data.draw(st.integers(0, len(lines))), line)
        elif how == "doubled":
            lines[place:place] = [line, line]
        elif how == "other":
            lines.insert(place, f"{line.partition('=')[0]} = {data.draw(st.sampled_from(VALUES))}")
    faults = ()
    try:
        reading.read("\n".join(lines))
    except PolicyRefusedError as error:
        faults = error.faults
    assert all(1 <= line <= len(lines) for line, _ in faults)


def test_a_name_that_a_page_has_is_no_version():
    assert refused(SHIPPED.replace('"2026.11.1"', '"simulation"'))[0][0] == line_of("version =")


def test_an_empty_text_says_what_is_missing():
    words = " ".join(fault for _, fault in refused(""))
    assert all(f"{key} is missing" in words for key in ("version", "valid_from", "tracks", "orders"))
