"""One cell of a phone, ID or date column as a kernel reads it.

What carries no information goes here, once for all three: full-width forms, no-break and invisible
spaces, typographic dashes, the marks and tails that a workbook leaves on a number.

The cells of a column are read one after another into a scratch buffer of `ROOM` bytes: no phone
number, ID or date needs more, so a longer cell is known to be none of them (`TOO_LONG`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.kernels import EIGHT, Bytes, Offsets, eight_bytes, kernel

ROOM = 64
TOO_LONG = -1
OTHER = 1  # in a folded cell: a character without an ASCII twin (a Vietnamese letter, a control character)
DROPPED = 0

SPACE, QUOTE, APOSTROPHE, PLUS, COMMA, DASH, DOT, SLASH, EQUALS = (ord(each) for each in " \"'+,-./=")
ZERO, NINE, HASH = ord("0"), ord("9"), ord("#")
_ZEROS = 0x3030303030303030  # eight of them
_PAIRS = np.frombuffer("".join(f"{number:02}" for number in range(100)).encode(), np.uint8)  # 00 01 ... 99
LOWER_A, LOWER_E, LOWER_Z, TO_LOWER = ord("a"), ord("e"), ord("z"), 0x20

_SEPARATORS = (SPACE, DOT, COMMA, DASH)
_POINTS = (DOT, COMMA)
_MARKS = (APOSTROPHE, QUOTE, EQUALS)

# How a number was written, from `bare_number`.
AS_WRITTEN, FLOAT_TAIL, SCIENTIFIC, DIGITS_LOST = 0, 1, 2, 3
MOST_DIGITS = 18  # as many as an int64 holds

# "no value" as databases and workbooks write it: null, None, nil, NaN, NaT, N/A, #N/A, \N
NO_VALUE = tuple(
    int.from_bytes(word.encode(), "big") for word in ("null", "none", "nil", "nan", "nat", "na", "n")
)


@kernel
def is_digit(character: int) -> bool:
    """Whether a byte is one of 0 to 9."""
    return ZERO <= character <= NINE


@kernel
def is_letter(character: int) -> bool:
    """Whether a byte is a letter A to Z of either case."""
    return LOWER_A <= (character | TO_LOWER) <= LOWER_Z


@kernel
def eight_digits(word: np.uint64) -> int:
    """The number that eight ASCII digits spell (the first is the lowest byte), or -1 if one is no digit.

    Three multiplications add up pairs, fours and eights (Lemire, *Quickly parsing eight digits*, 2018).
    """
    high = word & np.uint64(0xF0F0F0F0F0F0F0F0)
    carried = (word + np.uint64(0x0606060606060606)) & np.uint64(0xF0F0F0F0F0F0F0F0)
    if (high | carried >> np.uint64(4)) != np.uint64(0x3333333333333333):
        return -1
    pairs = (word & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(2561) >> np.uint64(8)
    fours = (pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601) >> np.uint64(16)
    fours = (fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001) >> np.uint64(32)
    return int(np.int64(fours))


@kernel
def plain_number(data: Bytes, start: int, end: int) -> int:
    """The value of a cell that is nothing but 1 to 18 ASCII digits, else -1."""
    size = end - start
    if EIGHT < size < 2 * EIGHT:
        low = eight_digits(eight_bytes(data, end - EIGHT))
        shift = np.uint64(8 * (2 * EIGHT - size))
        word = eight_bytes(data, start) << shift
        high = eight_digits(word | np.uint64(_ZEROS) >> (np.uint64(64) - shift))
        return int(high * 10**EIGHT + low) if high >= 0 and low >= 0 else -1
    if size == 0 or size > MOST_DIGITS:
        return -1
    value = 0
    for place in range(start, end):
        digit = int(data[place]) - ZERO
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@kernel
def _twin(point: int) -> int:
    """The ASCII character that says the same as a code point beyond ASCII, else `DROPPED` or `OTHER`."""
    if 0xFF01 <= point <= 0xFF5E:  # full-width forms
        return point - 0xFEE0
    if point in (0xA0, 0x202F, 0x205F, 0x3000) or 0x2000 <= point <= 0x200A:
        return SPACE
    if (
        point in (0xAD, 0xFEFF)
        or 0x200B <= point <= 0x200F
        or 0x202A <= point <= 0x202E
        or 0x2060 <= point <= 0x2069
    ):
        return DROPPED
    if point == 0x2212 or 0x2010 <= point <= 0x2015:
        return DASH
    if point in (0x2018, 0x2019, 0x02BC):
        return APOSTROPHE
    if point in (0x201C, 0x201D):
        return QUOTE
    return OTHER


@kernel
def fold(data: Bytes, start: int, end: int, cell: Bytes) -> int:
    """Write `data[start:end]` (UTF-8) into `cell` as ASCII, spaces trimmed and single.

    Returns how many bytes, or `TOO_LONG`.
    """
    size = 0
    place = start
    while place < end:
        lead = int(data[place])
        place += 1
        if SPACE < lead < 0x7F and size < cell.size:
            cell[size] = lead
            size += 1
            continue
        if lead < 0x80:
            character = lead
            if 9 <= lead <= 13:
                character = SPACE
            elif lead < SPACE or lead == 0x7F:
                character = OTHER
        else:
            more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
            point = lead & (0x3F >> more)
            last = min(place + more, end)
            while place < last:
                point = point << 6 | int(data[place]) & 0x3F
                place += 1
            character = _twin(point)
        if character == DROPPED or (character == SPACE and (size == 0 or cell[size - 1] == SPACE)):
            continue
        if size == cell.size:
            if character == SPACE:  # there may be nothing after it
                continue
            return TOO_LONG
        cell[size] = character
        size += 1
    if size and cell[size - 1] == SPACE:
        size -= 1
    return size


@kernel
def is_blank(cell: Bytes, size: int) -> bool:
    """Whether a folded cell says nothing: empty, punctuation, zeros only, or a word for "no value".

    Not so ######, by which a workbook says that something is there that did not fit.
    """
    word, letters, zeros, hashes = 0, 0, 0, 0
    for place in range(size):
        character = int(cell[place])
        if character == OTHER or ZERO < character <= NINE:
            return False
        if is_letter(character):
            letters += 1
            word = (word << 8 | character | TO_LOWER) & 0xFFFFFFFFFF
        elif character == ZERO:
            zeros += 1
        elif character == HASH:
            hashes += 1
    return (letters == 0 and hashes < 2) or (zeros == 0 and word in NO_VALUE)


@kernel
def without_marks(cell: Bytes, size: int) -> int:
    """Remove, in place, a workbook's text mark (an apostrophe first, or ="..." around it); the new size."""
    first = 0
    while first < size and cell[first] in _MARKS:
        first += 1
    while size > first and cell[size - 1] == QUOTE:
        size -= 1
    if first:
        for place in range(first, size):
            cell[place - first] = cell[place]
    return size - first


