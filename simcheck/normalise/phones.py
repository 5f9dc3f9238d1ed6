"""Phone numbers as carriers write them, to the national significant number, by Vietnam's numbering plan.

The plan is `numbering_plan.csv`: one row a prefix of the national significant number (no trunk zero)
with the numbers of digits it holds for; the longest prefix wins. `valid_from` is empty for what is
older than the table, `valid_to` set for what is no longer dialled; an old form is still read, since a
record may be older than the change. A range that one source alone knows is accepted: to refuse a
live subscriber's number cuts off the record, to accept a number nobody has costs nothing.

A prefix never says which carrier serves a number (number portability, since 2018-11-16), so the
table names none.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise import cells
from simcheck.normalise.cells import DIGITS_LOST, PLUS, ROOM, SLASH, ZERO
from simcheck.normalise.kernels import Bytes, Text, kernel
from simcheck.normalise.kernels import text as buffers
from simcheck.reasons import Reason

COUNTRY_CODE = 84
_IGNORED = (ord("("), ord(")"), SLASH)  # beside what separates the digits of any number

# What the plan says of a number; other values are codes that replaced an old number's first three digits.
UNASSIGNED, MOBILE, NOT_MOBILE = 0, 1, 2
LONGEST = 10  # digits of a national significant number
KEY_DIGITS = 4  # the plan is looked up by this many first digits

_NONE = np.uint64(0)
_INVALID = np.uint64(Reason.MSISDN_INVALID.mask)
_NOT_MOBILE = np.uint64(Reason.MSISDN_NOT_MOBILE.mask)
_OLD_PREFIX = np.uint64(Reason.MSISDN_OLD_PREFIX.mask)

Plan = npt.NDArray[np.uint8]


class Phones(NamedTuple):
    """A column of phone numbers, one entry a row.

    `national` is the national significant number (912345678 for +84912345678), 0 when no mobile
    number could be read; `flags` is a mask of `Reason` bits: MSISDN_INVALID or MSISDN_NOT_MOBILE when
    it is 0, MSISDN_OLD_PREFIX when the row has the 11-digit form that was replaced in 2018.
    """

    national: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint64]


def _read_plan() -> Plan:
    """The plan as a table: what a number is, by its count of digits and its first four (zeros if fewer)."""
    with files("simcheck.normalise").joinpath("numbering_plan.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: len(row["prefix"]))
    kinds = {"unassigned": UNASSIGNED, "mobile": MOBILE}
    plan = np.zeros((LONGEST + 1, 10**KEY_DIGITS), np.uint8)
    for row in rows:
        width = 10 ** (KEY_DIGITS - len(row["prefix"]))
        first = int(row["prefix"]) * width
        kind = int(row["becomes"]) if row["becomes"] else kinds.get(row["kind"], NOT_MOBILE)
        plan[int(row["digits_least"]) : int(row["digits_most"]) + 1, first : first + width] = kind
    return plan


PLAN = _read_plan()
_NATIONAL = 9  # digits of a mobile number without its trunk zero
_BEYOND_KEY = 10 ** (_NATIONAL - KEY_DIGITS)
_POWERS = 10 ** np.arange(19, dtype=np.int64)


def normalise(column: pa.Array | pa.ChunkedArray) -> Phones:
    """Read a string column of n phone numbers.

    Accepted: the national form with or without its trunk zero, 84, +84, 0084 and +84 (0) before it,
    spaces, dots, dashes, slashes and parentheses anywhere, full-width digits, a workbook's text mark, float
    tail (912345678.0) or scientific notation that lost no digit, and the 11-digit forms of before 2018-09-15.
    """
    text = buffers(column)
    rows = text.offsets.size - 1
    phones = Phones(np.zeros(rows, np.int64), np.zeros(rows, np.uint64))
    _read_column(text, PLAN, np.empty(ROOM, np.uint8), phones)
    return phones


def e164(national: npt.NDArray[np.int64]) -> pa.StringArray:
    """National significant numbers (int64[n]) as ITU-T E.164 strings: +84912345678, null for 0."""
    return cells.fixed_width(national, f"+{COUNTRY_CODE}", _NATIONAL)


@kernel
def _read_column(text: Text, plan: Plan, cell: Bytes, phones: Phones) -> None:
    (offsets, data), (national, flags) = text, phones
    for row in range(national.size):
        start, end = offsets[row], offsets[row + 1]
        plus = end > start and data[start] == PLUS
        count = end - start - plus
        value = cells.plain_number(data, end - count, end)
        usual = _usual(value, count, plus)
        if plan[_NATIONAL, usual // _BEYOND_KEY] == MOBILE:
            national[row] = usual
            continue
        if value < 0:
            value, count, plus = _read_cell(data, start, end, cell)
        national[row], flags[row] = _resolve(value, count, plus, plan)


@kernel
def _usual(value: int, count: int, plus: bool) -> int:
    """The nine digits behind the forms that most cells have, 0912345678 and 84912345678 with + or without; 0
    behind others.

    It is what `_without_country` tells of them, without a branch: which form comes next is what a processor
    cannot foresee.
    """
    country, trunk = count == _NATIONAL + 2, (count == _NATIONAL + 1) & (not plus)
    value -= COUNTRY_CODE * 10**_NATIONAL * np.int64(country)
    known = (country | trunk) & (value >= 10 ** (_NATIONAL - 1)) & (value < 10**_NATIONAL)
    return int(value * np.int64(known))


@kernel
def _read_cell(data: Bytes, start: int, end: int, cell: Bytes) -> tuple[int, int, bool]:
    """A cell that is not digits alone: (value or -1, count of digits, whether + stands first)."""
    size = cells.fold(data, start, end, cell)
    if size <= 0:
        return -1, 0, False
    size, how = cells.bare_number(cell, size)
    if how == DIGITS_LOST:
        return -1, 0, False
    value, count, plus = 0, 0, False
    for place in range(size):
        character = int(cell[place])
        if cells.is_digit(character) and count < cells.MOST_DIGITS:
            value = value * 10 + character - ZERO
            count += 1
        elif character == PLUS and count == 0 and not plus:
            plus = True
        elif character not in _IGNORED:
            return -1, 0, False
    return (value if count else -1), count, plus


@kernel
def _resolve(value: int, count: int, plus: bool, plan: Plan) -> tuple[int, np.uint64]:
    """The national significant number behind `count` digits of which `value` is the value, and its flags."""
    value, count = _without_country(value, count, plus)
    if value < 0 or count > LONGEST or value < _POWERS[count - 1]:
        return 0, _INVALID
    key = value // _POWERS[count - KEY_DIGITS] if count >= KEY_DIGITS else value * _POWERS[KEY_DIGITS - count]
    kind = int(plan[count, key])
    if kind == MOBILE:
        return value, _NONE
    if kind == UNASSIGNED:
        return 0, _INVALID
    if kind == NOT_MOBILE:
        return 0, _NOT_MOBILE
    return kind * _POWERS[7] + value % _POWERS[7], _OLD_PREFIX


@kernel
def _without_country(value: int, count: int, plus: bool) -> tuple[int, int]:
    """Take off country code and trunk zero: (value, count of digits); the value of a foreign number is -1.

    84 is the country code where more digits follow than a national number of that beginning has: 841234567
    is a mobile number of the range 84 that lost its zero.
    """
    if value < 0 or count == 0:
        return -1, count
    international, trunk = plus, False
    if not plus and count > 2 and value < _POWERS[count - 2]:  # 00, the international prefix
        count -= 2
        international = True
    elif not plus and count > 1 and value < _POWERS[count - 1]:
        count -= 1
        trunk = True
    if international or (not trunk and count >= LONGEST and value // _POWERS[count - 2] == COUNTRY_CODE):
        if count < 3 or value // _POWERS[count - 2] != COUNTRY_CODE:
            return -1, count
        count -= 2
        value %= _POWERS[count]
        if value < _POWERS[count - 1]:
            count -= 1
    return value, count
