from __future__ import annotations

import pytest

from simcheck.access import scopes
from simcheck.cases.states import MOVES, State
from simcheck.desks.frame.pages import WORDS
from simcheck.desks.portal import cases, telling
from simcheck.matching.rules import VERDICTS
from simcheck.messages.words import Language
from simcheck.reasons import Reason
from simcheck.uploads.models import BatchState
from simcheck.webhooks.notify import EVENTS, TEST

VI, EN = WORDS[Language.VI], WORDS[Language.EN]


@pytest.mark.parametrize(
    ("count", "vi", "en"),
    [(0, "0 B", "0 B"), (1023, "1.023 B", "1,023 B"), (1536, "1,5 KB", "1.5 KB"), (8 << 30, "8 GB", "8 GB"),
     (5000 << 40, "5.000 TB", "5,000 TB")],
)  # fmt: skip
def test_sizes_are_told_as_people_read_them(count, vi, en):
    assert (telling.size(VI, count), telling.size(EN, count)) == (vi, en)


def test_every_word_of_the_service_has_words_here():
    """What is looked up by a code is there for every code, in each language."""
    keys = [
        *(f"portal.verdict.{each.value}" for each in VERDICTS),
        *(f"portal.state.{each}" for each in BatchState),
        *(f"portal.cases.state.{each}" for each in State), *(f"portal.move.{each.name}" for each in MOVES),
        *(f"portal.reason.{each}" for reasons in cases.REASONS.values() for each in reasons),
        *(f"portal.event.{each.replace('.', '_')}" for each in (*EVENTS, TEST)),
        *(f"portal.scope.{each.replace(':', '_').replace('-', '_')}" for each in scopes.of_carriers()),
    ]  # fmt: skip
    assert [key for key in keys for words in WORDS.values() if not words.has(key)] == []
    for reason in Reason:
        assert telling.what_to_do(VI, reason.name) != telling.what_to_do(EN, reason.name)


def test_reasons_come_most_frequent_first_and_unknown_ones_as_they_are():
    told = telling.reasons(EN, {"NAME_TYPO": 2, "OF_TOMORROW": 5, "DOB_TYPO": 0}, 10)
    assert [(each.code, each.count, each.share) for each in told] == [
        ("OF_TOMORROW", 5, 0.5), ("NAME_TYPO", 2, 0.2),
    ]  # fmt: skip
    assert told[0].words == "OF_TOMORROW"


def test_verdicts_of_nothing_are_nothing():
    assert [each.share for each in telling.verdicts(VI, {})] == [0.0] * len(VERDICTS)
