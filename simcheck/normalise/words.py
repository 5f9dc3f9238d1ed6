"""The words that names are made of: each distinct word is looked at once, in full.

A country writes a hundred million names with some ten thousand words. So a name becomes a list of
word numbers, whatever can be known about a word alone is worked out once, and comparing two names is
comparing integers (see `matching.names`).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.normalise.encodings import LEGACY, utf8_misread
from simcheck.normalise.kernels import Bytes, Offsets, kernel, text
from simcheck.normalise.keystrokes import telex, vni_keys
from simcheck.normalise.letters import APOSTROPHES, INVISIBLE, LETTER, SPACES, TABLE_SIZE, UNKNOWN
from simcheck.normalise.names import code_point
from simcheck.normalise.syllables import bare, canonical, information, is_bare_syllable, is_syllable

I32 = npt.NDArray[np.int32]

# What is known of a word, as bits.
MARKED, VALID, ABBREVIATION, LOST, FAMILY, NEVER_GIVEN, BEYOND_LATIN_1, BARE_VALID = (
    1 << i for i in range(8)
)

# The other ways in which a word may be read: four dead encodings, then two keyboards.
READINGS = len(LEGACY) + 2
KEYBOARDS_FROM = len(LEGACY)

_FAMILIES = frozenset(map(canonical, """
    Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Lí Trương Đinh Trịnh Nông Mai
    Đào  Đoàn Lương Cao Hà Tạ Châu Tô Lâm Phùng Vương Thái Tăng La Quách Triệu Lưu Chu Tống Kiều Mạc Từ
    Văn
    """.split()))  # fmt: skip
_NEVER_GIVEN = frozenset(
    map(
        canonical,
        """
    Thị Nguyễn Trần Phạm Phan Bùi Huỳnh Ngô Đỗ Trịnh Trương Đặng Võ Hữu Đoàn Phùng
    """.split(),
    )
)
_KNOWN_SHORT = frozenset(("ng", "tr", "ph", "th", "hg"))
_LOST = "?\ufffd"
_SAYS_SOMETHING = re.compile(r"\w|[?\ufffd]")
_APOSTROPHE = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
# y and i are the same sound only where they are the whole rime (Lý, Lí; Quý, Quí), not in Thuý, Hay
_ALONE_Y = re.compile(r"^(qu|[^aăâeêioôơuưy0-9]*)y(?=[\ue000-\ue005]?$)")


class WordTable(NamedTuple):
    """Word `w`, one row each. Numbers of forms compare equal exactly when the forms are the same.

    `exact` is the form as written, `plain` the form without marks, `i_y` as written but with a lone y
    read as i, `readings[w, r]` the form that reading `r` gives (-1 where it gives none), `flags` the
    bits above, `information` in bits. `form_at`/`forms` and `plain_at`/`plains` hold the code points of
    the exact and the plain form.
    """

    exact: I32
    plain: I32
    i_y: I32
    readings: npt.NDArray[np.int32]
    flags: Bytes
    information: npt.NDArray[np.float32]
    form_at: I32
    forms: I32
    plain_at: I32
    plains: I32


class Words(NamedTuple):
    """A column of names as words: row `i` holds `word[starts[i]:starts[i + 1]]`.

    `encoded[i]` says that the value as a whole was UTF-8 misread, and has been put right.
    """

    word: I32
    starts: I32
    encoded: npt.NDArray[np.bool_]


class Vocabulary:
    """Every word met so far. Shared by all threads of a run; words are only ever added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number: dict[str, int] = {}
        self._form: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, tuple[int, ...], int, float]] = []
        self._forms: list[str] = []
        self._plains: list[str] = []
        self._table: WordTable | None = None

    def split(self, names: pa.StringArray) -> Words:
        """The words of a column of names."""
        clean, encoded = _clean(names)
        listed = pc.split_pattern(clean, " ")
        word_strings = listed.flatten()
        coded = word_strings.dictionary_encode()
        numbers = self._numbers(coded.dictionary.to_pylist())
        word = numbers[coded.indices.to_numpy()] if len(coded) else np.zeros(0, np.int32)
        starts = np.asarray(listed.offsets, dtype=np.int32)
        keep = word >= 0  # the empty word between two spaces
        before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int32)
        return Words(word[keep], before[starts - starts[0]], encoded)

    def table(self) -> WordTable:
        """What is known of all words met so far."""
        with self._lock:
            if self._table is None or len(self._table.exact) < len(self._rows):
                self._table = self._build()
            return self._table

    def _numbers(self, distinct: list[str]) -> I32:
        known = self._number
        distinct = [word if _SAYS_SOMETHING.search(word) else "" for word in distinct]
        missing = [word for word in distinct if word and word not in known]
        if missing:
            with self._lock:
                for word in missing:
                    if word not in known:
                        self._rows.append(self._look_at(word))
                        known[word] = len(self._rows) - 1
        return np.array([known[word] if word else -1 for word in distinct], np.int32)

    def _form_number(self, form: str) -> int:
        return self._form.setdefault(form, len(self._form))

    def _look_at(self, word: str) -> tuple[int, int, int, tuple[int, ...], int, float]:
        form = canonical(word.replace(".", "").translate(_APOSTROPHE))
        plain = bare(form)
        self._forms.append(form)
        self._plains.append(plain)
        readings = [self._read(word, decode) for decode in (*LEGACY, telex, vni_keys)]
        return (
            self._form_number(form),
            self._form_number(plain),
            self._form_number(_ALONE_Y.sub(r"\1i", form)),
            tuple(readings),
            _flags(word, form, plain),
            information(plain),
        )

    def _read(self, word: str, decode: Callable[[str], str | None]) -> int:
        """The number of the form that a reading gives; a plain ASCII word reads as itself."""
        read = decode(word)
        if read is None and "'" in word:  # K'Phucs: what follows the apostrophe was typed
            head, _, tail = word.rpartition("'")
            typed = decode(tail)
            read = None if typed is None else f"{head}'{typed}"
        if read is None:
            return self._form_number(canonical(word)) if word.isascii() and word.isalpha() else -1
        return self._form_number(canonical(read))

    def _build(self) -> WordTable:
        exact, plain, i_y, readings, flags, bits = zip(*self._rows, strict=True) if self._rows else [[]] * 6
        form_at, forms = _pool(self._forms)
        plain_at, plains = _pool(self._plains)
        return WordTable(
            np.array(exact, np.int32),
            np.array(plain, np.int32),
            np.array(i_y, np.int32),
            np.array(readings, np.int32).reshape(-1, READINGS),
            np.array(flags, np.uint8),
            np.array(bits, np.float32),
            form_at,
            forms,
            plain_at,
            plains,
        )


