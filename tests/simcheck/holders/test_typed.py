from __future__ import annotations

import pytest

from simcheck.errors import InvalidError
from simcheck.holders import typed
from tests.holding import AN, national


def test_a_number_or_a_person(keyring):
    number = typed.read(keyring, "+84 900 000 001")
    assert (number.msisdn_token, number.id_token) == (keyring.token("msisdn", national(1)), None)
    assert number.national == national(1)
    assert str(national(1)) not in repr(number)
    person = typed.read(keyring, AN.id_number)
    assert (person.msisdn_token, person.id_token) == (None, keyring.token("id", int(AN.id_number)))


@pytest.mark.parametrize("text", ["", "x", "12345", "100000000", "1 1085000042"])
def test_what_is_neither_is_refused(keyring, text):
    with pytest.raises(InvalidError):
        typed.read(keyring, text)
