"""Dates as carriers and registers write them, to yyyymmdd numbers.

A part that is not known is 00: 19900000 is a year, 19900500 a year and a month. Written day first, as
in Vietnam, unless the writing itself shows another order: the year stands first, the month is a
word, or the number in the month's place is above 12 and the other is not.

Compact dates need no guess between yyyymmdd and ddmmyyyy. The last four digits of the second are a year
from 1900 to 2099, so its fifth and sixth digits are 19 or 20; those of the first are a month, at most 12.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise import cells
from simcheck.normalise.cells import (
    COMMA,
    DASH,
    DOT,
    OTHER,
    ROOM,
    SLASH,
    SPACE,
    TO_LOWER,
    ZERO,
    eight_digits,
)
from simcheck.normalise.kernels import Bytes, Text, distinct, eight_bytes, kernel
from simcheck.normalise.kernels import text as buffers
from simcheck.reasons import Reason

FIRST_YEAR = 1900  # nobody alive was born before; also where the century digit of the ID number begins

_NONE = np.uint64(0)
_MISSING = np.uint64(Reason.DOB_MISSING.mask)
_MALFORMED = np.uint64(Reason.DOB_MALFORMED.mask)
_IMPOSSIBLE = np.uint64(Reason.DOB_IMPOSSIBLE.mask)

WORD = 9  # the width of a month that is written as a word; no number has it
MOST_WIDTH = 8  # digits of a compact date
PARTS = 3
UPPER_T, COLON, LAST_ASCII = ord("T"), ord(":"), 0x7F

Ymd = npt.NDArray[np.int32]


def _bytes_at(value: int, *places: int) -> np.uint64:
    """The same byte at some places of a little-endian eight-byte number."""
    return np.uint64(sum(value << 8 * place for place in places))


# What of eight bytes are digits, and the zeros that stand in for the rest.
_ISO_DIGITS, _ISO_ZEROS = _bytes_at(0xFF, 0, 1, 2, 3, 5, 6), _bytes_at(ZERO, 4, 7)
_DMY_DIGITS, _DMY_ZEROS = _bytes_at(0xFF, 0, 1, 3, 4, 6, 7), _bytes_at(ZERO, 2, 5)
_LAST_TWO, _SIX_ZEROS = _bytes_at(0xFF, 6, 7), _bytes_at(ZERO, *range(6))
_LAST_DAYS = np.array([31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # of month 1 to 12; 0: of a year
Parts = npt.NDArray[np.int64]  # [PARTS, 2]: value, and count of digits or `WORD`


def _packed(word: str) -> int:
    return int.from_bytes(word.encode(), "big")


_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_WORDS = np.array([_packed(month[:3]) for month in _MONTHS])
_MONTH_SIZES = np.array([len(month) for month in _MONTHS])
_MONTH_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
# ngày, tháng, năm: in ASCII, or with what stands for their Vietnamese letters left out
_MARKERS = tuple(_packed(word) for word in ("ngay", "ngy", "thang", "thng", "nam", "nm"))
_TIME_LETTERS = tuple(b"ampschtz")  # AM, PM, their Vietnamese SA, CH, and the T and Z of ISO 8601

# Workbook serials, 1900 date system: day 60 is 29 February 1900, which never was, so from day 61 on the
# count starts at 1899-12-30. Five digits only (from 1927-05-18): four are a year.
FIRST_SERIAL, LAST_SERIAL = 10_000, 99_999


def _serials() -> Ymd:
    """What each serial from FIRST_SERIAL on means, as yyyymmdd."""
    day = np.datetime64("1899-12-30") + np.arange(FIRST_SERIAL, LAST_SERIAL + 1)
    month = day.astype("datetime64[M]")
    year = month.astype("datetime64[Y]")
    parts = year.astype(int) + 1970, (month - year).astype(int) + 1, (day - month).astype(int) + 1
    ymd: Ymd = (parts[0] * 10_000 + parts[1] * 100 + parts[2]).astype(np.int32)
    return ymd


SERIALS = _serials()


class Dates(NamedTuple):
    """A column of dates, one entry a row.

    `ymd` is yyyymmdd with 00 for what is not known, 0 when no date could be read. `other` is the
    reading with day and month exchanged where the writing allows both (03/07/1990), else 0. `flags` is a mask
    of `Reason` bits: DOB_MISSING and DOB_MALFORMED with `ymd` 0; DOB_IMPOSSIBLE for a day beyond
    the end of its month (31/4, 30/2: they stand in civil papers, so `ymd` keeps them as written), for a
    date after the check's own (`ymd` kept) and for a year before 1900 (`ymd` 0).
    """

    ymd: Ymd
    other: Ymd
    flags: npt.NDArray[np.uint64]


def normalise(column: pa.Array | pa.ChunkedArray, as_of: datetime.date) -> Dates:
    """Read a column of n birth dates: strings (or codes of strings), or Arrow dates and timestamps.

    Read are Y-m-d, Y/m/d and d/m/Y with dashes, slashes, dots or spaces, each also followed by a time
    of day, which is left out; compact yyyymmdd and ddmmyyyy (seven digits: its first zero was lost); year
    and month, in both orders; a year; months as English words; "ngày 12 tháng 5 năm 1990"; day or month 00
    as not known; five-digit workbook serials that give a date up to `as_of`.

    Two-digit years pivot on `as_of`: nobody is born in the future, so a year is of the century of
    `as_of` unless the date would then be later than `as_of`; then it is of the century before.
    """
    if isinstance(column, pa.DictionaryArray):
        values, codes = distinct(column)
        dates = _unread(len(codes))
        _spread(codes, normalise(values, as_of), dates)
        return dates
    text = buffers(column)
    dates = _unread(text.offsets.size - 1)
    cell, parts = np.empty(ROOM, np.uint8), np.empty((PARTS, 2), np.int64)
    _read_column(text, _number(as_of), SERIALS, cell, parts, dates)
    return dates


def _unread(rows: int) -> Dates:
    return Dates(np.zeros(rows, np.int32), np.zeros(rows, np.int32), np.zeros(rows, np.uint64))


def age(ymd: Ymd, as_of: datetime.date) -> npt.NDArray[np.int16]:
    """Completed years (int16[n]) at `as_of` of people born on `ymd` (int32[n]); -1 unknown or born later.

    Of a partial date the latest day it allows counts, so the age is the least the person can have.
    Someone born on 29 February completes a year on 1 March where there is no 29 February, and a day that
    never was (31/4) counts as the first of the next month.
    """
    year, day = np.divmod(ymd, 10_000)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _LAST_DAYS[day // 100] + (leap & (day // 100 == 2))
    day = np.where(day == 0, 1231, np.where(day % 100 == 0, day + last, day))
    now = _number(as_of)
    years = now // 10_000 - year - (day > now % 10_000)
    return np.where((ymd > 0) & (ymd <= now), np.maximum(years, 0), -1).astype(np.int16)


def _number(day: datetime.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


@kernel
def _read_column(text: Text, as_of: int, serials: Ymd, cell: Bytes, parts: Parts, dates: Dates) -> None:
    (offsets, data), (ymd, other, flags) = text, dates
    for row in range(ymd.size):
        start, end = offsets[row], offsets[row + 1]
        year, month, day, year_first = _usual(data, start, end)
        if year >= 0:
            if year_first:
                ymd[row], flags[row] = _judge(year, month, day, as_of)
            else:
                ymd[row], other[row], flags[row] = _day_first(day, month, year, 4, as_of)
            continue
        number = cells.plain_number(data, start, end)
        if number > 0:
            ymd[row], other[row], flags[row] = _one_part(number, end - start, as_of, serials)
            continue
        size = cells.fold(data, start, end, cell)
        ymd[row], other[row], flags[row] = _read_cell(cell, size, parts, as_of, serials)


@kernel
def _spread(codes: Ymd, values: Dates, dates: Dates) -> None:
    """Each row's date, of those that its code stands for."""
    ymd, other, flags = values
    for row in range(codes.size):
        code = codes[row]
        dates.ymd[row], dates.other[row], dates.flags[row] = ymd[code], other[code], flags[code]