@kernel
def without_float_tail(cell: Bytes, size: int) -> int:
    """The size of a folded cell without a workbook's float tail.

    The tail is the one point (or decimal comma) of the cell, with a digit before it and one or two
    zeros after it: in 0912.345.600 the zeros belong to the number.
    """
    end = size
    while end > 0 and cell[end - 1] == ZERO and size - end < 2:
        end -= 1
    if (
        end == size
        or end < 2
        or (cell[end - 1] != DOT and cell[end - 1] != COMMA)
        or not is_digit(cell[end - 2])
    ):
        return size
    for place in range(end - 1):
        if cell[place] in _POINTS:
            return size
    return end - 1


@kernel
def _digits_end(cell: Bytes, start: int, size: int) -> int:
    """Where the run of digits that begins at `start` ends."""
    while start < size and is_digit(cell[start]):
        start += 1
    return start


@kernel
def _from_scientific(cell: Bytes, size: int) -> tuple[int, int]:
    """Write 9.12345678E8 out as 912345678, in place: (size, how it was written).

    Digits are lost when the mantissa has fewer than the exponent asks for; the zeros that would fill
    the gap are nobody's number.
    """
    point = _digits_end(cell, 0, size)
    exponent = point
    if point < size and cell[point] in _POINTS:
        exponent = _digits_end(cell, point + 1, size)
    if point == 0 or exponent >= size or cell[exponent] | TO_LOWER != LOWER_E:
        return size, AS_WRITTEN
    first = exponent + 1
    if first < size and cell[first] == PLUS:
        first += 1
    if first == size or size - first > 2 or _digits_end(cell, first, size) != size:
        return size, AS_WRITTEN
    shift = 0
    for place in range(first, size):
        shift = shift * 10 + int(cell[place]) - ZERO
    if max(exponent - point - 1, 0) < shift:
        return size, DIGITS_LOST
    for place in range(point + 1 + shift, exponent):
        if cell[place] != ZERO:
            return size, DIGITS_LOST
    for place in range(point, point + shift):
        cell[place] = cell[place + 1]
    return point + shift, SCIENTIFIC


