"""A text cut into the parts of a concatenated SMS.

Source: 3GPP TS 23.040, 9.2.3.24.1 (concatenated short messages, 8-bit reference) and 9.2.3.16: 140 octets of
user data, so 160 septets or 70 UTF-16 code units alone, 153 or 67 behind the header of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simcheck.messages.alphabets import ESCAPE, gsm, ucs2

GSM, UCS2 = 0, 8  # SMPP 3.4, 5.2.19: data_coding
GSM_ALONE, GSM_PART = 160, 153  # septets
UCS2_ALONE, UCS2_PART = 140, 134  # octets: 70 and 67 code units
MOST_PARTS = 255
HEADER_OCTETS = 6
_HIGH_SURROGATES = range(0xD8, 0xDC)  # first octet


@dataclass(frozen=True)
class Segments:
    """What goes into `short_message`, part after part; `udh`: each begins with a user data header.

    With `data_coding` 0 a part holds one septet an octet behind its header, with 8 UTF-16, big-endian.
    """

    data_coding: int
    parts: list[bytes]
    udh: bool


def segment(text: str, reference: int) -> Segments:
    """Cut a text into parts, in the default alphabet where every character is in it, else in UCS-2.

    `reference` (0 to 255) is what the parts of one message have in common. No escape is parted from its
    character and no surrogate from its other half. Raises ValueError for a text of more than 255 parts.
    """
    septets = gsm(text)
    if septets is not None:
        pieces = list(_cut(septets, GSM_ALONE, GSM_PART, _in_escape))
    else:
        pieces = list(_cut(ucs2(text), UCS2_ALONE, UCS2_PART, _in_pair))
    coding = GSM if septets is not None else UCS2
    if len(pieces) == 1:
        return Segments(coding, pieces, udh=False)
    if len(pieces) > MOST_PARTS:
        raise ValueError(f"{len(pieces)} parts: an SMS has at most {MOST_PARTS}")
    heads = (header(reference, len(pieces), number) for number in range(1, len(pieces) + 1))
    return Segments(coding, [head + piece for head, piece in zip(heads, pieces, strict=True)], udh=True)


def count(text: str) -> int:
    """How many parts a text has."""
    return len(segment(text, 0).parts)


def header(reference: int, total: int, number: int) -> bytes:
    """The user data header of part `number` of `total`."""
    return bytes([5, 0, 3, reference & 0xFF, total, number])


def _cut(octets: bytes, alone: int, part: int, inside: Callable[[bytes, int], int]) -> Iterator[bytes]:
    if len(octets) <= alone:
        yield octets
        return
    start = 0
    while start < len(octets):
        end = min(start + part, len(octets))
        end -= inside(octets, end)
        yield octets[start:end]
        start = end


def _in_escape(septets: bytes, at: int) -> int:
    """How many septets before `at` belong to the character after it. A second septet is never an escape."""
    return int(at < len(septets) and septets[at - 1] == ESCAPE)


def _in_pair(octets: bytes, at: int) -> int:
    return 2 * (at < len(octets) and octets[at - 2] in _HIGH_SURROGATES)
