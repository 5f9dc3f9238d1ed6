"""What happens to a birth date on its way into a carrier's file, and how far two dates lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generator import errors, people, text
from generator.chance import Flags, Floats, Ints
from generator.people import DAY, YEAR, days_in_month, from_days
from simcheck.reasons import Reason

# ECMA-376 Part 1, 18.17.4.1, for days after February 1900.
WORKBOOK_EPOCH = np.datetime64("1899-12-30", "D").astype(np.int64)
_GARBAGE = ("########", "không rõ", "chua co", "xx/xx/xxxx", "32/01/90A")
# What civil papers hold and where the guidance moves it (Justice Department of Huế, 2020; DOMAIN 8.5): the
# first of the next month; 30 February of a common year is two days over, so the second.
_MOVED = {
    (3, 1): (2, 29),
    (3, 2): (2, 30),
    (5, 1): (4, 31),
    (7, 1): (6, 31),
    (10, 1): (9, 31),
    (12, 1): (11, 31),
}


@dataclass
class Dates:
    """Birth dates as columns; a month or day of 0 is not said, a year of 0 neither."""

    year: Ints
    month: Ints
    day: Ints

    def take(self, rows: Ints | Flags) -> Dates:
        """The dates with the given indices."""
        return Dates(self.year[rows], self.month[rows], self.day[rows])

    def put(self, rows: Ints, other: Dates) -> None:
        """Overwrite the dates with the given indices."""
        self.year[rows], self.month[rows], self.day[rows] = other.year, other.month, other.day

    @property
    def digits(self) -> text.Digits:
        """YYYYMMDD as digits, shape (dates, 8)."""
        return text.digit_matrix(self.year * 10_000 + self.month * 100 + self.day, 8)


def _from_digits(matrix: text.Digits) -> Dates:
    wide = matrix.astype(np.int64)
    return Dates(
        wide[:, :4] @ np.array([1000, 100, 10, 1]),
        wide[:, 4:6] @ np.array([10, 1]),
        wide[:, 6:] @ np.array([10, 1]),
    )


def difference(said: Dates, held: Dates, known: Ints) -> npt.NDArray[np.int64]:
    """The mask of reasons that a date gives beside the one the register holds as far as it is `known`."""
    there = (said.year == held.year) & ((known == YEAR) | (said.month == held.month))
    there &= (known != DAY) | (said.day == held.day)
    differing = said.digits != held.digits
    count = differing.sum(axis=1)
    swapped = (said.day == held.month) & (said.month == held.day) & (said.year == held.year)
    out = np.select(
        [there, known != DAY, swapped, (count == 1) | _transposed(said.digits, held.digits)],
        [0, Reason.DOB_DIFFERENT.mask, Reason.DOB_DAY_MONTH_SWAPPED.mask, Reason.DOB_TYPO.mask],
        Reason.DOB_DIFFERENT.mask,
    )
    return np.where(there & (known != DAY), Reason.DOB_PARTIAL.mask, out).astype(np.int64)


def _transposed(said: text.Digits, held: text.Digits) -> Flags:
    """Two neighbouring digits of year, month or day exchanged, and nothing else."""
    out = np.zeros(len(said), np.bool_)
    for place in (0, 1, 2, 4, 6):
        exchanged = held.copy()
        exchanged[:, [place, place + 1]] = held[:, [place + 1, place]]
        out |= (said == exchanged).all(axis=1) & (said != held).any(axis=1)
    return out


def _in_calendar(dates: Dates, last: date) -> Flags:
    month = np.clip(dates.month, 1, 12)
    fits: Flags = (dates.month == month) & (dates.day >= 1) & (dates.day <= days_in_month(dates.year, month))
    fits &= (dates.year >= people.FIRST_YEAR) & (dates.year < last.year)
    return fits


def _slipped(dates: Dates, uniform: Floats, last: date, pairs: bool) -> tuple[Dates, Flags]:
    """One digit changed (or, with `pairs`, two neighbours exchanged) so that a date remains; some tries
    each.
    """
    out, done, held = (
        Dates(dates.year.copy(), dates.month.copy(), dates.day.copy()),
        np.zeros(len(uniform), np.bool_),
        dates.digits,
    )
    rows = np.arange(len(uniform))
    for attempt in range(12):
        draw = (uniform * 7919 * (attempt + 1) % 1 * 1000).astype(np.int64)
        changed = held.copy()
        if pairs:
            place = np.array([2, 4, 6, 1])[draw % 4]
            changed[rows, place], changed[rows, place + 1] = held[rows, place + 1], held[rows, place]
        else:
            place = np.array([3, 5, 7, 2, 6, 7])[draw % 6]
            changed[rows, place] = (held[rows, place] + 1 + draw // 6 % 9) % 10
        new = _from_digits(changed)
        swap = (new.day == dates.month) & (new.month == dates.day)
        good = ~done & _in_calendar(new, last) & (changed != held).any(axis=1) & ~swap
        out.put(np.flatnonzero(good), new.take(good))
        done |= good
    return out, done


def _other_day(dates: Dates, uniform: Floats, last: date) -> tuple[Dates, Flags]:
    ahead: Ints = np.where(uniform < 0.5, -1, 1)
    days = _days(dates) + ahead * (400 + (uniform * 2 % 1 * 6000).astype(np.int64))
    new = Dates(*from_days(days))
    far = (new.digits != dates.digits).sum(axis=1) >= 3
    swap = (new.day == dates.month) & (new.month == dates.day)
    return new, far & ~swap & _in_calendar(new, last)


def _days(dates: Dates) -> Ints:
    """Days since 1970-01-01."""
    months = (dates.year - 1970) * 12 + dates.month - 1
    return months.astype("M8[M]").astype("M8[D]").astype(np.int64) + dates.day - 1


def _changed(name: str, dates: Dates, uniform: Floats, last: date) -> tuple[Dates, Flags]:
    """The date that a kind puts in the place of the right one, and for which rows it can."""
    zero, held = np.zeros_like(dates.year), dates
    yes = np.ones(len(uniform), np.bool_)
    match name:
        case "year_only" | "zeros":
            return Dates(held.year, zero, zero), yes
        case "month_only":
            return Dates(held.year, held.month, zero), yes
        case "day_month_swapped":
            return Dates(held.year, held.day, held.month), (held.day <= 12) & (held.day != held.month)
        case "digit_slip" | "digits_swapped":
            return _slipped(dates, uniform, last, name == "digits_swapped")
        case "one_day_off":
            new = Dates(*from_days(_days(dates) + 1))
            return new, ((new.digits != dates.digits).sum(axis=1) > 1) & (new.month == held.month)
        case "different":
            return _other_day(dates, uniform, last)
        case "filler":
            new = Dates(held.year, zero + 1, zero + 1)
            return new, (new.digits != dates.digits).sum(axis=1) >= 3
        case "impossible_explained":
            new, able = _moved_back(dates)
            # Later births were entered by software that knows the calendar.
            return new, able & (held.year < 2000)
        case "impossible":
            ghosts = np.array(list(_MOVED.values()))[(uniform * 6).astype(np.int64)]
            new = Dates(held.year, ghosts[:, 0], ghosts[:, 1])
            leap = days_in_month(held.year, zero + 2) == 29
            far = (abs(new.month - held.month) >= 3) & ((new.digits != dates.digits).sum(axis=1) >= 3)
            return new, far & ~(leap & (new.month == 2) & (new.day == 29))
        case "missing" | "malformed":
            return Dates(zero, zero, zero), yes
        case _:
            return dates, yes


def _moved_back(dates: Dates) -> tuple[Dates, Flags]:
    month, day = dates.month.copy(), dates.day.copy()
    able = np.zeros(len(month), np.bool_)
    leap = days_in_month(dates.year, np.full_like(month, 2)) == 29
    for (new_month, new_day), (old_month, old_day) in _MOVED.items():
        hit = (dates.month == new_month) & (dates.day == new_day)
        if (
            new_month == 3
        ):  # 1 March: 29 February of a common year, 30 of a leap year; 2 March: 30 of a common year
            hit &= ~leap
        month[hit], day[hit] = old_month, old_day
        able |= hit
    hit = leap & (dates.month == 3) & (dates.day == 1)
    month[hit], day[hit] = 2, 30
    return Dates(dates.year, month, day), able | hit


def _cells(name: str, dates: Dates, uniform: Floats) -> pa.Array:
    year = text.chosen(text.counted(2200, 4), dates.year)
    month, day = (text.chosen(text.counted(32, 2), part) for part in (dates.month, dates.day))
    match name:
        case "slashes" | "zeros":
            return text.joined(day, month, year, between="/")
        case "dashes":
            return text.joined(day, month, year, between="-")
        case "dots":
            return text.joined(day, month, year, between=".")
        case "compact":
            return text.joined(year, month, day)
        case "unpadded":
            short = [text.chosen(text.counted(32, 1), part) for part in (dates.day, dates.month)]
            return text.joined(*short, year, between="/")
        case "with_time":
            return text.joined(text.joined(year, month, day, between="-"), " 00:00:00")
        case "two_digit_year":
            return text.joined(day, month, text.chosen(text.counted(100, 2), dates.year % 100), between="/")
        case "serial":
            return pa.array(_days(dates) - WORKBOOK_EPOCH).cast(pa.string())
        case "malformed":
            return text.chosen(_GARBAGE, (uniform * len(_GARBAGE)).astype(np.int64))
        case "missing":
            return pa.nulls(len(uniform), pa.string())
        case _:
            depth = 1 + (dates.month > 0) + (dates.day > 0)
            return people.iso(dates.year, np.maximum(dates.month, 1), np.maximum(dates.day, 1), depth)


_ANY_DATE = ("missing", "malformed")  # kinds that do not ask what the register knows


def written(
    held: Dates, regular: Flags, kinds: Ints, uniform: Floats, last: date
) -> tuple[pa.Array, Dates, Ints]:
    """Birth dates as a carrier has them: the cells, what they say, and the kinds that took hold.

    `regular` are rows whose date the register holds in full and the calendar knows: only they show kinds that
    begin from such a date. Rows of no kind are written `YYYY-MM-DD`, as far as `held` says. No date made here
    lies in `last`'s year or after.
    """
    kinds, said = kinds.copy(), held.take(np.arange(len(kinds)))
    special: list[tuple[Ints, pa.Array]] = []
    for number in np.unique(kinds[kinds >= 0]):
        name = errors.kinds()[number].name.removeprefix("dob.")
        rows = np.flatnonzero(kinds == number)
        new, able = _changed(name, held.take(rows), uniform[rows], last)
        able &= regular[rows] | (name in _ANY_DATE)
        if name == "serial":
            able &= held.year[rows] >= 1930  # five digits
        if name == "two_digit_year":
            able &= (held.year[rows] >= 1940) & (held.year[rows] < 2000)
        kinds[rows[~able]] = errors.NONE
        rows = rows[able]
        said.put(rows, new.take(able))
        special.append((rows, _cells(name, new.take(able), uniform[rows])))
    cells = _cells("", said, uniform)
    for rows, part in special:
        cells = text.replaced(cells, rows, part)
    return cells, said, kinds
