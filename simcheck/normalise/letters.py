"""The Vietnamese alphabet as tables over code points: what a letter is, and which tone it carries.

A syllable is written as letters with a shape (a, ă, â, đ ...) and at most one tone. Where the tone
mark stands (hòa, hoà), in which Unicode form (precomposed, combining), and in which case, carries no
information, so the tables take a character apart into *letter* and *tone*, and everything above
compares letters in order and one tone a syllable. Sources: Unicode 16 canonical decompositions;
Quyết định 1989/QĐ-BGDĐT (2018) for the two places of the tone mark, both of which are met.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

TABLE_SIZE = 0x2100  # every precomposed Vietnamese letter and most punctuation lie below
SKIPPED, SEPARATOR, UNKNOWN = 253, 254, 255  # what `LETTER` says of the invisible, of spaces, of all else
APOSTROPHE = 100  # the code of an apostrophe of any shape: in Highland names it is a letter
FIRST_MARK = 200  # codes from here on are combining shape marks (see `MARKS`)

# Letters with their shape, without tone: Vietnamese, foreign names' letters, and the Highland
# languages' own (Ê Đê, Gia Rai, Ba Na ...: DOMAIN 8.2).
ALPHABET = "abcdefghijklmnopqrstuvwxyzăâđêôơưƀčĕĭŏñŭ"
# In canonical forms a tone stands at its word's end, as a code point that no text holds: a 1 that was typed
# (VNI keystrokes) is no tone.
TONE_MARKS = "\ue000\ue001\ue002\ue003\ue004\ue005"
TONES = {"\u0300": 1, "\u0340": 1, "\u0301": 2, "\u0341": 2, "\u0309": 3, "\u0303": 4, "\u0323": 5}
MARKS = "\u0302\u0306\u031b\u030c"  # circumflex, breve, horn, caron
TONE_MARK = FIRST_MARK + 20  # `LETTER` of a combining tone mark; its tone stands in `TONE`
LOOKALIKES = {"Ð": "đ", "ð": "đ", "Ɖ": "đ", "ɖ": "đ"}  # Eth and African D are met for Đ
SPACES = " \t\r\n\v\f\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# Invisible characters, dropped once it is sure that none of them is a letter of a dead encoding.
INVISIBLE = "\u00ad\u034f\u061c\u180e\ufeff" + "".join(
    chr(point)
    for first, last in ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069))
    for point in range(first, last + 1)
)
APOSTROPHES = "'\u00b4\u2018\u2019\u02bc\u02bb\u02b9\u2032\uff07\ua78c`"


@cache
def take_apart(character: str) -> tuple[str, int, str]:
    """One character as (letter with shape, tone 0 to 5, what is left: shape marks that compose nothing).

    The letter is lower case. A character that is no letter comes back as itself with tone 0.
    """
    character = LOOKALIKES.get(character, character)
    shape, tone = "", 0
    for part in unicodedata.normalize("NFD", character.lower()):
        if part in TONES and tone == 0 and not (part == "\u0303" and shape in {"n", "N"}):
            tone = TONES[part]
        else:
            shape += part
    composed = unicodedata.normalize("NFC", shape)
    return composed[:1], tone, composed[1:]


def _tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    letter = np.full(TABLE_SIZE, UNKNOWN, np.uint8)
    tone = np.zeros(TABLE_SIZE, np.uint8)
    code = {character: index + 1 for index, character in enumerate(ALPHABET)}
    for point in range(TABLE_SIZE):
        character = chr(point)
        if character in TONES:
            letter[point], tone[point] = TONE_MARK, TONES[character]
        elif character in MARKS:
            letter[point] = FIRST_MARK + MARKS.index(character)
        elif character in SPACES:
            letter[point] = SEPARATOR
        elif character in INVISIBLE:
            letter[point] = SKIPPED
        elif character in APOSTROPHES:
            letter[point] = APOSTROPHE
        else:
            base, its_tone, rest = take_apart(character)
            if base in code and not rest:
                letter[point], tone[point] = code[base], its_tone
    compose = np.zeros((len(ALPHABET) + 1, len(MARKS)), np.uint8)
    for base, index in code.items():
        for mark_index, mark in enumerate(MARKS):
            compose[index, mark_index] = code.get(unicodedata.normalize("NFC", base + mark), 0)
    return letter, tone, compose


LETTER, TONE, COMPOSE = _tables()
