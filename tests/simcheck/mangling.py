"""Vietnamese names ruined in the known ways, by tables of their own (made with iconv and from RFC 1456).

Each function gives what the ruining program stored: bytes for encodings, text for keystrokes.
"""

from __future__ import annotations

import unicodedata

_LETTERS = "áàảãạăắằẳẵặâấầẩẫậéèẻẽẹêếềểễệíìỉĩịóòỏõọôốồổỗộơớờởỡợúùủũụưứừửữựýỳỷỹỵđ"
# iconv -t TCVN5712-1 and iconv -t VISCII of these letters
_TCVN3 = (
    "b8b5b6b7b9a8bebbbcbdc6a9cac7c8c9cbd0cccecfd1aad5d2d3d4d6ddd7d8dcdee3dfe1e2e4abe8e5e6e7e9acedeaebeceef3eff1f2f4ad"
    "f8f5f6f7f9fdfafbfcfeae"
)
_VISCII = (
    "e1e0e4e3d5e5a1a2c6c7a3e2a4a5a6e7a7e9e8eba8a9eaaaabacadaeedecefeeb8f3f2f6f5f7f4afb0b1b2b5bdbeb6b7defefaf9fcfbf8df"
    "d1d7d8e6f1fdcfd6dbdcf0"
)
_VISCII_CAPITALS = (
    "c1c0c4c380c58182020583c28485860687c9c8cb8889ca8a8b8c8d8ecdcc9bce98d3d299a09ad48f90919293b4959697b394dad99c9d9ebf"
    "babbbcffb9dd9f14191ed0"
)
# TCVN3 fonts have these capitals alone; all others were small letters in a font of capitals
_TCVN3_CAPITALS = {"Ă": 0xA1, "Â": 0xA2, "Ê": 0xA3, "Ô": 0xA4, "Ơ": 0xA5, "Ư": 0xA6, "Đ": 0xA7}

TCVN3_TABLE = dict(zip(_LETTERS, bytes.fromhex(_TCVN3), strict=True)) | _TCVN3_CAPITALS
VISCII_TABLE = dict(zip(_LETTERS, bytes.fromhex(_VISCII), strict=True)) | dict(
    zip(_LETTERS.upper(), bytes.fromhex(_VISCII_CAPITALS), strict=True)
)
VNI_TABLE = dict(
    pair.split("=")
    for pair in (
        "á=aù à=aø ả=aû ã=aõ ạ=aï â=aâ ấ=aá ầ=aà ẩ=aå ẫ=aã ậ=aä ă=aê ắ=aé ằ=aè ẳ=aú ẵ=aü ặ=aë "
        "é=eù è=eø ẻ=eû ẽ=eõ ẹ=eï ê=eâ ế=eá ề=eà ể=eå ễ=eã ệ=eä í=í ì=ì ỉ=æ ĩ=ó ị=ò "
        "ó=où ò=oø ỏ=oû õ=oõ ọ=oï ô=oâ ố=oá ồ=oà ổ=oå ỗ=oã ộ=oä ơ=ô ớ=ôù ờ=ôø ở=ôû ỡ=ôõ ợ=ôï "
        "ú=uù ù=uø ủ=uû ũ=uõ ụ=uï ư=ö ứ=öù ừ=öø ử=öû ữ=öõ ự=öï ý=yù ỳ=yø ỷ=yû ỹ=yõ ỵ=î đ=ñ"
    ).split()
)
_TONES = "\u0301\u0300\u0309\u0303\u0323"  # sắc huyền hỏi ngã nặng


def tcvn3(name: str) -> bytes:
    """Stored with a TCVN3 (ABC) font."""
    return bytes(_code(TCVN3_TABLE, each) for each in name)


def viscii(name: str) -> bytes:
    """Stored as VISCII (RFC 1456)."""
    return bytes(_code(VISCII_TABLE, each) for each in name)


def _code(table: dict[str, int], letter: str) -> int:
    return table.get(letter) or table.get(letter.lower()) or ord(letter)


def vni(name: str) -> bytes:
    """Stored with a VNI font: a letter's marks are a second character."""
    out = ""
    for each in name:
        two = VNI_TABLE.get(each.lower(), each.lower())
        out += two.upper() if each.isupper() and len(two) == 1 else two
        if each.isupper() and len(two) == 2:
            out = out[:-2] + two.upper()
    return out.encode("latin-1")


def cp1258(name: str) -> bytes:
    """Stored as Windows code page 1258: a letter with its shape, then its tone."""
    out = b""
    for each in name:
        apart = unicodedata.normalize("NFD", each)
        tone = next((mark for mark in apart[1:] if mark in _TONES), "")
        out += (unicodedata.normalize("NFC", apart.replace(tone, "")) + tone).encode("cp1258")
    return out


DEAD = [tcvn3, vni, cp1258, viscii]  # in the order in which the product numbers them


def misread(stored: bytes, codec: str) -> str:
    """What a program shows that takes bytes for Latin-1 or for CP1252 (as browsers do, gaps as Latin-1)."""
    if codec == "latin-1":
        return stored.decode("latin-1")
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
        for byte in stored
    )


def mojibake(name: str, codec: str, times: int) -> str:
    """UTF-8 that was misread, `times` times over."""
    for _ in range(times):
        name = misread(name.encode(), codec)
    return name


_TELEX = {"â": "aa", "ê": "ee", "ô": "oo", "ă": "aw", "ơ": "ow", "ư": "uw", "đ": "dd"}
_VNI_KEYS = {"â": "a6", "ê": "e6", "ô": "o6", "ă": "a8", "ơ": "o7", "ư": "u7", "đ": "d9"}


def telex(name: str, late: bool = True) -> str:
    """The Telex keystrokes of a name; the tone's key `late` at its word's end, else right after the vowel."""
    return _typed(name, _TELEX, "sfrxj", late)


def vni_keys(name: str, late: bool = True) -> str:
    """The same for VNI typing."""
    return _typed(name, _VNI_KEYS, "12345", late)


def _typed(name: str, shapes: dict[str, str], tones: str, late: bool) -> str:
    words = []
    for word in name.split():
        keys = last = ""
        for each in word:
            apart = unicodedata.normalize("NFD", each)
            tone = next((mark for mark in apart[1:] if mark in _TONES), "")
            letter = unicodedata.normalize("NFC", apart.replace(tone, "") if tone else apart)
            typed = shapes.get(letter.lower(), letter.lower())
            keys += typed.capitalize() if letter.isupper() else typed
            key = tones[_TONES.index(tone)] if tone else ""
            keys, last = (keys, last + key) if late else (keys + key, last)
        words.append(keys + last)
    return " ".join(words)
