"""Words of orders, appeals and bars: each is there in both languages, or the file cannot be used."""

from __future__ import annotations

import pytest

from simcheck.enforcement.stops import words
from simcheck.enforcement.texts import Texts
from simcheck.errors import InvalidError
from simcheck.messages.words import Language


def test_a_file_without_what_is_needed_cannot_be_used():
    texts = Texts("simcheck.enforcement.stops", {"told": {"upheld", "withdrawn"}})
    with pytest.raises(ValueError, match=r"told lacks \['withdrawn'\]"):
        texts.group("told")
    with pytest.raises(ValueError, match="none lacks"):
        Texts("simcheck.enforcement.stops", {"none": {"one"}}).group("told")


@pytest.mark.parametrize("group", ["kind", "state", "means", "reason", "told"])
def test_every_word_of_appeals_and_bars_is_there_twice(group):
    for text in words.group(group).values():
        assert len(text) == len(Language)
        assert all(text.values())
    with pytest.raises(InvalidError, match="choose one of"):
        words.require(group, "nothing")
