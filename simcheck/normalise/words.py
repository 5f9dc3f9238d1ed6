"""The words that names are made of: each distinct word is looked at once, in full.

A country writes a hundred million names with some ten thousand words. So a name becomes a list of
word numbers, whatever can be known about a word alone is worked out once, and comparing two names is
comparing integers (see `matching.names`).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.encodings import LEGACY, single_bytes
from simcheck.normalise.keystrokes import telex, vni_keys
from simcheck.normalise.letters import APOSTROPHES, TONE_MARKS
from simcheck.normalise.separators import HIDDEN, separated
from simcheck.normalise.syllables import bare, canonical, information, is_bare_syllable, is_syllable
from simcheck.normalise.tokens import WordNumbers

I32 = npt.NDArray[np.int32]
Facts = npt.NDArray[np.int32]  # shape (words, FACTS)

# What is known of a word, as bits.
MARKED, VALID, ABBREVIATION, LOST, FAMILY, NEVER_GIVEN, BEST_FIT, BARE_VALID, NAMING, BARE_FAMILY = (
    1 << i for i in range(10)
)

# The other ways in which a word may be read: four dead encodings, then two keyboards.
READINGS = len(LEGACY) + 2
KEYBOARDS_FROM = len(LEGACY)
EXACT, PLAIN, I_Y_FORM, FLAGS, FIRST_READING = range(5)
FACTS = FIRST_READING + READINGS
LONGEST_READ = 16  # characters of a word, of which an encoding may need two a letter


# Family names by which a name written family first is known, and words that no one has as a given name.
_FAMILIES = [
    canonical(name)
    for name in """
    Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Lí Trương Đinh Trịnh Nông Mai
    Đào Đoàn Lương Cao Hà Tạ Châu Tô Lâm Phùng Vương Thái Tăng La Quách Triệu Lưu Chu Tống Kiều Mạc Từ
    Văn
    """.split()
]
_FAMILY, _BARE_FAMILY = frozenset(_FAMILIES), frozenset(map(bare, _FAMILIES))
_NEVER_GIVEN = frozenset(
    bare(canonical(name))
    for name in "Thị Nguyễn Trần Phạm Phan Bùi Huỳnh Ngô Đỗ Trịnh Trương Đặng Võ Hữu Đoàn Phùng".split()
)
# Syllables that begin with a vowel and are names; others (ợng, iết) are what is left of a torn word.
_NAMES_IN_VOWELS = frozenset(
    """
    a ai am an anh ao âm ân âu ăn em en êm i ich oai oan oanh on ong ông ơn u ut uy uyên ươc ưng y yên
    """.split()
)
_KNOWN_SHORT = frozenset(("ng", "tr", "ph", "th", "hg"))
# letters that Windows writes as a, d, o, u in CP1252; all others of ours become holes
_WITHOUT_BEST_FIT = str.maketrans("", "", "ăđơưĂĐƠƯ")
_SAYS_SOMETHING = re.compile(r"\w|[?\ufffd]")
_APOSTROPHE = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
# y and i are the same sound only where they are the whole rime (Lý, Lí; Quý, Quí), not in Thuý, Hay
_ALONE_Y = re.compile(r"^(qu|[^aăâeêioôơuưy0-9]*)y(?=[\ue000-\ue005]?$)")


class WordTable(NamedTuple):
    """What is known of every word, one row a word.

    The columns of `facts` (int32) are the numbers of its forms, which are equal exactly when the forms are:
    EXACT as written, PLAIN without marks, I_Y_FORM as written but with a lone y read as i; FLAGS, the bits
    above; and from FIRST_READING on the form that each reading gives (-1 where it gives none). `information`
    is in bits. `form_at`/`forms` and `plain_at`/`plains` hold the code points of exact and plain forms.
    """

    facts: Facts
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
        self._spelled: dict[str, int] = {}  # the same, of words without case
        self._known = WordNumbers()
        self._form: dict[str, int] = {}
        self._facts, self._information = _Column(np.int32, FACTS), _Column(np.float32)
        self._forms, self._plains = _Pool(), _Pool()

    def split(self, names: pa.StringArray) -> Words:
        """The words of a column of names."""
        clean, encoded = separated(names)
        word, starts, unmet = self._known.look_up(*clean)
        if len(unmet):
            letters = clean.data
            met = [letters[at:end].tobytes().decode() for _, at, end in unmet.tolist()]
            word[unmet[:, 0]] = self._numbers(met)
        if len(word) and word.min() < 0:
            keep = word >= 0
            before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int32)
            word, starts = word[keep], before[starts]
        return Words(word, starts, encoded)

    def table(self) -> WordTable:
        """What is known of all words met so far."""
        with self._lock:
            return WordTable(
                self._facts.filled,
                self._information.filled,
                self._forms.at.filled,
                self._forms.letters.filled,
                self._plains.at.filled,
                self._plains.letters.filled,
            )

    def _numbers(self, met: list[str]) -> I32:
        known = self._number
        if any(word not in known for word in met):
            with self._lock:
                self._look_at([word for word in dict.fromkeys(met) if word not in known])
        return np.array([known[word] for word in met], np.int32)

    def _look_at(self, words: list[str]) -> None:
        """Work out what can be known of new words. A word gets its number last, when all else is there.

        Words without a letter or a hole get -1. Words that differ in case alone are one, but for those that a
        dead encoding may have left: of these, case makes other letters.
        """
        spelled = [_without_case(word) for word in words]
        new = [each for each in dict.fromkeys(spelled) if each not in self._spelled]
        telling = [each for each in new if _SAYS_SOMETHING.search(each)]
        first = len(self._facts.filled)
        if telling:
            self._add(telling)
        self._spelled.update(dict.fromkeys(new, -1))
        self._spelled.update(zip(telling, range(first, first + len(telling)), strict=True))
        numbers = [self._spelled[each] for each in spelled]
        self._number.update(zip(words, numbers, strict=True))
        self._known.add([word.encode() for word in words], numbers)

    def _add(self, words: list[str]) -> None:
        seen = [
            word
            if word.isascii() and word.isalpha()
            else HIDDEN.sub("", word.replace(".", "").translate(_APOSTROPHE))
            for word in words
        ]
        forms = [canonical(word) for word in seen]
        plains = [bare(form) for form in forms]
        flags = [_flags(*each) for each in zip(words, forms, plains, strict=True)]
        number = self._form_number
        self._facts.add(
            [
                [number(form), number(plain), number(_with_i(form)), flag, *self._read(word)]
                for word, form, plain, flag in zip(words, forms, plains, flags, strict=True)
            ]
        )
        self._information.add([information(plain) for plain in plains])
        self._forms.add(forms)
        self._plains.add(plains)

    def _form_number(self, form: str) -> int:
        return self._form.setdefault(form, len(self._form))

    def _read(self, word: str) -> list[int]:
        """The numbers of the forms that each reading gives, -1 for none; plain letters read as themselves.

        What is longer than any word of a name (glued names, mostly) is not read.
        """
        if len(word) > LONGEST_READ:
            return [-1] * READINGS
        if word.isascii():
            alone = self._form_number(canonical(word)) if word.isalpha() else -1
            read = [alone] * KEYBOARDS_FROM
        elif single_bytes(word) is None:  # Unicode as it should be: no byte was ever read wrongly
            alone, read = -1, [-1] * KEYBOARDS_FROM
        else:
            alone = -1
            read = [
                -1 if form is None else self._form_number(canonical(form))
                for form in (d(word) for d in LEGACY)
            ]
        head, apostrophe, tail = word.rpartition("'")  # K'Phucs: what follows the apostrophe was typed
        for decode in (telex, vni_keys):
            typed = decode(tail)
            read.append(alone if typed is None else self._form_number(canonical(head + apostrophe + typed)))
        return read


class _Column:
    """An array that grows at its end. What `filled` gave before stays as it was."""

    def __init__(self, kind: type[np.generic], width: int = 0) -> None:
        self._data = np.zeros((1024, width) if width else 1024, kind)
        self._used = 0

    @property
    def filled(self) -> npt.NDArray[Any]:
        return self._data[: self._used]

    def add(self, values: list[Any] | npt.NDArray[Any]) -> None:
        end = self._used + len(values)
        if end > len(self._data):
            grown = np.zeros((max(2 * len(self._data), end), *self._data.shape[1:]), self._data.dtype)
            grown[: self._used] = self.filled
            self._data = grown
        self._data[self._used : end] = values
        self._used = end


class _Pool:
    """Strings as code points, one after another: string `i` is `letters[at[i]:at[i + 1]]`."""

    def __init__(self) -> None:
        self.at, self.letters = _Column(np.int32), _Column(np.int32)
        self.at.add([0])

    def add(self, strings: list[str]) -> None:
        ends = np.cumsum([len(each) for each in strings]) + len(self.letters.filled)
        self.letters.add(np.frombuffer("".join(strings).encode("utf-32-le"), np.int32))
        self.at.add(ends)


def _without_case(word: str) -> str:
    """A word in lower case, unless its characters (in either case) may be another encoding's bytes."""
    lower = word.lower()
    if word.isascii() or (single_bytes(word) is None and single_bytes(lower) is None):
        return lower
    return word


