"""The two alphabets of an SMS: the GSM 7 bit default alphabet with its extension table, and UCS-2.

Source: 3GPP TS 23.038, 6.2.1 (default alphabet, extension table, UCS2). No national language table is used:
Viet Nam has none, and phones that know none would show other letters.
"""

from __future__ import annotations

import re
import unicodedata

ESCAPE = 0x1B
DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40,
    "€": 0x65,
}  # fmt: skip
# The septets of every character; an extended one has two.
SEPTETS: dict[str, bytes] = {
    **{character: bytes([place]) for place, character in enumerate(DEFAULT) if place != ESCAPE},
    **{character: bytes([ESCAPE, place]) for character, place in EXTENSION.items()},
}
_ELSE = re.compile(f"[^{re.escape(''.join(SEPTETS))}]")
_OCTETS = str.maketrans({character: octets.decode("latin-1") for character, octets in SEPTETS.items()})
# Base letters of what no canonical decomposition takes apart.
_BARE = str.maketrans("đĐðÐɖƉ", "dDdDdD")
# Control and format characters (line breaks are `clean`'s to judge), surrogates, and what has no character.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")


def gsm(text: str) -> bytes | None:
    """The septets of a text, one an octet (unpacked, as SMPP has them); None where a character has none."""
    if _ELSE.search(text):
        return None
    return text.translate(_OCTETS).encode("latin-1")


def read_gsm(septets: bytes) -> str:
    """The text of unpacked septets. Raises ValueError for what is none."""
    extended = {place: character for character, place in EXTENSION.items()}
    text, places = "", iter(septets)
    for place in places:
        if place == ESCAPE:
            text += extended.get(next(places, -1), " ")  # 6.2.1: an unknown one is shown as a space
        elif place < len(DEFAULT):
            text += DEFAULT[place]
        else:
            raise ValueError("an octet above 127 is no septet")
    return text


def ucs2(text: str) -> bytes:
    """A text in UTF-16, big-endian: what phones read where UCS-2 is announced, surrogate pairs too."""
    return text.encode("utf-16-be")


def without_marks(text: str) -> str:
    """A text without diacritics, so that it fits the default alphabet: `đường` becomes `duong`."""
    apart = unicodedata.normalize("NFD", text.translate(_BARE))
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", bare)


def clean(value: str, *, lines: bool = False) -> str:
    """A value as it may be put into a text: NFC, in one line, nothing unseen in it.

    Control, zero-width and bidirectional characters are removed, spaces of any kind become one space. With
    `lines`, line breaks stay, one at a time.
    """
    if value.isprintable() and "  " not in value and unicodedata.is_normalized("NFC", value):
        return value.strip()  # nearly all: what is printable holds nothing unseen and no space but U+0020
    value = value.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    value = value if lines else value.replace("\n", " ")
    value = value.replace("\t", " ").replace("\v", " ").replace("\f", " ")
    seen = (each for each in value if each == "\n" or unicodedata.category(each) not in _UNSEEN)
    spaced = _SPACES.sub(" ", unicodedata.normalize("NFC", "".join(seen)))
    return _LINES.sub("\n", spaced).strip()