@kernel
def _usual(data: Bytes, start: int, end: int) -> tuple[int, int, int, bool]:
    """Year, month and day of the two shapes most cells have, 1990-05-12 and 12/05/1990 (a time may follow),
    and whether the year stands first; year -1 for another shape."""
    if end - start != 10 and not (end - start > 10 and _is_time(data, start + 10, end)):
        return -1, 0, 0, False
    head = eight_bytes(data, start)
    last = eight_digits(eight_bytes(data, start + 2) & _LAST_TWO | _SIX_ZEROS)
    if data[start + 4] == DASH and data[start + 7] == DASH:
        number = eight_digits(head & _ISO_DIGITS | _ISO_ZEROS)  # 1990-05- read as 19900050
        if number >= 0 and last >= 0:
            return number // 10_000, number // 10 % 100, last, True
    between = data[start + 2]
    if between == data[start + 5] and between in (SLASH, DASH, DOT):
        number = eight_digits(head & _DMY_DIGITS | _DMY_ZEROS)  # 12/05/19 read as 12005019
        if number >= 0 and last >= 0:
            return number % 100 * 100 + last, number // 1000 % 100, number // 10**6, False
    return -1, 0, 0, False


@kernel
def _digits(data: Bytes, start: int, count: int) -> int:
    """The value of `count` digits at `start`, -1 if they are none."""
    value = 0
    for place in range(start, start + count):
        digit = int(data[place]) - ZERO
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@kernel
def _read_cell(cell: Bytes, size: int, parts: Parts, as_of: int, serials: Ymd) -> tuple[int, int, np.uint64]:
    """A folded cell as (ymd, other, flags)."""
    if size == cells.TOO_LONG:
        return 0, 0, _MALFORMED
    if cells.is_blank(cell, size):
        return 0, 0, _MISSING
    size = cells.without_float_tail(cell, cells.without_marks(cell, size))
    count, spelled = _scan(cell, size, parts)
    if count == 1:
        return _one_part(parts[0, 0], parts[0, 1], as_of, serials)
    if count == 2:
        return _two_parts(parts, as_of)
    if count == PARTS:
        return _three_parts(parts, spelled, as_of)
    return 0, 0, _MALFORMED


