"""Dead encodings of Vietnamese, undone.

A name written in TCVN3 (ABC fonts), VISCII, VNI or CP1258 and read as Latin-1 or CP1252 is still all
there: every letter has become another one. The same holds for UTF-8 that was read as Latin-1 or CP1252.
Each function here gives the name back, or None where its encoding cannot have been the one.
Sources: TCVN 5712:1993, RFC 1456 (VISCII), the VNI for Windows character set, Windows code page 1258.

Byte 0xAD is a letter in TCVN3 and in VISCII although Unicode calls U+00AD invisible, so all of this
comes before anything is stripped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# What the bytes 0x80 to 0xFF mean. TCVN3 (the ABC fonts) is the lower-case half of TCVN 5712 VN1.
_TCVN3_HIGH = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"
    "\xa0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
    "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
_VISCII_HIGH = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲ"
    "ÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯ"
    "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡư"
    "àáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
)
# Both also put capitals among the control characters.
_TCVN3_LOW = {
    1: "Ú",
    2: "Ụ",
    4: "Ừ",
    5: "Ử",
    6: "Ữ",
    17: "Ứ",
    18: "Ự",
    19: "Ỳ",
    20: "Ỷ",
    21: "Ỹ",
    22: "Ý",
    23: "Ỵ",
}
_VISCII_LOW = {2: "Ẳ", 5: "Ẵ", 6: "Ẫ", 20: "Ỷ", 25: "Ỹ", 30: "Ỵ"}
_CP1258 = {
    0xCC: "\u0300",
    0xD2: "\u0309",
    0xDE: "\u0303",
    0xEC: "\u0301",
    0xF2: "\u0323",
    0xC3: "Ă",
    0xE3: "ă",
    0xD0: "Đ",
    0xF0: "đ",
    0xD5: "Ơ",
    0xF5: "ơ",
    0xDD: "Ư",
    0xFD: "ư",
}

TCVN3 = {**_TCVN3_LOW, **{0x80 + index: letter for index, letter in enumerate(_TCVN3_HIGH)}}
VISCII = {**_VISCII_LOW, **{0x80 + index: letter for index, letter in enumerate(_VISCII_HIGH)}}


# The byte of each letter that CP1252 has where Latin-1 has a control character.
CP1252_BACK = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}


_NO_BYTE = re.compile(f"[^\0-\xff{''.join(map(chr, CP1252_BACK))}]")  # what neither of them reads


@lru_cache(maxsize=64)  # each encoding in turn asks for the same word's
def single_bytes(written: str) -> str | None:
    """The bytes that were read as `written`, by Latin-1 or CP1252, as code points 0 to 255; None where it was
    neither."""
    return None if _NO_BYTE.search(written) else written.translate(CP1252_BACK)


def _by_table(written: str, table: dict[int, str]) -> str | None:
    raw = single_bytes(written)
    if raw is None:
        return None
    letters = raw.translate(table)
    return None if "\ufffd" in letters else unicodedata.normalize("NFC", letters)


def tcvn3(written: str) -> str | None:
    """`NguyÔn V¨n Nam` is `Nguyễn Văn Nam`."""
    return _by_table(written, TCVN3)


def viscii(written: str) -> str | None:
    """The same for VISCII, whose 0xAD is ễ."""
    return _by_table(written, VISCII)


def cp1258(written: str) -> str | None:
    """CP1258 stores a letter and then its tone as a combining mark: `NguyêÞn` is `Nguyễn`."""
    return _by_table(written, _CP1258)


def utf8_misread(written: str) -> str | None:
    """UTF-8 that was read as Latin-1 or CP1252, once or twice: `Nguyá»…n` is `Nguyễn`."""
    found = None
    for _ in range(2):
        raw = single_bytes(written)
        try:
            undone = raw.encode("latin-1").decode("utf-8") if raw is not None else written
        except UnicodeDecodeError:
            break
        if undone == written:
            break
        written = found = undone
    return found


_VNI_TONE = {"ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
_VNI_CIRCUMFLEX = {"â": "", "á": "\u0301", "à": "\u0300", "å": "\u0309", "ã": "\u0303", "ä": "\u0323"}
_VNI_BREVE = {"ê": "", "é": "\u0301", "è": "\u0300", "ú": "\u0309", "ü": "\u0303", "ë": "\u0323"}
_VNI_ALONE = {"ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì"}
_VNI = re.compile("([aeo])([âáàåãä])|(a)([êéèúüë])|([aeouyôö])([ùøûõï])|([ñæóòîôöíì])")


def vni(written: str) -> str | None:
    """VNI writes a letter's marks as a second character: `Nguyeãn Vaên` is `Nguyễn Văn`."""

    def one(found: re.Match[str]) -> str:
        vowel, circumflex, a, breve, toned, tone, alone = found.groups()
        if vowel:
            return vowel + "\u0302" + _VNI_CIRCUMFLEX[circumflex]
        if a:
            return a + "\u0306" + _VNI_BREVE[breve]
        return _VNI_ALONE.get(toned, toned) + _VNI_TONE[tone] if toned else _VNI_ALONE[alone]

    lowered = unicodedata.normalize("NFC", written).lower()
    if any(ord(character) >= 0x100 for character in lowered):
        return None
    left = _VNI.sub("", lowered)
    return unicodedata.normalize("NFC", _VNI.sub(one, lowered)) if left.isascii() else None


# Readings that are told apart word by word, in the order in which they are tried.
LEGACY: tuple[Callable[[str], str | None], ...] = (tcvn3, vni, cp1258, viscii)
