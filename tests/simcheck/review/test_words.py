from __future__ import annotations

import pytest

from simcheck.cases.states import Who, names_of
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from simcheck.review import words


def test_every_move_and_reason_has_its_words():
    for name in ("move", "reason", "by", "snooze", "escalate", "purpose"):
        for texts in words.group(name).values():
            assert all(texts[language] for language in Language)


def test_every_decision_is_a_move_of_staff():
    for each in words.decisions().values():
        assert each.move in names_of(Who.STAFF)
        assert each.reasons
        assert all(text[language] for text in (each.name, *each.reasons.values()) for language in Language)
    assert {each.code for each in words.decisions().values() if each.dangerous} == {
        "not_the_holder", "dispute", "suspend", "close",
    }  # fmt: skip


def test_a_word_that_is_none_is_refused_with_those_that_are():
    assert words.require("snooze", "waiting_for_papers") == "waiting_for_papers"
    with pytest.raises(InvalidError, match="waiting_for_papers, waiting_for_a_call"):
        words.require("snooze", "tired")
