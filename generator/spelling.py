"""Ways to write one syllable, and a name written out of them.

Every way of writing is applied once to the whole vocabulary; a column of names is then a look-up in one
long table and a join, however many rows there are and however many ways they mix.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generator import encodings, text
from generator.chance import Ints
from generator.names import NONE, SLOTS, stock

Form = Callable[[str], str]
KEEP, UPPER, LOWER = range(3)

_TONES = {"\u0301": "s1", "\u0300": "f2", "\u0309": "r3", "\u0303": "x4", "\u0323": "j5"}
_TELEX = {"ă": "aw", "â": "aa", "đ": "dd", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw"}
_VNI_KEYS = {"ă": "a8", "â": "a6", "đ": "d9", "ê": "e6", "ô": "o6", "ơ": "o7", "ư": "u7"}
_OPEN = re.compile(r"(?i)^([bcdđghklmnprstvx]*)(o[ae]|uy)$")  # where the two places of the tone differ
_I_Y = re.compile(r"(?i)^(h|k|l|m|s|t|v|qu)([iy])$")
_ONSET = re.compile(r"(?i)^(ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])")


def _apart(word: str) -> tuple[str, str]:
    """A word without its tone, and the tone's combining mark or nothing."""
    parts = unicodedata.normalize("NFD", word)
    tone = "".join(c for c in parts if c in _TONES)
    return unicodedata.normalize("NFC", "".join(c for c in parts if c not in _TONES)), tone[:1]


def unmarked(word: str) -> str:
    """Without any mark: what a form that takes ASCII alone leaves."""
    bare = unicodedata.normalize(
        "NFD", word.replace("đ", "d").replace("Đ", "D").replace("ƀ", "b").replace("Ƀ", "B")
    )
    return "".join(c for c in bare if not unicodedata.combining(c))


def toneless(word: str) -> str:
    """The tone lost, the letters' shapes kept: Nguyễn as Nguyên."""
    return _apart(word)[0]


def tone_new(word: str) -> str:
    """The tone on the second vowel of open oa, oe, uy: hòa as hoà."""
    bare, tone = _apart(word)
    return unicodedata.normalize("NFC", bare + tone) if tone and _OPEN.match(bare) else word


def tone_misplaced(word: str) -> str:
    """The tone on the u of qu, where it never belongs: Quý as Qúy."""
    bare, tone = _apart(word)
    if not tone or not re.match(r"(?i)^qu[yi]$", bare):
        return word
    return unicodedata.normalize("NFC", bare[:2] + tone + bare[2:])


def i_y(word: str) -> str:
    """Open i for y and the other way about, where both are in use: Lý as Lí."""
    bare, tone = _apart(word)
    found = _I_Y.match(bare)
    if not found:
        return word
    other = {"i": "y", "y": "i", "I": "Y", "Y": "I"}[found[2]]
    return unicodedata.normalize("NFC", found[1] + other + tone)


def hook_tilde(word: str) -> str:
    """Hook for tilde and the other way about, as it is heard in the South: Nguyễn as Nguyển."""
    swap = {"\u0309": "\u0303", "\u0303": "\u0309"}
    return unicodedata.normalize("NFC", "".join(swap.get(c, c) for c in unicodedata.normalize("NFD", word)))


def onset_by_ear(word: str) -> str:
    """Onsets that sound alike in parts of the country: s and x, tr and ch."""
    for one, other in (("s", "x"), ("x", "s"), ("tr", "ch"), ("ch", "tr")):
        if word.lower().startswith(one) and not word.lower().startswith("th"):
            return (other.upper() if word[: len(one)].isupper() and len(word) > len(one) + 1 else
                    other.capitalize() if word[0].isupper() else other) + word[len(one) :]  # fmt: skip
    return word


def _keys(word: str, letters: dict[str, str], which: int, inside: bool) -> str:
    out, tone_key = "", ""
    for letter in unicodedata.normalize("NFC", word):
        bare, tone = _apart(letter)
        key = _TONES[tone][which] if tone else ""
        typed = letters.get(bare.lower(), bare)
        out += typed.capitalize() if bare.isupper() and typed != bare else typed
        if inside:
            out += key
        else:
            tone_key += key
    return (out + tone_key).upper() if word.isupper() and len(word) > 1 else out + tone_key


def telex(word: str) -> str:
    """Telex as it was typed, the tone's key last: Nguyễn as Nguyeenx (TCVN 8:2006 keyboards; DOMAIN 8.3)."""
    return _keys(word, _TELEX, 0, inside=False)


def telex_inside(word: str) -> str:
    """Telex with the tone's key right after its vowel: Nguyễn as Nguyeexn."""
    return _keys(word, _TELEX, 0, inside=True)


def vni_keys(word: str) -> str:
    """VNI keys with the tone's digit last: Nguyễn as Nguye6n4."""
    return _keys(word, _VNI_KEYS, 1, inside=False)


def initial(word: str) -> str:
    """The first letter and a full stop."""
    return word[:1] + "."


def onset(word: str) -> str:
    """The first consonants and a full stop: Nguyễn as Ng., Trần as Tr."""
    found = _ONSET.match(word)
    return (found[0] if found else word[:1]) + "."


def slip_double(word: str) -> str:
    """A consonant struck twice at the end, or else at the beginning: no syllable of the language looks so."""
    if re.search(r"(?i)[cghmnpt]$", word):
        return word + word[-1]
    if re.match(r"(?i)[bcghklmnptv]", word):
        return word[0] + (word[0] if word.isupper() else word[0].lower()) + word[1:]
    return word


