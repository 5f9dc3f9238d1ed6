"""What a Vietnamese syllable may look like, and how much one of them tells.

The grammar is a closed table, onset times rime times tone (Đoàn Thiện Thuật, *Ngữ âm tiếng Việt*).
It tells a slip of the keyboard (Namm) from another name (Lam), and a name that was lost in a dead
encoding from one that was written as it stands. It is no list of allowed names: minority and
foreign names break it lawfully, so nothing is ever refused by it alone.
"""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from importlib.resources import files
from math import log2

from simcheck.normalise.letters import TONE_MARKS, take_apart

_ONSETS = "ngh ng nh gh gi kh ph th tr ch qu b c d đ g h k l m n p r s t v x".split()
_RIMES = set(
    """
    a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây e ec em en
    eng eo ep et ê êch êm ên ênh êp êt êu êc êng i ich im in inh ip it iu ia iêc iêm iên iêng iêp iêt
    iêu ing ic y yên yêm yêng yêt yêu ych ynh yt yp o oc oi om on ong op ot oa oac oach oai oam
    oan oang oanh oao oap oat oay oe oen oeo oet oem oăc oăm oăn oăng oăt ô ôc ôi ôm ôn ông ôp ôt ơ
    ơi ơm ơn ơp ơt ơng u uc ui um un ung up ut ua uôc uôi uôm uôn uông uôt uây uân uâng uât uê uêch uên
    uênh uêt uêu uơ uy uya uych uyên uyêt uynh uyt uyu uâc ư ưc ưi ưm ưn ưng ưt ưu ưa ươc ươi
    ươm ươn ương ươp ươt ươu ưp
    """.split()
)
# after qu the u of a rime is written once (Quang, Quyên), after gi the i (Giang, Gìn)
_AFTER_QU = {rime[1:] for rime in _RIMES if rime[0] in "ou" and len(rime) > 1}
_AFTER_GI = {rime[1:] for rime in _RIMES if rime[0] == "i"}
_STOPPED = ("p", "t", "c", "ch")
_STOPPED_TONES = (TONE_MARKS[2], TONE_MARKS[5])  # a syllable that ends in a stop has sắc or nặng


class _LetterOf(dict[int, str]):
    """Code points to letters with their shape, worked out when first met."""

    def __missing__(self, point: int) -> str:
        letter, _, rest = take_apart(chr(point))
        self[point] = letter + rest
        return self[point]


class _ToneOf(dict[int, str]):
    """Code points to tone marks, or to nothing."""

    def __missing__(self, point: int) -> str:
        tone = take_apart(chr(point))[1]
        self[point] = TONE_MARKS[tone] if tone else ""
        return self[point]


_LETTER_OF, _TONE_OF = _LetterOf(), _ToneOf()


def canonical(token: str) -> str:
    """A token's letters in order, lower case and precomposed, then its tones (`letters.TONE_MARKS`).

    `Hoà`, `hòa` and `HÒA` (combining) are all `hoa` and the mark of the first tone; a token without a tone
    ends without one.
    """
    if token.isascii() and token.isalpha():
        return token.lower()
    composed = unicodedata.normalize("NFC", token)
    letters = unicodedata.normalize("NFC", composed.translate(_LETTER_OF))
    return letters if composed.isascii() else letters + composed.translate(_TONE_OF)


_BARE = str.maketrans("ăâđêôơưƀčĕĭŏñŭ", "aadeooubceionu")


def bare(form: str) -> str:
    """A canonical form without any mark: that of `hoà` and that of `hoa` are both `hoa`."""
    return form if form.isascii() else form.rstrip(TONE_MARKS).translate(_BARE).replace("\u0306", "")


def _all_letters() -> frozenset[str]:
    spelled = {onset + rime for onset in ("", *_ONSETS) for rime in _RIMES}
    spelled.add("moong")  # a family name in Nghệ An; other words in -oong are none
    return frozenset(spelled | {"qu" + rime for rime in _AFTER_QU} | {"gi" + rime for rime in _AFTER_GI})


_LETTERS = _all_letters()
_BARE_LETTERS = frozenset(letters.translate(_BARE) for letters in _LETTERS)
LONGEST_SYLLABLE = max(map(len, _LETTERS))  # letters


def is_syllable(form: str) -> bool:
    """Whether a canonical form is a syllable that Vietnamese spelling allows."""
    letters = form.rstrip(TONE_MARKS)
    tones = form[len(letters) :]
    if len(tones) > 1 or letters not in _LETTERS:
        return False
    return not letters.endswith(_STOPPED) or tones in _STOPPED_TONES


def is_bare_syllable(letters: str) -> bool:
    """Whether letters without marks can be some syllable whose marks were lost."""
    return letters in _BARE_LETTERS


_DEFAULT_SHARE = 0.002


@cache
def _shares() -> dict[str, float]:
    table = files("simcheck.normalise").joinpath("syllable_shares.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in table.splitlines() if not line.startswith("#"))
    return {row["syllable"]: float(row["percent"]) / 100 for row in rows}


@cache
def information(letters: str) -> float:
    """How much a syllable without marks tells about its bearer, in bits: -log2 of its share of names.

    `nguyen` (in 28.8 % of names) tells 1.8 bits, a syllable that the table does not know about 9.
    """
    return -log2(_shares().get(letters, _DEFAULT_SHARE))
