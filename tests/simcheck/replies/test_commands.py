from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.messages.words import Language
from simcheck.replies.commands import Asked, Command, read


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("TTTB", Asked(Command.RECORD)),
        ("  tttb. ", Asked(Command.RECORD)),
        ("\u202eTT\u200bTB", Asked(Command.RECORD)),
        ("TTTB 001188000002", Asked(Command.CHECK, "001188000002")),
        ("tttb_001188000002", Asked(Command.CHECK, "001188000002")),
        ("Tttb001188000002", Asked(Command.CHECK, "001188000002")),
        ("TTTB: 001 188-000.002", Asked(Command.CHECK, "001188000002")),
        ("TTTB 123456789", Asked(Command.CHECK, "123456789")),
        ("TTTB 1", Asked(Command.CHECK, "1")),
        ("DUNG", Asked(Command.CONFIRM)),
        ("đúng", Asked(Command.CONFIRM)),
        ("ĐÚNG!", Asked(Command.CONFIRM)),
        ("KHONG", Asked(Command.DISOWN)),
        ("Không.", Asked(Command.DISOWN)),
        ("ko", Asked(Command.DISOWN)),
        ("không phải tôi", Asked(Command.DISOWN)),
        # What only begins like an answer is none: a number is not given away by a sentence.
        ("không đúng", Asked(Command.HELP)),
        ("đúng không?", Asked(Command.HELP)),
        ("không biết", Asked(Command.HELP)),
        ("TTTB xin chào", Asked(Command.HELP)),
        ("", Asked(Command.HELP)),
        ("hd", Asked(Command.HELP)),
        ("help", Asked(Command.HELP, language=Language.EN)),
        ("HOI", Asked(Command.HELP)),
        ("HOI Tôi cần làm gì?", Asked(Command.ASK, "Tôi cần làm gì?")),
        ("hỏi: sao vậy", Asked(Command.ASK, "sao vậy")),
        ("hoian", Asked(Command.HELP)),
    ],
)
def test_what_is_understood(written, asked):
    assert read(written) == asked
    assert read(unicodedata.normalize("NFD", written)) == asked


@given(st.text(max_size=200))
def test_anything_can_be_sent(text):
    asked = read(text)
    assert (asked.command in {Command.CHECK, Command.ASK}) == bool(asked.text)
    assert asked.command is not Command.CHECK or asked.text.isalnum()