def _pool(strings: list[str]) -> tuple[I32, I32]:
    starts = np.concatenate([[0], np.cumsum([len(each) for each in strings])]).astype(np.int32)
    return starts, np.frombuffer("".join(strings).encode("utf-32-le"), np.int32)


def _flags(word: str, form: str, plain: str) -> int:
    letters = [character for character in unicodedata.normalize("NFC", word) if not character.isascii()]
    # a vowel alone is a word of its own (Y, A, Ý) unless a full stop cuts it short
    short = word.endswith(".") or (len(plain) == 1 and plain not in "aeiouy") or plain in _KNOWN_SHORT
    return (
        MARKED * (form != plain)
        | VALID * is_syllable(form)
        | ABBREVIATION * short
        | LOST * any(character in _LOST for character in word)
        | FAMILY * (form in _FAMILIES or (form == plain and any(bare(each) == plain for each in _FAMILIES)))
        | NEVER_GIVEN * (form in _NEVER_GIVEN or any(bare(each) == form for each in _NEVER_GIVEN))
        | BEYOND_LATIN_1 * all(ord(character) > 0xFF for character in letters)
        | BARE_VALID * is_bare_syllable(plain)
    )


def _clean(names: pa.StringArray) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """Names with one kind of space and of apostrophe, and which of them were UTF-8 misread."""
    offsets, data = text(names)
    odd = np.zeros(len(names), np.bool_)
    pointed = np.zeros(len(names), np.bool_)
    _odd(offsets, data, LETTER, odd, pointed)
    encoded = np.zeros(len(names), np.bool_)
    if pointed.any():
        spaced = pc.replace_substring_regex(names.filter(pa.array(pointed)), r"\.([^ .])", r". \1")
        spaced = pc.replace_substring_regex(spaced, f"([{APOSTROPHES}]) +", "'")
        spaced = pc.replace_substring_regex(spaced, "[-_,;/]+", " ")
        names = pc.replace_with_mask(names, pa.array(pointed), spaced)
    if odd.any():
        distinct = names.filter(pa.array(odd)).dictionary_encode()
        untangled = [_untangle(value or "") for value in distinct.dictionary.to_pylist()]
        values = pa.array([value for value, _ in untangled], pa.string())
        names = pc.replace_with_mask(names, pa.array(odd), values.take(distinct.indices))
        was = np.array([misread for _, misread in untangled], np.bool_)
        encoded[odd] = was[distinct.indices.to_numpy()]
    return names, encoded


