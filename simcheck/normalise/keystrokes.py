"""Keystrokes that an input method should have turned into letters: `Nguyeenx`, `Nguye6n4`.

Telex doubles a vowel for the circumflex, adds w for breve and horn, dd for đ, and one of s f r x j for
the tone; VNI typing adds digits. A word is read this way only when all of it parses and what comes out
is a Vietnamese syllable.
"""

from __future__ import annotations

import re
import unicodedata

from simcheck.normalise.syllables import canonical, is_bare_syllable, is_syllable

_TELEX_TONE = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_TELEX = re.compile(r".[sfrxj]|w|([aeod]).*\1")  # what none of which is in was not typed in Telex
_VNI_TONE = dict(zip("12345", "\u0301\u0300\u0309\u0303\u0323", strict=True))
_HIGHLAND = frozenset("niê byă yă buôn êban mlô kbuôr ksơr hđơk êñuôl kđăm".split())
_DIGITS = frozenset("123456789")
_CIRCUMFLEX = {"a": "â", "e": "ê", "o": "ô"}
_HORN_OR_BREVE = {"a": "ă", "o": "ơ", "u": "ư"}
_VOWELS = "aeiouyăâêôơư"


def telex(word: str) -> str | None:
    """The syllable that Telex keystrokes spell, or None: `nguyeenx` is `nguyễn`.

    A word that can be a syllable as it stands is none that was left half typed.
    """
    if not _TELEX.search(word.lower()) or is_bare_syllable(word.lower()):
        return None
    out: list[str] = []
    tone, started = "", False
    for key in word.lower():
        if key in _TELEX_TONE and started and not tone:
            tone = _TELEX_TONE[key]
        elif key in _CIRCUMFLEX and key in out:
            out[out.index(key)] = _CIRCUMFLEX[key]
        elif key == "d" and "d" in out[:1]:
            out[0] = "đ"
        elif key == "w":
            if not _add_horn_or_breve(out):
                out.append("ư")
                started = True
        else:
            out.append(key)
            started = started or key in _VOWELS
    return _syllable(word, out, tone)


def vni_keys(word: str) -> str | None:
    """The syllable that VNI keystrokes spell, or None: `nguye6n4` is `nguyễn`."""
    if not _DIGITS.intersection(word):
        return None
    out: list[str] = []
    tone = ""
    for key in word.lower():
        if key in _VNI_TONE and not tone:
            tone = _VNI_TONE[key]
        elif key == "6" and (at := _last(out, _CIRCUMFLEX)) is not None:
            out[at] = _CIRCUMFLEX[out[at]]
        elif (key == "7" and _add_horn_or_breve(out, "ou")) or (key == "8" and _add_horn_or_breve(out, "a")):
            continue
        elif key == "9" and out[:1] == ["d"]:
            out[0] = "đ"
        else:
            out.append(key)
    return _syllable(word, out, tone)


def _add_horn_or_breve(out: list[str], on: str = "aou") -> bool:
    at = _last(out, on)
    if at is None:
        return False
    if out[at] == "o" and at and out[at - 1] == "u" and out[: at - 1] != ["q"]:
        out[at - 1] = "ư"
    out[at] = _HORN_OR_BREVE[out[at]]
    if out[at] == "ư" and at + 1 < len(out) and out[at + 1] == "o":
        out[at + 1] = "ơ"
    return True


def _last(out: list[str], letters: str | dict[str, str]) -> int | None:
    return next((at for at in range(len(out) - 1, -1, -1) if out[at] in letters), None)


def _syllable(word: str, out: list[str], tone: str) -> str | None:
    letters = "".join(out)
    if not tone and letters == word.lower():
        return None
    spelled = letters
    if tone:
        at = next((i for i in range(len(out) - 1, -1, -1) if out[i] in _VOWELS), None)
        if at is None:
            return None
        spelled = letters[: at + 1] + tone + letters[at + 1 :]
    spelled = unicodedata.normalize("NFC", spelled)
    return spelled if _is_word(canonical(spelled)) else None


def _is_word(form: str) -> bool:
    """A Vietnamese syllable, or what Highland names have beside them: H before one, some family names."""
    return is_syllable(form) or form in _HIGHLAND or (form[:1] == "h" and is_syllable(form[1:]))
