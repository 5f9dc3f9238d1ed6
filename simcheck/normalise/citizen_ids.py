"""ID numbers as carriers write them, to one integer key, checked against the row's own birth date and gender.

A personal number (số định danh cá nhân; also the 12-digit CMND) is PPP G YY NNNNNN: where the birth was
registered, century and gender, year of birth, and six free digits; it has no check digit (Decree
137/2015/NĐ-CP Art. 13, Circular 07/2016/TT-BCA Art. 7 and appendices; Law 26/2023/QH15 Art. 12). The
structure is a soft sign: numbers were issued with errors, so a disagreement is a flag and no more.

`provinces.csv` holds the codes of Circular 07/2016/TT-BCA, Appendix 1; the merger of provinces in 2025
changed no number that was issued.
"""

from __future__ import annotations

import csv
import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.normalise import cells
from simcheck.normalise.cells import AS_WRITTEN, DIGITS_LOST, ROOM, ZERO
from simcheck.normalise.dates import Dates, Ymd
from simcheck.normalise.kernels import FEW, Bytes, Text, distinct, kernel
from simcheck.normalise.kernels import text as buffers
from simcheck.reasons import Reason

CMND_BASE = 10**12  # a 9-digit CMND's key is CMND_BASE + its number, so that no personal number equals it
PERSONAL_DIGITS, CMND_DIGITS = 12, 9
COUNTRIES = range(101, 296)  # birth registered abroad: Circular 07/2016/TT-BCA, Appendix 2
LAST_YEAR = 2099  # of the centuries that a living person's number can name

UNKNOWN, MALE, FEMALE = 0, 1, 2

_NONE = np.uint64(0)
_MISSING = np.uint64(Reason.ID_MISSING.mask)
_MALFORMED = np.uint64(Reason.ID_MALFORMED.mask)
_UNSUPPORTED = np.uint64(Reason.ID_TYPE_UNSUPPORTED.mask)
_REPAIRED = np.uint64(Reason.ID_FORMAT_REPAIRED.mask)
_CONFLICT = np.uint64(Reason.ID_STRUCTURE_CONFLICT.mask)

# Beside ID_FORMAT_REPAIRED: zeros were put back that the row itself does not prove. Only a register that
# knows the number proves it; else the number is malformed.
UNPROVEN = np.uint64(1 << 42)

LEAST_DIGITS = 4  # of the twelve; the others may be letters that look like digits
_ZERO_LIKE, _ONE_LIKE = (ord("O"), ord("o")), (ord("I"), ord("l"))
_GENDERS = {"m": MALE, "nam": MALE, "male": MALE, "f": FEMALE, "nu": FEMALE, "female": FEMALE}
# Papers that are not in the citizen register: passports of any kind, visas and residence cards of
# foreigners (whose register is another one), and the cards of soldiers. Lower case, without marks.
_OTHER_PAPERS = (
    r"passport|ho ?chieu|^(pp|hc)$|diplomatic|official|ngoai giao|cong vu|laissez|travel|visa|thi thuc"
    r"|residen|thuong tru|tam tru|refugee|quan doi|quan nhan|si quan|military"
)

Key = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]
Provinces = npt.NDArray[np.bool_]


class CitizenIds(NamedTuple):
    """A column of ID numbers, one entry a row.

    `key` is the personal number as an integer below 10**12, or `CMND_BASE` plus a 9-digit CMND
    number, or 0 when there is no number that can be looked up; then `flags`, a mask of `Reason` bits, has
    ID_MISSING, ID_MALFORMED or ID_TYPE_UNSUPPORTED. Beside a key it may have ID_FORMAT_REPAIRED and
    ID_STRUCTURE_CONFLICT.
    """

    key: Key
    flags: npt.NDArray[np.uint64]


class _Known(NamedTuple):
    """What else the rows say of their holders: whether the paper is another one, birth date, gender code."""

    other_paper: Codes
    ymd: Ymd
    gender: Codes


def _read_provinces() -> Provinces:
    """Whether the first three digits of a personal number (0 to 999) name a place."""
    known = np.zeros(1000, np.bool_)
    with files("simcheck.normalise").joinpath("provinces.csv").open(encoding="utf-8") as file:
        known[[int(row["code"]) for row in csv.DictReader(file)]] = True
    known[COUNTRIES.start : COUNTRIES.stop] = True
    return known


