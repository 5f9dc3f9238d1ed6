"""A mobile number or a person's ID number, as somebody typed it: what records of it are found by."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from simcheck.errors import InvalidError
from simcheck.holders.sessions import id_token_of
from simcheck.normalise import phones
from simcheck.privacy import Keyring


@dataclass(frozen=True)
class Typed:
    """One of both: a number's token with the `national` significant number itself, or a person's token."""

    msisdn_token: bytes | None = None
    id_token: bytes | None = None
    national: int | None = field(default=None, repr=False)


def read(keyring: Keyring, text: str) -> Typed:
    """A mobile number as people write it, or a 12-digit ID number. Raises `InvalidError` where it is
    neither.
    """
    number = int(phones.normalise(pa.array([text], pa.string())).national[0])
    if number:
        return Typed(keyring.token("msisdn", number), None, number)
    person = id_token_of(keyring, text)
    if person is None:
        raise InvalidError("of: write a mobile number or a 12-digit ID number.")
    return Typed(None, person)
