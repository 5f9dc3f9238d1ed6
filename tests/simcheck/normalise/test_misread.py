from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.encodings import utf8_misread
from simcheck.normalise.misread import put_right

EVERYTHING = np.ones(0x10000, np.bool_)
NAMES = st.text(st.sampled_from("Nguyễn Vănậ đĐ Hoà'’–€\u00a0\u00adß日"), max_size=12)
BYTES = st.binary(max_size=12).map(lambda raw: raw.decode("latin-1"))


def misread(name: str, times: int, encoding: str) -> str:
    for _ in range(times):
        name = name.encode().decode(encoding, errors="ignore")
    return name


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@pytest.mark.parametrize("times", [1, 2])
def test_once_or_twice(times, encoding):
    names = [misread("Nguyễn Văn Tệ", times, encoding), "Trần An", None, ""]
    values, right = put_right(pa.array(names), EVERYTHING)
    assert right.tolist() == [True, False, False, False]
    assert values[0].as_py() == utf8_misread(names[0])


@given(st.lists(st.one_of(
    NAMES, BYTES, st.builds(misread, NAMES, st.integers(1, 3), st.sampled_from(["latin-1", "cp1252"]))
)))  # fmt: skip
def test_it_says_what_is_said_of_one_value(names):
    values, right = put_right(pa.array(names, pa.string()), EVERYTHING)
    for name, value, was in zip(names, values.to_pylist(), right, strict=True):
        assert value == (utf8_misread(name) if was else "")


def test_what_is_out_of_the_ordinary_is_left_to_others():
    plain = EVERYTHING.copy()
    plain[ord("ễ")] = False
    smiling, long = misread("An 😀", 1, "latin-1"), misread("ễ" * 300, 1, "latin-1")
    for value, known in ((misread("Nguyễn", 1, "cp1252"), plain), (smiling, EVERYTHING), (long, EVERYTHING)):
        assert utf8_misread(value)
        assert not put_right(pa.array([value]), known)[1].any()
