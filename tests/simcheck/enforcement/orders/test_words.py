"""Everything that people read of orders stands in both languages."""

from __future__ import annotations

import pytest

from simcheck.enforcement.orders import answer_files, answers, brake, words
from simcheck.errors import InvalidError
from simcheck.messages.words import Language


@pytest.mark.parametrize(
    "group", ["act", "state", "line", "outcome", "reason", "guard", "refusal", "refused"]
)
def test_every_word_is_there_twice(group):
    for text in words.group(group).values():
        assert len(text) == len(Language)
        assert all(text.values())


def test_what_is_said_of_lines_and_brakes_has_words():
    refused = {
        answers.NOT_ORDERED, answers.OTHER_NUMBER, answers.UNKNOWN_WORD, answers.SETTLED, answers.TWICE,
        answers.FUTURE, answer_files.ANOTHER_ORDER, answer_files.UNREADABLE,
    }  # fmt: skip
    assert refused == set(words.group("refused"))
    assert {brake.BY_CAP, brake.BY_HAND} == set(words.group("brake"))
    assert words.say("act", "one_way", Language.VI) == "Khóa một chiều"
    assert words.say("act", "none", Language.EN) == "none"
    with pytest.raises(InvalidError, match="choose one of"):
        words.require("refusal", "none")