@kernel
def _scan(cell: Bytes, size: int, parts: Parts) -> tuple[int, bool]:
    """Find the numbers and month words of a folded cell: (how many, whether a word tells what is what).

    Their values and counts of digits (or `WORD`) go to `parts`. Between two of them stand spaces and at
    most one other separator; a time of day may follow the third, or a
    compact date. -1 if anything else is there.
    """
    count, spelled, place, joined = 0, False, 0, True
    while place < size:
        character = int(cell[place])
        first = place
        if cells.is_digit(character):
            while place < size and cells.is_digit(cell[place]):
                place += 1
            if count == PARTS or place - first > MOST_WIDTH:
                return -1, False
            parts[count, 0], parts[count, 1] = _digits(cell, first, place - first), place - first
            count, joined = count + 1, False
            whole = count == PARTS or (count == 1 and place - first == MOST_WIDTH)
            if whole and _is_time(cell, place, size):
                return count, spelled
        elif cells.is_letter(character) or character == OTHER:
            while place < size and (cells.is_letter(cell[place]) or cell[place] == OTHER):
                place += 1
            month = _month_of_word(cell, first, place)
            if month < 0 or (month and count == PARTS):
                return -1, False
            if month:
                parts[count, 0], parts[count, 1] = month, WORD
                count += 1
            spelled, joined = True, False
        else:
            if character != SPACE:
                if joined or character not in (SLASH, DASH, DOT, COMMA):
                    return -1, False
                joined = True
            place += 1
    return (-1 if joined else count), spelled


@kernel
def _is_time(cell: Bytes, start: int, size: int) -> bool:
    """Whether what begins at `start` is a time of day: 00:00:00, T17:00:00.000Z, 12:00 AM."""
    if start + 2 >= size or (cell[start] != SPACE and cell[start] & ~TO_LOWER != UPPER_T):
        return False
    hour = start + 2 if not cells.is_digit(cell[start + 2]) else start + 3
    if not cells.is_digit(cell[start + 1]) or hour >= size or cell[hour] != COLON:
        return False
    for place in range(hour, size):
        character = int(cell[place])
        if cells.is_letter(character):
            if character | TO_LOWER not in _TIME_LETTERS:
                return False
        elif character in (OTHER, SLASH) or character > LAST_ASCII:
            return False
    return True


@kernel
def _month_of_word(cell: Bytes, start: int, end: int) -> int:
    """1 to 12 for an English month (told by first letters and length), 0 for ngày, tháng, năm, else -1."""
    word, size, head = 0, 0, 0
    for place in range(start, end):
        if cell[place] != OTHER:
            word = (word << 8 | int(cell[place]) | TO_LOWER) & 0xFFFFFFFFFFFF
            size += 1
            if size == 3:
                head = word
    if size <= 5 and word in _MARKERS:
        return 0
    for month in range(12):
        whole = size == 3 or size == _MONTH_SIZES[month] or (month == 8 and size == 4)  # Sept is usual
        if head == _MONTH_WORDS[month] and size == end - start and whole:
            return month + 1
    return -1