def slip_swap(word: str) -> str:
    """The last two letters exchanged: Trung as Trugn, Linh as Lihn."""
    return re.sub(r"(?i)(n)(g|h)$", r"\2\1", word)


def _apostrophe(new: str) -> Form:
    return lambda word: re.sub("^([HhKk])'", rf"\1{new}", word)


def split(word: str) -> str:
    """One word as two: Nguyễn as Nguy ễn."""
    return word[: len(word) // 2] + " " + word[len(word) // 2 :] if len(word) > 4 else word


def _zero_width(word: str) -> str:
    return word[:1] + "\u200b" + word[1:] if len(word) > 1 else word


FORMS: dict[str, Form] = {
    "plain": lambda word: word,
    "nfd": lambda word: unicodedata.normalize("NFD", word),
    "cp1258_form": encodings.cp1258_form,
    "eth": lambda word: word.replace("Đ", "Ð"),
    "african_d": lambda word: word.replace("Đ", "Ɖ"),
    "tone_new": tone_new,
    "tone_misplaced": tone_misplaced,
    "zero_width": _zero_width,
    "curly": _apostrophe("\u2019"),
    "modifier": _apostrophe("\u02bc"),
    "spaced": _apostrophe("' "),
    "no_apostrophe": _apostrophe(""),
    "unmarked": unmarked,
    "toneless": toneless,
    "i_y": i_y,
    "tcvn3": encodings.tcvn3,
    "vni": encodings.vni,
    "viscii": encodings.viscii,
    "cp1258": encodings.cp1258,
    "utf8_as_1252": encodings.utf8_as_1252,
    "utf8_as_latin1": encodings.utf8_as_latin1,
    "question_marks": encodings.question_marks,
    "replacement_marks": encodings.replacement_marks,
    "telex": telex,
    "telex_inside": telex_inside,
    "vni_keys": vni_keys,
    "initial": initial,
    "onset": onset,
    "letter": lambda word: word[:1],
    "unmarked_initial": lambda word: initial(unmarked(word)),
    "unmarked_onset": lambda word: onset(unmarked(word)),
    "split": split,
    "hook_tilde": hook_tilde,
    "onset_by_ear": onset_by_ear,
    "slip_double": slip_double,
    "slip_swap": slip_swap,
}  # fmt: skip
FORM = {name: number for number, name in enumerate(FORMS)}
SEPARATORS = (" ", "", "  ", "\u00a0", ", ", ".", "\t ", " \u200b", ". ")
SEPARATOR = {text: number for number, text in enumerate(SEPARATORS)}


@cache
def cased() -> tuple[str, ...]:
    """The vocabulary as it stands, then in capitals, then small: syllable `s` in case `c` is at `c * size +
    s`.
    """
    words = stock().vocabulary.words
    return (*words, *(word.upper() for word in words), *(word.lower() for word in words))


@cache
def size() -> int:
    """How many syllables the vocabulary has."""
    return len(stock().vocabulary.words)


@cache
def _written() -> pa.Array:
    return pa.array([form(word) for form in FORMS.values() for word in cased()], pa.string())


@cache
def changes() -> npt.NDArray[np.bool_]:
    """For each form and cased syllable: does the form change it."""
    plain = cased()
    rows = [[form(word) != word for word in plain] for form in FORMS.values()]
    return np.array(rows)


@cache
def passes_for_a_name() -> npt.NDArray[np.bool_]:
    """For each form and cased syllable: could what is written be a syllable that somebody wrote on purpose.

    It could if it has letters of Vietnamese only, and no pair of vowels that the language never writes.
    """
    outside = re.compile(f"[^A-Za-z{encodings.LETTERS}]|[aeAE][àáãâèéêÀÁÃÂÈÉÊ]|[yY][ùÙ]")
    rows = [
        [outside.search(unicodedata.normalize("NFC", form(word))) is None for word in cased()]
        for form in FORMS.values()
    ]
    return np.array(rows)


def write(
    syllables: npt.NDArray[np.integer], forms: npt.NDArray[np.int8], gaps: npt.NDArray[np.int8]
) -> pa.Array:
    """Names as text. All three have the shape (names, SLOTS): the cased syllable, the form in which it is
    written, and the separator after it (the one after the last syllable is written too, where it is not a
    space).
    """
    last = (syllables != NONE).sum(axis=1) - 1
    parts: list[pa.Array] = []
    table, separators = _written(), pa.array((*SEPARATORS, ""), pa.string())
    width = len(cased())
    for slot in range(SLOTS):
        word = forms[:, slot].astype(np.int64) * width + syllables[:, slot]
        gap = gaps[:, slot].astype(np.int64)
        gap = np.where((slot > last) | ((slot == last) & (gap == 0)), len(SEPARATORS), gap)
        parts += [table.take(pa.array(word)), separators.take(pa.array(gap))]
    return text.joined(*parts)


def plain(syllables: npt.NDArray[np.int32]) -> pa.Array:
    """Names as the card prints them."""
    nothing = np.zeros(syllables.shape, np.int8)
    return write(syllables, nothing, nothing)


def folded(syllables: npt.NDArray[np.int32], which: Ints) -> pa.Array:
    """One syllable of each name in small ASCII letters, for an address: `which` is its slot."""
    chosen = syllables[np.arange(len(syllables)), which] + LOWER * size()
    ascii_only = re.compile("[^a-z]")
    table = pa.array([ascii_only.sub("", unmarked(word)) for word in cased()], pa.string())
    return table.take(pa.array(chosen))
