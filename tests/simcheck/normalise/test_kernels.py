from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.kernels import distinct, kernel, text


def strings(column) -> list[str]:
    offsets, data = text(column)
    return [bytes(data[a:b]).decode() for a, b in pairwise(offsets)]


TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=12)


@given(TEXTS, st.data())
def test_a_column_as_a_kernel_sees_it(values, data):
    """A null is an empty string; slices, chunks and other string types look the same."""
    expected = [value or "" for value in values]
    column = pa.array(values, pa.string())
    assert strings(column) == expected
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    assert strings(column[start:stop]) == expected[start:stop]
    assert strings(pa.chunked_array([column[:start], column[start:]], pa.string())) == expected
    assert strings(column.cast(pa.large_string())) == expected
    assert strings(column.dictionary_encode()) == expected


def test_buffers_are_not_copied():
    column = pa.array(["Nguyễn", "Văn", "An"] * 100)
    offsets, data = text(column[10:200])
    whole = text(column)
    assert np.shares_memory(data, whole.data)
    assert np.shares_memory(offsets, whole.offsets)


@pytest.mark.parametrize(
    "column", [pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.nulls(3)]
)
def test_columns_without_a_letter(column):
    assert strings(column) == [""] * len(column)


def test_a_kernel_is_compiled_code_that_gives_what_its_source_gives():
    def total(numbers):
        result = 0
        for number in numbers:
            result += number
        return result

    compiled = kernel(total)
    assert compiled(np.arange(1000)) == total(range(1000)) == 499_500
    assert compiled.signatures


@given(st.lists(st.sampled_from(["", "M", "F", "passport", "Căn cước công dân", "x" * 15, "x" * 16, None])))
def test_dictionary_columns_are_taken_as_they_are(values):
    plain = pa.array(values, pa.string())
    for column in (plain, plain.dictionary_encode(), pa.concat_arrays([plain, plain])[len(plain) :]):
        words, rows = distinct(column)
        assert [words[int(row)].as_py() for row in rows] == [value or "" for value in values]