@kernel
def bare_number(cell: Bytes, size: int) -> tuple[int, int]:
    """Reduce a folded cell, in place, to what a number consists of: (size, how it was written).

    Workbook marks and tails go, and the spaces, dots, commas and dashes between digits; any other
    character stays, for the caller to judge. The second value is `AS_WRITTEN`, `FLOAT_TAIL`,
    `SCIENTIFIC` or `DIGITS_LOST` (then what is left is no number).
    """
    size, how = _from_scientific(cell, without_marks(cell, size))
    if how != AS_WRITTEN:
        return size, how
    whole = without_float_tail(cell, size)
    if whole < size:
        how = FLOAT_TAIL
    kept = 0
    for place in range(whole):
        character = cell[place]
        if character not in _SEPARATORS:
            cell[kept] = character
            kept += 1
    return kept, how


@kernel
def _write_fixed(
    numbers: npt.NDArray[np.int64], prefix: Bytes, width: int, offsets: Offsets, data: Bytes
) -> None:
    end = 0
    for row in range(numbers.size):
        offsets[row] = end
        if numbers[row] <= 0:
            continue
        left = np.uint64(numbers[row])
        for place in range(prefix.size):
            data[end + place] = prefix[place]
        first = end + prefix.size
        end = place = first + width
        while place > first + 1:  # two digits a division
            place -= 2
            pair = 2 * (left % np.uint64(100))
            data[place], data[place + 1] = _PAIRS[pair], _PAIRS[pair + np.uint64(1)]
            left //= np.uint64(100)
        if place > first:
            data[first] = np.uint64(ZERO) + left % np.uint64(10)
    offsets[numbers.size] = end


def fixed_width(numbers: npt.NDArray[np.int64], prefix: str, width: int) -> pa.StringArray:
    """Numbers (int64[n], at most `width` digits) as strings of `prefix` and `width` digits, zero-padded.

    Null for 0 and below. Raises ValueError for more text than one Arrow array holds (2 GiB).
    """
    head = np.frombuffer(prefix.encode(), np.uint8)
    room = numbers.size * (head.size + width)
    if room >= 1 << 31:
        raise ValueError("more rows than one Arrow string array holds: pass them in batches")
    offsets, data = np.empty(numbers.size + 1, np.int32), np.empty(room, np.uint8)
    _write_fixed(numbers, head, width, offsets, data)
    valid = np.packbits(numbers > 0, bitorder="little")
    parts = [pa.py_buffer(each) for each in (valid, offsets, data[: offsets[-1]])]
    return pa.Array.from_buffers(pa.string(), numbers.size, parts)
