"""Addresses as the other side writes them, and the tokens by which they are found."""

from __future__ import annotations

import re

import pyarrow as pa

from simcheck.errors import InvalidError
from simcheck.messages.words import Channel
from simcheck.normalise import phones
from simcheck.privacy import Keyring

_E164 = re.compile(r"\+?[1-9]\d{5,14}", re.ASCII)
_MAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,190}")


def require_usable(channel: Channel, address: str) -> str:
    """The address as it is kept: digits with the country's code, or an email address.

    Raises `InvalidError` for what is neither. The message does not repeat the address.
    """
    if channel is Channel.SMS:
        if not _E164.fullmatch(address):
            raise InvalidError("address: write a phone number as +84…")
        return address.removeprefix("+")
    if not _MAIL.fullmatch(address):
        raise InvalidError("address: write an email address.")
    return address


def token_of(keyring: Keyring, channel: Channel, address: str) -> bytes:
    """The token of an address of ours: a number's is that of its subscription (kind `msisdn`)."""
    if channel is Channel.EMAIL:
        return keyring.token("email", address.lower())
    return of_phone(keyring, address)


def of_phone(keyring: Keyring, written: str) -> bytes:
    """The token of a phone number or short code, however the other side writes it."""
    if written.startswith("84") and written.isdigit() and len(written) == 11:
        return keyring.token("msisdn", int(written[2:]))  # the form of nearly all
    national = int(phones.normalise(pa.array([written], pa.string())).national[0])
    return keyring.token("msisdn", national) if national else keyring.token("address", written)
