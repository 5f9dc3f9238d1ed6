from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.lake.tokens import tokens_of_numbers, tokens_of_text
from simcheck.privacy import Keyring

RING = Keyring.make()
KINDS = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=32)


@given(KINDS, st.lists(st.integers(-5, 2**63 - 1), max_size=40))
def test_a_column_has_the_tokens_of_its_numbers(kind, numbers):
    tokens = tokens_of_numbers(RING, kind, np.array(numbers, np.int64))
    assert tokens.type == pa.binary(32)
    assert tokens.to_pylist() == [RING.token(kind, each) if each > 0 else None for each in numbers]


@given(KINDS, st.lists(st.one_of(st.none(), st.text(max_size=300)), max_size=40))
def test_a_column_has_the_tokens_of_its_texts(kind, texts):
    tokens = tokens_of_text(RING, kind, pa.array(texts, pa.string()))
    assert tokens.to_pylist() == [RING.token(kind, each) if each else None for each in texts]


@pytest.mark.parametrize("size", range(40, 200))
def test_every_length_around_a_block_is_padded_right(size):
    """Python's hmac is the judge; 55 and 56 bytes, 119 and 120 are where a block more is needed."""
    texts = ["x" * size, "y", "z" * (size + 1)]
    expected = [hmac.new(RING.index, b"k\0t" + each.encode(), hashlib.sha256).digest() for each in texts]
    assert tokens_of_text(RING, "k", pa.array(texts)).to_pylist() == expected


def test_a_slice_of_a_column():
    texts = pa.array(["a", None, "bcd", "", "ef"])
    assert (
        tokens_of_text(RING, "k", texts.slice(2)).to_pylist()
        == tokens_of_text(RING, "k", texts).to_pylist()[2:]
    )
    assert len(tokens_of_text(RING, "k", texts.slice(5))) == 0
