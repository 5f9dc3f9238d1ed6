from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from simcheck.cases.codes import ALPHABET
from simcheck.helpdesk import numbers

ANY = st.integers(0, 10**12)


def test_as_people_read_it():
    assert numbers.shown(123).startswith("H-000123-")
    assert numbers.shown(12_345_678).startswith("H-12345678-")


@given(ANY)
def test_what_is_shown_is_read(number):
    shown = numbers.shown(number)
    for typed in (shown, shown.lower(), shown.replace("-", " "), shown.replace("-", ""), shown[2:]):
        assert numbers.read(typed) == number


@given(ANY, st.data())
def test_one_wrong_digit_is_noticed(number, data):
    shown = numbers.shown(number)
    at = data.draw(st.integers(2, len(shown) - 3))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(digit != shown[at])
    assert numbers.read(shown[:at] + digit + shown[at + 1 :]) is None


@given(ANY, st.data())
def test_two_that_changed_places_are_noticed(number, data):
    shown = numbers.shown(number)
    at = data.draw(st.integers(2, len(shown) - 4))
    assume(shown[at] != shown[at + 1])
    assert numbers.read(shown[:at] + shown[at + 1] + shown[at] + shown[at + 2 :]) is None


@given(st.text(max_size=30))
def test_no_text_is_too_strange(text):
    number = numbers.read(text)
    assert number is None or numbers.shown(number)[-1] in ALPHABET