_HIDDEN = re.compile(f"[{INVISIBLE}\x00-\x08\x0e-\x1f\x7f]")
_SPACE = re.compile(f"[{SPACES}\x85]")


def _untangle(value: str) -> tuple[str, bool]:
    """A value with odd characters: misread UTF-8 put right, else one plain space and nothing hidden.

    A value that is all Latin-1 or CP1252 may stand in a dead encoding whose letters look like spaces
    or like nothing (0xA0, 0xAD, control characters). They are kept where a reading makes more words into
    syllables than the value as it stands.
    """
    read = utf8_misread(value)
    if read is not None and not read.isascii():
        return _HIDDEN.sub("", _SPACE.sub(" ", read)), True
    plain = _HIDDEN.sub("", _SPACE.sub(" ", value))
    if all(is_syllable(canonical(word)) for word in plain.split()):
        return plain, False
    written = [word for word in re.split("[ \t]+", value) if word]
    sound = _syllables_in(plain.split())
    for decode in LEGACY:
        words = [decode(word) for word in written]
        if None not in words and _syllables_in(words) > sound:
            return " ".join(written), False
    return plain, False


def _syllables_in(words: Iterable[str | None]) -> int:
    return sum(word is not None and is_syllable(canonical(word)) for word in words)


@kernel
def _odd(
    offsets: Offsets, data: Bytes, letter: Bytes, odd: npt.NDArray[np.bool_], pointed: npt.NDArray[np.bool_]
) -> None:
    """Mark values that must be read as a whole, and those with punctuation."""
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        before = np.int64(0)
        while at < end:
            point, width = code_point(data, at)
            at += width
            if point < 0x20 or point == 0x7F or 0x80 <= point <= 0xA0 or point == 0xAD:
                odd[row] = True
            elif 0xA1 <= point <= 0xBF:
                # a lead byte of misread UTF-8 stands before these; alone they are letters of TCVN3
                odd[row] |= 0xC3 <= before <= 0xC6 or before == 0xE1
            elif point >= TABLE_SIZE or (point >= 0x152 and letter[point] == UNKNOWN):
                odd[row] = True
                pointed[row] |= 0x2018 <= point <= 0x2032 or point >= 0xA78C
            elif (point < 0x30 and point != 0x20) or point in (0x3B, 0x5F, 0x60, 0x2BC, 0x2BB, 0x2B9):
                pointed[row] = True
            before = point
