from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carriers.readers.decoding import is_utf8, parts_letters

# letters of every width, the first and last of each; and bytes that stand in no letter, or only before some
LETTERS = "A z\x7f\x80éớễ\u07ff\u0800\u0fff\ud7ff\ue000\uffff\U00010000\U0010ffff"
PIECES = st.one_of(
    st.sampled_from(LETTERS).map(str.encode),
    st.text("Nguyễn Văn Đức", min_size=1).map(str.encode),
    st.sampled_from([b"\x80", b"\xbf", b"\xc0", b"\xc3", b"\xe0\x9f", b"\xe1", b"\xe1\xba", b"\xed\xa0\x80"]),
)


def column(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


@given(st.lists(PIECES, max_size=30), st.integers(0, 3))
def test_valid_is_what_decodes(pieces, dropped):
    data = b"".join(pieces)
    data = data[: len(data) - dropped]
    try:
        data.decode()
        valid = True
    except UnicodeDecodeError:
        valid = False
    assert is_utf8(column(data)) == valid


@given(st.integers(0, 40), st.integers(0, 255))
def test_one_wrong_byte_is_found_wherever_it_stands(place, byte):
    data = bytearray("Nguyễn Thị Hồng Hạnh, Đặng Văn Đức".encode())
    data[place] = byte
    assert is_utf8(column(bytes(data))) == (data.decode(errors="replace").encode() == data)


def test_a_cell_that_begins_amid_a_letter():
    data = column("aễb".encode())
    assert not parts_letters(np.array([0, 1, 4, 4, 5], np.int32), data)
    assert not parts_letters(np.array([0, 1, 4], np.int32), data)
    assert parts_letters(np.array([0, 2, 5], np.int32), data)
    assert not parts_letters(np.array([0, 5, 5], np.int32), data)
