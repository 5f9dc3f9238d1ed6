"""The single-byte encodings of Vietnamese: TCVN3, VISCII, CP1258.

Python has CP1258; the tables of the other two are those by which names are read back
(`simcheck.normalise.encodings`). Text decoded is in NFC.
"""

from __future__ import annotations

import codecs
import unicodedata

from simcheck.normalise.encodings import TCVN3, VISCII


def _table(letters: dict[int, str]) -> str:
    return "".join(letters.get(byte, chr(byte)) for byte in range(256))


def _code_page(name: str) -> str:
    return bytes(range(256)).decode(name, "replace")


TABLES = {
    "tcvn3": _table(TCVN3),
    "viscii": _table(VISCII),
    "cp1258": _code_page("cp1258"),
    "cp1252": _code_page("cp1252"),
}
"""For each encoding the character of each of the 256 bytes."""


def decode(data: bytes, encoding: str) -> str:
    """The text of `data`, NFC. A byte the encoding does not define becomes U+FFFD."""
    text, _ = codecs.charmap_decode(data, "replace", TABLES[encoding])
    return unicodedata.normalize("NFC", text)


def encode(text: str, encoding: str) -> bytes:
    """`text`, brought to NFC, in an encoding; a character that the encoding lacks becomes '?'.

    TCVN3 is written as the ABC fonts have it: a capital with a tone mark is the byte of its small
    letter, which a font of capitals shows as one.
    """
    composed = unicodedata.normalize("NFC", text)
    data, _ = codecs.charmap_encode(composed.translate(_SPELLINGS[encoding]), "replace", _BYTES[encoding])
    return data


_LETTERS = [
    letter
    for code in (*range(0xC0, 0x1B1), *range(0x1EA0, 0x1EFA))
    if unicodedata.decomposition(letter := chr(code))
]


def _bytes_of(encoding: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for byte, character in enumerate(TABLES[encoding]):
        if character != "\ufffd" and (encoding != "tcvn3" or byte < 0x80 or byte > 0x9F):
            found.setdefault(ord(character), byte)
    return found


def _spellings(encoding: str) -> dict[int, str]:
    """How a letter without a byte of its own is written: in small, or as a letter and a tone mark."""
    spellings: dict[int, str] = {}
    for letter in _LETTERS:
        if encoding == "tcvn3" and len(unicodedata.normalize("NFD", letter)) > 1:
            if letter not in "ĂÂÊÔƠƯ":
                spellings[ord(letter)] = letter.lower()
        elif encoding == "cp1258" and ord(letter) not in _BYTES[encoding]:
            base, tone = _split_tone(letter)
            spellings[ord(letter)] = base + tone
    return spellings


def _split_tone(letter: str) -> tuple[str, str]:
    parts = unicodedata.normalize("NFD", letter)
    tone = next((mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323"), "")
    return unicodedata.normalize("NFC", parts.replace(tone, "", 1)), tone


_BYTES = {name: _bytes_of(name) for name in TABLES}
_SPELLINGS = {name: _spellings(name) for name in TABLES}

# Frequent syllables of Vietnamese names and header words, most with a mark: read in the wrong
# encoding none of them appears.
_MARKED = (
    "nguyễn trần lê phạm hoàng huỳnh võ vũ đặng bùi đỗ hồ ngô dương lý đào đinh trương lâm "
    "thị văn đức hữu ngọc thúy hương hồng bích tuấn hùng dũng việt thắng hải tùng đình thảo "
    "phương mỹ thủy hạnh thành quốc bảo số ngày tên giấy tờ tỉnh họ"
)


def likelihood(data: bytes, encoding: str) -> int:
    """How many times `data`, read in `encoding` (also "utf-8"), shows a frequent Vietnamese syllable."""
    text = decode(data, encoding) if encoding in TABLES else data.decode(encoding, "replace")
    words = text.casefold()
    return sum(words.count(syllable) for syllable in _MARKED.split() if not syllable.isascii())
