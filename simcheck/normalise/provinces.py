"""A carrier's word for a province becomes one of the 34 of today.

Carriers write a province by its name or its code, with or without marks, in dead encodings, and many still
write one of the 63 that there were before 1 July 2025; each of these lies in one of today's. `provinces.csv`
has the 63 and their codes (Circular 07/2016/TT-BCA, Appendix 1), the code of the province where each belongs
now (Resolution 202/2025/QH15) and other spellings that are met; `provinces_now.csv` the 34 with their codes
(the statistics office's list after the merger). A code that stands in both lists names, as an old one, a
province that lies in the new one of that code, so that nobody has to say which list is meant.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise import encodings
from simcheck.normalise.kernels import distinct

UNKNOWN = 0  # the place of what names no province
_PREFIX = re.compile(r"^(?:(?:thanh pho|tinh|tp|t|city of|province of)[ .]+|tp(?=hcm$))")
_SUFFIX = re.compile(r" (?:city|province|viet nam|vn)$")
_DECODERS = (encodings.utf8_misread, encodings.tcvn3, encodings.vni, encodings.viscii, encodings.cp1258)
_CODE_DIGITS = 3
_LONGEST = 64  # of a word that may name one


def _rows(name: str) -> list[dict[str, str]]:
    with files("simcheck.normalise").joinpath(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def names() -> Mapping[str, str]:
    """Today's provinces: code (three digits) to name, in the order of the codes."""
    return {row["code"]: row["province"] for row in _rows("provinces_now.csv")}


@cache
def codes() -> tuple[str | None, ...]:
    """The code at each place that `places` tells; None at `UNKNOWN`."""
    return (None, *names())


def code_of(word: str) -> str | None:
    """The code of today's province that a word names; None where it names none."""
    return codes()[_place_of(word)]


def places(column: pa.StringArray) -> npt.NDArray[np.uint8]:
    """The place of each row's province in `codes()`."""
    words, rows = distinct(column)
    found = np.array([_place_of(word or "") for word in words.to_pylist()], np.uint8)
    return found[rows] if len(found) else np.zeros(len(rows), np.uint8)


@cache
def _known() -> Mapping[str, int]:
    """Each spelling, as `_plain` leaves it, and each code: the place in `codes()`."""
    place = {code: at for at, code in enumerate(names(), UNKNOWN + 1)}
    known = {}
    for row in _rows("provinces.csv"):
        for spelling in (row["code"], row["province"], *filter(None, row["also"].split(";"))):
            known[_plain(spelling)] = place[row["now"]]
    for code, name in names().items():
        known[code] = known[_plain(name)] = place[code]
    return known


@lru_cache(maxsize=4096)  # a file has few words for its provinces
def _place_of(word: str) -> int:
    if len(word) > _LONGEST:
        return UNKNOWN
    for said in (word, *(decode(word) for decode in _DECODERS)):
        if said is not None and (place := _known().get(_plain(said))):
            return place
    return UNKNOWN


def _plain(word: str) -> str:
    """A spelling without marks, spaces, dashes and what stands around a name; a code with its zeros."""
    bare = unicodedata.normalize("NFKD", word.casefold().replace("đ", "d"))
    letters = "".join(each if each.isalnum() else " " for each in bare if not unicodedata.combining(each))
    spaced = " ".join(letters.split())
    name = _SUFFIX.sub("", _PREFIX.sub("", spaced)).replace(" ", "")
    return name.zfill(_CODE_DIGITS) if name.isascii() and name.isdigit() and name.strip("0") else name
