from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simcheck.messages import alphabets
from simcheck.messages.segments import GSM, UCS2, Segments, count, segment

BASIC = st.text(st.sampled_from("abcé@ 19"), max_size=700)
EXTENDED = st.text(st.sampled_from("a€[]{b"), max_size=700)
WIDE = st.text(st.sampled_from("aộđ𝒜😀ễ"), min_size=1, max_size=400)
ANY = st.one_of(BASIC, EXTENDED, WIDE, st.text(max_size=400))


def bodies(made: Segments) -> list[bytes]:
    return [part[6:] if made.udh else part for part in made.parts]


def read(made: Segments, body: bytes) -> str:
    return alphabets.read_gsm(body) if made.data_coding == GSM else body.decode("utf-16-be")


def naive(text: str) -> int:
    """The number of parts, counted character by character."""
    coding = alphabets.gsm(text) is not None
    sizes = [
        1 + (each in alphabets.EXTENSION) if coding else len(each.encode("utf-16-be")) // 2 for each in text
    ]
    alone, part = (160, 153) if coding else (70, 67)
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, part
        room -= size
    return parts


@given(ANY.filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text)), st.integers(0, 255))
@example("a" * 152 + "€" + "b" * 10, 7)
@example("ộ" * 66 + "😀" + "ộ" * 5, 7)
@example("a" * 160, 1)
@example("a" * 161, 1)
@example("", 1)
def test_what_is_cut_joins_again(text, reference):
    made = segment(text, reference)
    assert "".join(read(made, body) for body in bodies(made)) == text  # each part reads alone
    assert len(made.parts) == count(text) == naive(text)
    assert made.udh == (len(made.parts) > 1)
    for number, part in enumerate(made.parts, 1):
        header = part[:6] if made.udh else b""
        assert header in (b"", bytes([5, 0, 3, reference, len(made.parts), number]))
        body = part[len(header) :]
        packed = math.ceil((7 * math.ceil(len(header) * 8 / 7) + 7 * len(body)) / 8)
        octets = packed if made.data_coding == GSM else len(part)
        assert octets <= 140


@pytest.mark.parametrize(
    ("text", "coding", "parts"),
    [
        ("a" * 160, GSM, 1), ("a" * 161, GSM, 2), ("a" * 306, GSM, 2), ("a" * 307, GSM, 3),
        ("€" * 80, GSM, 1), ("€" * 81, GSM, 2),
        ("ộ" * 70, UCS2, 1), ("ộ" * 71, UCS2, 2), ("ộ" * 134, UCS2, 2), ("ộ" * 135, UCS2, 3),
        ("😀" * 35, UCS2, 1), ("😀" * 36, UCS2, 2), ("😀" * 67, UCS2, 3),
    ],
)  # fmt: skip
def test_the_numbers_of_the_standard(text, coding, parts):
    made = segment(text, 1)
    assert (made.data_coding, len(made.parts)) == (coding, parts)


def test_a_text_beyond_what_a_header_can_count():
    assert len(segment("a" * 153 * 255, 1).parts) == 255
    with pytest.raises(ValueError, match="255"):
        segment("a" * (153 * 255 + 1), 1)