PROVINCES = _read_provinces()


def normalise(
    ids: pa.Array | pa.ChunkedArray,
    id_types: pa.Array | pa.ChunkedArray | None,
    dates: Dates,
    genders: pa.Array | pa.ChunkedArray | None,
    as_of: datetime.date | None = None,
) -> CitizenIds:
    """Read a column of n ID numbers beside the same rows' paper types, birth dates and genders.

    Spaces, dots, dashes, full-width digits and a workbook's text mark carry no information and are not
    flagged. Repaired, and flagged so: O and I or l for 0 and 1, a workbook's float tail, scientific
    notation that lost no digit, and lost leading zeros. Ten or eleven digits become a personal number if the
    number so made can be a living person's; the row's own birth date (and gender, if it has one) prove it,
    else it is UNPROVEN. Seven or eight become a CMND number, always UNPROVEN.
    Letters before digits are a passport, and so is what `id_types` calls one, unless it has 12 or 9 digits.

    With `as_of`, a number that names a later year of birth is a conflict too. Raises ValueError when the
    columns are not equally long.
    """
    text = buffers(ids)
    rows = text.offsets.size - 1
    other_paper = np.zeros(rows, np.uint8) if id_types is None else _other_papers(id_types)
    gender = np.zeros(rows, np.uint8) if genders is None else gender_codes(genders)
    known = _Known(other_paper, dates.ymd, gender)
    if any(each.size != rows for each in known):
        raise ValueError("ID numbers, paper types, birth dates and genders are not of the same rows")
    result = CitizenIds(np.zeros(rows, np.int64), np.zeros(rows, np.uint64))
    last_year = LAST_YEAR if as_of is None else as_of.year
    _read_column(text, known, PROVINCES, last_year, np.empty(ROOM, np.uint8), result)
    return result


def format_key(key: Key) -> pa.StringArray:
    """Keys (int64[n]) as 12 digits, zero-padded; null for 0 and for a CMND key."""
    return cells.fixed_width(np.where(key < CMND_BASE, key, 0), "", PERSONAL_DIGITS)


def gender_codes(column: pa.Array | pa.ChunkedArray) -> Codes:
    """Genders (string[n]) as `UNKNOWN`, `MALE` or `FEMALE`: M, F, Nam, Nữ, male, female in any case."""
    return _codes(column, _gender_codes)


def _other_papers(column: pa.Array | pa.ChunkedArray) -> Codes:
    """Whether a row's paper (string[n]) is one that the citizen register does not know, 0 or 1."""
    return _codes(column, _paper_codes)


def _codes(column: pa.Array | pa.ChunkedArray, of: Any) -> Codes:
    """Each row's code, by `of` (cached) of the column's distinct words; what many words say is not kept."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    words, rows = distinct(column if isinstance(column, pa.DictionaryArray) else column.cast(pa.string()))
    said = tuple(words.to_pylist())
    codes: Codes = (of if len(said) <= FEW else of.__wrapped__)(said)
    return codes.take(rows)


# Columns hold the same few words over and over, and a single row is often looked at.
@lru_cache(maxsize=256)
def _gender_codes(words: tuple[str, ...]) -> Codes:
    known = pc.index_in(_plain(words), value_set=pa.array(list(_GENDERS))).fill_null(len(_GENDERS))
    codes: Codes = np.array([*_GENDERS.values(), UNKNOWN], np.uint8)[known.to_numpy()]
    return codes


@lru_cache(maxsize=256)
def _paper_codes(words: tuple[str, ...]) -> Codes:
    other: pa.BooleanArray = pc.match_substring_regex(_plain(words), _OTHER_PAPERS)
    codes: Codes = other.to_numpy(zero_copy_only=False).astype(np.uint8)
    return codes


def _plain(words: tuple[str, ...]) -> pa.StringArray:
    """Words in lower case, without marks, trimmed."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(words, pa.string())))
    plain = pc.replace_substring_regex(pc.utf8_normalize(plain, form="NFD"), r"\p{Mn}", "")
    return pc.replace_substring(plain, "đ", "d")