@kernel
def _one_part(value: int, width: int, as_of: int, serials: Ymd) -> tuple[int, int, np.uint64]:
    """A number alone: a year, a workbook serial, or a compact date."""
    if width == 4:
        ymd, flag = _judge(value, 0, 0, as_of)
        return ymd, 0, flag
    if width == 5 and value >= FIRST_SERIAL:
        ymd = int(serials[value - FIRST_SERIAL])
        return (ymd, 0, _NONE) if ymd <= as_of else (0, 0, _MALFORMED)
    if width == 7 or (width == 8 and FIRST_YEAR <= value % 10_000 < FIRST_YEAR + 200):
        return _day_first(value // 1_000_000, value // 10_000 % 100, value % 10_000, 4, as_of)
    if width == 8:
        ymd, flag = _judge(value // 10_000, value // 100 % 100, value % 100, as_of)
        return ymd, 0, flag
    return 0, 0, _MALFORMED


@kernel
def _two_parts(parts: Parts, as_of: int) -> tuple[int, int, np.uint64]:
    """A year and a month in either order."""
    year, month = (0, 1) if parts[0, 1] == 4 else (1, 0)
    if parts[year, 1] != 4 or 2 < parts[month, 1] < WORD:
        return 0, 0, _MALFORMED
    ymd, flag = _judge(parts[year, 0], parts[month, 0], 0, as_of)
    return ymd, 0, flag


@kernel
def _three_parts(parts: Parts, spelled: bool, as_of: int) -> tuple[int, int, np.uint64]:
    """Day, month and year in the order that the widths, the words and the values tell."""
    values, widths = parts[:, 0], parts[:, 1]
    day, month, year = (1, 0, 2) if widths[0] == WORD else (0, 1, 2)
    if widths[0] == 4 or (widths[0] == 2 and values[0] > 31):  # 1990-05-12, 90-05-12
        day, month, year = 2, 1, 0
    if widths[day] > 2 or 2 < widths[month] < WORD or widths[year] not in (2, 4):
        return 0, 0, _MALFORMED
    if year == 2 and not spelled:
        return _day_first(values[0], values[1], values[2], widths[2], as_of)
    whole = _whole_year(values[year], widths[year], values[month], values[day], as_of)
    ymd, flag = _judge(whole, values[month], values[day], as_of)
    return ymd, 0, flag


@kernel
def _day_first(day: int, month: int, year: int, year_width: int, as_of: int) -> tuple[int, int, np.uint64]:
    """d/m/Y, or m/d/Y where that alone is a date, with the other reading where both are."""
    if month > 12 and 1 <= day <= 12:
        day, month = month, day
    whole = _whole_year(year, year_width, month, day, as_of)
    ymd, flag = _judge(whole, month, day, as_of)
    if ymd == 0 or month > 12 or day > 12 or day == 0 or month in (0, day):
        return ymd, 0, flag
    whole = _whole_year(year, year_width, day, month, as_of)
    return ymd, whole * 10_000 + day * 100 + month, flag


@kernel
def _whole_year(year: int, width: int, month: int, day: int, as_of: int) -> int:
    """A year with its century; one of two digits is never later than `as_of`."""
    if width > 2:
        return year
    year += as_of // 1_000_000 * 100
    return year - 100 if year * 10_000 + month * 100 + day > as_of else year


@kernel
def _judge(year: int, month: int, day: int, as_of: int) -> tuple[int, np.uint64]:
    """A date's number and flags; a day whose month is not known is left out."""
    if year == 0 and month == 0 and day == 0:
        return 0, _MISSING
    if month > 12 or day > 31:
        return 0, _MALFORMED
    if year < FIRST_YEAR:
        return 0, _IMPOSSIBLE
    if month == 0:
        day = 0
    ymd = year * 10_000 + month * 100 + day
    if ymd > as_of or (month and day > _month_days(year, month)):
        return ymd, _IMPOSSIBLE
    return ymd, _NONE


@kernel
def _month_days(year: int, month: int) -> int:
    """Days of a month in the Gregorian calendar."""
    if month == 2 and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return int(_MONTH_DAYS[month - 1])
