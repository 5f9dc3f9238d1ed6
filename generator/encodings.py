"""How a word looks when it was stored in one encoding and read in another. One word at a time.

The tables are those of the standards themselves (TCVN 5712:1993 VN3, RFC 1456 for VISCII, the
keyboard maker's VNI, Microsoft's code page 1258), written down here on purpose: what reads carriers'
files has its own, so that a mistake in either shows.
"""

from __future__ import annotations

import unicodedata

_TCVN3_FROM_A1 = (
    "ĂÂÊÔƠƯĐăâêôơưđ......àảãáạ.ằẳẵắ.......ặầẩẫấậè.ẻẽéẹềểễếệìỉ...ĩíịò.ỏõóọồổỗốộờởỡớợù.ủũúụừửữứựỳỷỹýỵ"
)
_TCVN3 = {letter: chr(0xA1 + place) for place, letter in enumerate(_TCVN3_FROM_A1) if letter != "."}
LETTERS = "".join(letter + letter.upper() for letter in _TCVN3)  # every letter of Vietnamese that has a mark
_VISCII_FROM_80 = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡư"
    "àáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
)
_VISCII = {
    letter: bytes([0x80 + place]).decode("cp1252", "replace") for place, letter in enumerate(_VISCII_FROM_80)
}
# Six capitals of VISCII stand among the control characters: RFC 1456, section 2.
_VISCII |= dict(zip("ẲẴẪỶỸỴ", "\x02\x05\x06\x14\x19\x1e", strict=True))

# VNI for Windows writes a base letter and an accent: tones of plain, of breve and of hat letters.
_VNI_PLAIN = dict(zip("\u0300\u0301\u0309\u0303\u0323", "øùûõï", strict=True))
_VNI_BREVE = dict(zip("\u0300\u0301\u0309\u0303\u0323", "èéúüë", strict=True))
_VNI_HAT = dict(zip("\u0300\u0301\u0309\u0303\u0323", "àáåãä", strict=True))
_VNI_WHOLE = {"ì": "ì", "í": "í", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "ỵ": "î", "đ": "ñ"}


def tcvn3(word: str) -> str:
    """TCVN3 (ABC) read as Latin-1. It has no accented capitals: a capital font drew them, so they are stored
    small.
    """
    return "".join(_TCVN3.get(c, _TCVN3.get(c.lower(), c)) for c in unicodedata.normalize("NFC", word))


def viscii(word: str) -> str:
    """VISCII read as Windows-1252."""
    return "".join(_VISCII.get(c, c) for c in unicodedata.normalize("NFC", word))


def _vni_letter(letter: str) -> str:
    small = letter.lower()
    if small not in LETTERS:  # the Highlands' own letters have no place in it
        return letter
    if small in _VNI_WHOLE:
        out = _VNI_WHOLE[small]
    else:
        base, *marks = list(unicodedata.normalize("NFD", small))
        tone = next((mark for mark in marks if mark in _VNI_PLAIN), "")
        if "\u031b" in marks:  # ơ and ư are one character, and their tones those of plain letters
            out = {"o": "ô", "u": "ö"}.get(base, base) + _VNI_PLAIN.get(tone, "")
        elif "\u0306" in marks:
            out = base + _VNI_BREVE.get(tone, "ê")
        elif "\u0302" in marks:
            out = base + _VNI_HAT.get(tone, "â")
        else:
            out = base + _VNI_PLAIN.get(tone, "")
    return out.upper() if letter != small else out


def vni(word: str) -> str:
    """VNI for Windows read as Latin-1: a base letter, then its accent as a character of its own."""
    return "".join(_vni_letter(c) for c in unicodedata.normalize("NFC", word))


def cp1258_form(word: str) -> str:
    """The mixed form of code page 1258: letters with their shape precomposed, tones combining; neither NFC
    nor NFD.
    """
    out = []
    for letter in unicodedata.normalize("NFC", word):
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in parts if mark in _VNI_PLAIN)
        out.append(unicodedata.normalize("NFC", "".join(c for c in parts if c not in _VNI_PLAIN)) + tone)
    return "".join(out)


def cp1258(word: str) -> str:
    """Code page 1258 read as Windows-1252."""
    return cp1258_form(word).encode("cp1258", "replace").decode("cp1252", "replace")


def utf8_as_1252(word: str) -> str:
    """UTF-8 read as Windows-1252; its five unassigned bytes stay control characters, as browsers keep
    them.
    """
    return "".join(
        bytes([b]).decode("latin-1" if b in b"\x81\x8d\x8f\x90\x9d" else "cp1252")
        for b in unicodedata.normalize("NFC", word).encode()
    )


def utf8_as_latin1(word: str) -> str:
    """UTF-8 read as Latin-1."""
    return unicodedata.normalize("NFC", word).encode().decode("latin-1")


def question_marks(word: str) -> str:
    """Written to a Latin-1 column: what Latin-1 does not have became `?`."""
    return unicodedata.normalize("NFC", word).encode("latin-1", "replace").decode("latin-1")


def replacement_marks(word: str) -> str:
    """TCVN3 read as UTF-8: every accented letter became U+FFFD."""
    return "".join(c if c.isascii() else "\ufffd" for c in tcvn3(word))