@kernel
def _read_column(
    text: Text, known: _Known, provinces: Provinces, last_year: int, cell: Bytes, ids: CitizenIds
) -> None:
    (offsets, data), (others, ymd, genders), (key, flags) = text, known, ids
    for row in range(key.size):
        start, end = offsets[row], offsets[row + 1]
        year, other_paper = ymd[row] // 10_000, others[row]
        value, count, flag = cells.plain_number(data, start, end), end - start, _NONE
        if value <= 0:
            value, count, flag = _read_cell(data, start, end, cell)
        if value <= 0:
            flags[row] = _UNSUPPORTED if flag == _MALFORMED and other_paper else flag
        elif other_paper and count != PERSONAL_DIGITS:
            flags[row] = _UNSUPPORTED  # many passports have nine digits, as a CMND has
        else:
            agrees = count > CMND_DIGITS and _agrees(value, year, genders[row], provinces, last_year)
            key[row], flags[row] = _resolve(value, count, flag, agrees, year, provinces, last_year)


@kernel
def _resolve(
    value: int, count: int, flag: np.uint64, agrees: bool, year: int, provinces: Provinces, last_year: int
) -> tuple[int, np.uint64]:
    """The key of a number of `count` digits, and its flags.

    `agrees`: this row's holder can have it as personal number, as far as birth `year` (0 unknown) and gender
    are known.
    """
    if count == PERSONAL_DIGITS:
        return value, flag if agrees else flag | _CONFLICT
    if count == CMND_DIGITS:
        return CMND_BASE + value, flag
    fewer = count in (PERSONAL_DIGITS - 1, PERSONAL_DIGITS - 2)
    if fewer and _agrees(value, 0, UNKNOWN, provinces, last_year):
        if agrees and year:
            return value, flag | _REPAIRED
        return value, flag | _REPAIRED | UNPROVEN | (_NONE if agrees else _CONFLICT)
    if count in (CMND_DIGITS - 1, CMND_DIGITS - 2):
        return CMND_BASE + value, flag | _REPAIRED | UNPROVEN
    return 0, _MALFORMED


@kernel
def _agrees(key: int, year: int, gender: int, provinces: Provinces, last_year: int) -> bool:
    """Whether a living person of this birth year and gender (0 if not known) can have a personal number."""
    if key >= CMND_BASE:
        return False
    century_and_gender = key // 10**8 % 10
    born = 1900 + century_and_gender // 2 * 100 + key // 10**6 % 100
    if not provinces[key // 10**9] or born > last_year:
        return False
    return year in (0, born) and gender in (UNKNOWN, MALE + century_and_gender % 2)


@kernel
def _read_cell(data: Bytes, start: int, end: int, cell: Bytes) -> tuple[int, int, np.uint64]:
    """A cell that is not digits alone: (value, count of digits, flags); value 0 if no number was read."""
    size = cells.fold(data, start, end, cell)
    if size == cells.TOO_LONG:
        return 0, 0, _MALFORMED
    if cells.is_blank(cell, size):
        return 0, 0, _MISSING
    size, how = cells.bare_number(cell, size)
    if how == DIGITS_LOST or size > cells.MOST_DIGITS:
        return 0, 0, _MALFORMED
    value, lookalikes = 0, 0
    for place in range(size):
        character = int(cell[place])
        value *= 10
        if cells.is_digit(character):
            value += character - ZERO
        elif character in _ZERO_LIKE or character in _ONE_LIKE:
            value += character in _ONE_LIKE
            lookalikes += 1
        else:
            return 0, 0, _passport_or_nothing(cell, size)
    if lookalikes == 0:
        return value, size, _NONE if how == AS_WRITTEN else _REPAIRED
    whole = size == PERSONAL_DIGITS and size - lookalikes >= LEAST_DIGITS
    if (lookalikes * 2 >= size and not whole) or (size < CMND_DIGITS and not cells.is_digit(cell[0])):
        return 0, 0, _passport_or_nothing(cell, size)
    return value, size, _REPAIRED


@kernel
def _passport_or_nothing(cell: Bytes, size: int) -> np.uint64:
    """The flag of a value with letters: a passport has one or two and then six to eight digits.

    Vietnamese ones are a letter and seven or eight digits; ICAO Doc 9303 gives any nine characters at most.
    """
    letters = 0
    while letters < size and cells.is_letter(cell[letters]):
        letters += 1
    for place in range(letters, size):
        if not cells.is_digit(cell[place]):
            return _MALFORMED
    if 1 <= letters <= 2 and 6 <= size - letters <= 8 and size <= CMND_DIGITS:
        return _UNSUPPORTED
    return _MALFORMED
