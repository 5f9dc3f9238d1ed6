from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.statuses import Status, status_of, statuses


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("", Status.ACTIVE), ("  ", Status.ACTIVE), ("ACTIVE", Status.ACTIVE), ("Hoạt động", Status.ACTIVE),
        (unicodedata.normalize("NFD", "đang hoạt động"), Status.ACTIVE),
        ("terminated", Status.OVER), ("Đã thu hồi", Status.OVER), ("HUỶ", Status.OVER),
        ("suspended", Status.LIMITED), ("khoá 1 chiều", Status.LIMITED), ("over", Status.LIMITED),
    ],
)  # fmt: skip
def test_what_a_word_says(word, says):
    assert status_of(word) is says


@given(st.lists(st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["active", "huỷ", "locked"]))))
def test_a_column_says_what_its_words_say(words):
    found = statuses(pa.array(words, pa.string()))
    assert found.tolist() == [status_of(word or "") for word in words]
    assert found.dtype == np.uint8