def _with_i(form: str) -> str:
    """A form with a lone y read as i."""
    return _ALONE_Y.sub(r"\1i", form) if "y" in form else form


def _flags(word: str, form: str, plain: str) -> int:
    best_fit = word.isascii() or unicodedata.normalize("NFC", word).translate(_WITHOUT_BEST_FIT).isascii()
    lost = "?" in word or "\ufffd" in word
    syllable, bare_syllable = is_syllable(form), is_bare_syllable(plain)
    # a vowel alone is a word of its own (Y, A, Ý) unless a full stop cuts it short; Thu. is Thu
    stopped = word.endswith(".") and (len(plain) == 1 or plain == "gi" or not bare_syllable)
    short = stopped or (len(plain) == 1 and plain not in "aeiouy") or plain in _KNOWN_SHORT
    return (
        MARKED * (form != plain)
        | VALID * (syllable and not HIDDEN.search(word))
        | ABBREVIATION * short
        | LOST * lost
        | FAMILY * (form in _FAMILY)
        | BARE_FAMILY * (plain in _BARE_FAMILY)
        | NEVER_GIVEN * (plain in _NEVER_GIVEN)
        | BEST_FIT * best_fit
        | BARE_VALID * bare_syllable
        | NAMING * (syllable and (plain[:1] not in "aeiouy" or form.rstrip(TONE_MARKS) in _NAMES_IN_VOWELS))
    )
