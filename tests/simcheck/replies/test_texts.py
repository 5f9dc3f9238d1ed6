from __future__ import annotations

import string

import pytest

from simcheck.messages import compose
from simcheck.messages.words import Kind, Language, Values
from simcheck.replies.texts import load, say

VALUES = {
    "number": "+84******678",
    "carrier": "vietnamobile", "name": "N. T. T. H. A.", "id_number": "*********123",
    "born": "1990", "state": "", "wrong": "họ tên chưa khớp giấy tờ", "code": "K7M2P-9QXRT",
    "question": "H-123456-Z", "due": "31/12/2026",
}  # fmt: skip


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", Language)
def test_every_text_is_short_and_names_what_it_is_given(language):
    for name, text in load()[language].items():
        assert named(text) == named(load()[Language.VI][name]), name
        said = say(language, name, **{each: VALUES[each] for each in named(text)})
        bare = compose.sms(Kind.REPLY, None, language, False, Values(extra={"text": said}))
        assert bare.segments_count <= 2, name
        assert bare.data_coding == 0
        assert compose.sms(Kind.REPLY, None, language, True, Values(extra={"text": said})).segments_count <= 3


def test_what_is_empty_is_said_to_be():
    said = say(Language.VI, "record", **{**VALUES, "name": "", "state": "x"})
    assert "tên (trống)" in said
