from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simcheck.sending.ids import key_of, keys_like


@given(st.integers(0, 2**64), st.integers(0, 8))
def test_every_form_of_a_number_leads_to_it(number, zeros):
    answered = "0" * zeros
    for given_, told in (("d", "d"), ("x", "d"), ("d", "x"), ("X", "x"), ("x", "X")):
        assert key_of(answered + format(number, given_)) in keys_like(format(number, told))


def test_words_are_words():
    assert keys_like(" 00Ab-Z ") == ["ab-z"]
    assert keys_like("000") == ["0"]
    assert keys_like("10")[0] == "10"
    assert len(keys_like("9" * 100)) == 1
    assert keys_like("١٢") == ["١٢"]
