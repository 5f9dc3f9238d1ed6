from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from simcheck.cases.models import Acts, Case
from simcheck.cases.states import MOVES, State
from simcheck.desks.frame.pages import WORDS
from simcheck.desks.queue.told import Told
from simcheck.matching.rules import VERDICTS
from simcheck.messages.words import Language
from simcheck.reasons import Reason
from simcheck.review.filters import Days

AT = datetime(2026, 11, 27, 5, tzinfo=UTC)
VI, EN = (Told(WORDS[language], AT) for language in (Language.VI, Language.EN))


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=30), "0 minutes"), (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "1 hour"), (timedelta(hours=47), "1 day"), (timedelta(days=-3), "3 days"),
    ],
)  # fmt: skip
def test_a_span_in_its_largest_unit(span, said):
    assert EN.span(span) == said


def test_the_clock_as_it_runs_stands_and_is_over():
    def case(**clock):
        return Case(**({"target_at": None, "clock_left": None, "closed_at": None} | clock))

    assert EN.clock(case(target_at=AT + timedelta(hours=30))) == ("1 day left", "")
    assert EN.clock(case(target_at=AT + timedelta(hours=3))) == ("3 hours left", "warn")
    assert EN.clock(case(target_at=AT - timedelta(days=2))) == ("2 days late", "bad")
    stands = case(clock_left=timedelta(days=2))
    assert EN.clock(stands) == ("Clock stopped", "still")
    assert "2 days left" in EN.clock_at_length(stands)
    assert "2 days late" in EN.clock_at_length(case(clock_left=-timedelta(days=2)))
    assert "until 15:00" in EN.clock_at_length(case(target_at=AT + timedelta(hours=3)))
    assert EN.clock_at_length(case(clock_left=timedelta(0), closed_at=AT)) == "The case is closed"


def test_the_gravest_reasons_come_first():
    mask = Reason.NAME_SPACING.mask | Reason.DOB_DIFFERENT.mask | Reason.NAME_DIACRITICS.mask
    assert VI.reasons(mask)[0] == "Ngày sinh khác"
    few, more = VI.few_reasons(Case(reasons=mask))
    assert (few.partition("; ")[0], more) == ("Ngày sinh khác", 1)


@pytest.mark.parametrize("told", [VI, EN])
def test_everything_has_its_words(told):
    for state in State:
        assert told.chosen("state", state)
    for acts in Acts:
        assert told.chosen("acts", acts)
    for place in range(len(VERDICTS)):
        assert told.verdict(place)[0]
    for move in MOVES:
        assert told.moved(move.name)
    assert told.chosen("opened_after", date(2026, 11, 1)).endswith(told.say.day(date(2026, 11, 1)))
    assert told.chosen("due_before", Days(0)) == told.chosen("target_before", Days(0))
    assert told.given("some_other_word") == "some other word"
    assert told.given(None) == ""
    assert told.person("person:lan") == "lan"
    assert told.person("job:x") == told.by("service")


def test_what_a_check_finds_now():
    now = SimpleNamespace(verdict=VERDICTS[0], reasons=0)
    assert EN.found(now) == "Verified"
    now = SimpleNamespace(verdict=VERDICTS[2], reasons=Reason.DOB_TYPO.mask)
    assert EN.found(now) == "Mismatch: Birth date is probably mistyped"
