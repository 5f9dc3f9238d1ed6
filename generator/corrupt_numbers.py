"""What happens to ID numbers and phone numbers on their way into a carrier's file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from generator import errors, sims, text
from generator.chance import Flags, Floats, Ints, shuffle
from generator.people import CMNDS, MOST_CITIZENS, SERIALS, VACANT, cmnds, id_key

_NO_ID = ("không có", "chua cap nhat", "xxxxxx")
_SHORT_CODES = ("1414", "18001090", "19001234", "113", "9029")
_NO_NUMBER = ("không có", "chua co", "N/A")
_TRIES = 8
_UNITS = np.array([10**place for place in range(11)], np.int64)


@dataclass(frozen=True)
class Documents:
    """The numbers a holder has had: 12 digits; 12 digits, cancelled; 9 digits. -1 for none."""

    current: Ints
    previous: Ints
    cmnd: Ints


def vacant(seed: int, numbers: Ints) -> Flags:
    """Which 12-digit numbers surely belong to nobody, in a country of whatever size made from this seed."""
    cell = numbers // SERIALS
    return shuffle(numbers % SERIALS, SERIALS, id_key(seed, cell), back=True) >= VACANT


def _slip(seed: int, held: Ints, uniform: Floats, pairs: bool) -> tuple[Ints, Flags]:
    """One digit changed, or two neighbours exchanged, into a number that nobody holds. The first digit
    stays.
    """
    out, done = held.copy(), np.zeros(len(held), np.bool_)
    for attempt in range(_TRIES):
        draw = (uniform * 7919 * (attempt + 1) % 1 * 10_000).astype(np.int64)
        unit = _UNITS[draw % (10 if pairs else 11)]
        digit = held // unit % 10
        left = held // (unit * 10) % 10
        if pairs:
            change = (left - digit) * unit + (digit - left) * unit * 10
        else:
            change = ((digit + 1 + draw // 11 % 9) % 10 - digit) * unit
        new = held + change.astype(np.int64)
        good = ~done & (new != held) & vacant(seed, new)
        out[good] = new[good]
        done |= good
    return out, done


def _stranger(seed: int, held: Ints, uniform: Floats) -> tuple[Ints, Flags]:
    """A number of the same place, sex and year that nobody holds, and that no single slip explains."""
    cell = held // SERIALS
    place = VACANT + (uniform * (SERIALS - VACANT)).astype(np.int64)
    new = cell * SERIALS + shuffle(place, SERIALS, id_key(seed, cell))
    far = (text.digit_matrix(new, 12) != text.digit_matrix(held, 12)).sum(axis=1) >= 3
    return new, far


def _parts(numbers: Ints, between: str) -> pa.Array:
    return text.joined(
        text.padded(numbers // 10**9, 3),
        text.padded(numbers // 10**6, 3),
        text.padded(numbers, 6),
        between=between,
    )


def _plain(numbers: Ints) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _scientific(numbers: Ints) -> pa.Array:
    """Four decimals, as a narrow column shows them: the rest is lost."""
    exponent = 9 + (numbers >= 10**10) + (numbers >= 10**11)
    top = numbers // 10 ** (exponent - 4)
    return text.joined(_plain(top // 10_000), ".", text.padded(top, 4), "E+", text.padded(exponent, 2))


def _malformed(numbers: Ints, uniform: Floats) -> pa.Array:
    cells = text.padded(numbers, 7)
    long = np.flatnonzero(uniform < 0.4)
    cells = text.replaced(cells, long, text.joined(text.padded(numbers[long], 12), "12"))
    words = np.flatnonzero(uniform > 0.7)
    which = ((uniform[words] - 0.7) / 0.3 * len(_NO_ID)).astype(np.int64)
    return text.replaced(cells, words, text.chosen(_NO_ID, np.minimum(which, len(_NO_ID) - 1)))


def _id(name: str, held: Documents, uniform: Floats, seed: int) -> tuple[pa.Array, Ints, Flags]:
    """The cells of one kind, the 12 digits they say (or -1), and for which rows the kind can be."""
    now, yes, none = held.current, np.ones(len(uniform), np.bool_), np.full(len(uniform), -1, np.int64)
    leading = now < 10**11
    match name:
        case "spaced" | "dotted" | "dashed":
            return _parts(now, {"spaced": " ", "dotted": ".", "dashed": "-"}[name]), now, yes
        case "trailing_space":
            return text.joined(text.padded(now, 12), " "), now, yes
        case "text_mark":
            return text.joined("'", text.padded(now, 12)), now, yes
        case "lost_zero":
            return _plain(now), now, leading
        case "float_tail":
            return text.joined(_plain(now), ".0"), now, leading
        case "letter_o":
            return text.joined("O", text.padded(now, 11)), now, leading
        case "cmnd":
            return text.padded(np.maximum(held.cmnd, 0), 9), none, held.cmnd >= 0
        case "cmnd_lost_zero":
            return _plain(held.cmnd), none, (held.cmnd >= 10**7) & (held.cmnd < 10**8)
        case "previous":
            return text.padded(np.maximum(held.previous, 0), 12), held.previous, held.previous >= 0
        case "slip" | "transposed":
            new, able = _slip(seed, now, uniform, name == "transposed")
            return text.padded(new, 12), new, able
        case "not_found":
            new, able = _stranger(seed, now, uniform)
            return text.padded(new, 12), new, able
        case "cmnd_unknown":
            place = MOST_CITIZENS + (uniform * (CMNDS - MOST_CITIZENS)).astype(np.int64)
            return text.padded(cmnds(seed, place), 9), none, yes
        case "malformed":
            return _malformed(now, uniform), none, yes
        case "scientific":
            return _scientific(now), none, leading
        case "missing":
            return pa.nulls(len(uniform), pa.string()), none, yes
        case _:
            raise ValueError(f"errors.toml names id.{name}, which nothing makes")


def written_ids(held: Documents, kinds: Ints, uniform: Floats, seed: int) -> tuple[pa.Array, Ints, Ints]:
    """ID numbers as a carrier has them: the cells, the 12 digits they say (or -1), and the kinds that took
    hold.
    """
    kinds, said = kinds.copy(), held.current.copy()
    cells = text.padded(held.current, 12)
    for number in np.unique(kinds[kinds >= 0]):
        rows = np.flatnonzero(kinds == number)
        part = Documents(held.current[rows], held.previous[rows], held.cmnd[rows])
        new, digits, able = _id(errors.kinds()[number].name.removeprefix("id."), part, uniform[rows], seed)
        kinds[rows[~able]] = errors.NONE
        said[rows[able]] = digits[able]
        cells = text.replaced(cells, rows[able], new.filter(pa.array(able)))
    return cells, said, kinds


@cache
def _old_prefixes() -> Ints:
    table = np.full(100, -1, np.int64)
    for new, old in sims.raw()["old"].items():
        table[int(new)] = int(old)
    return table


def _msisdn(name: str, number: Ints, uniform: Floats) -> tuple[pa.Array, Flags]:
    """The cells of one kind, and for which rows the kind can be. `number` is the nine-digit national
    number.
    """
    nine, yes = text.padded(number, 9), np.ones(len(number), np.bool_)
    groups = (text.padded(number // 10**6, 3), text.padded(number // 10**3, 3), text.padded(number, 3))
    match name:
        case "zero":
            return text.joined("0", nine), yes
        case "plus_84":
            return text.joined("+84", nine), yes
        case "0084":
            return text.joined("0084", nine), yes
        case "dotted" | "spaced" | "dashed":
            between = {"dotted": ".", "spaced": " ", "dashed": "-"}[name]
            return text.joined("0", text.joined(*groups, between=between)), yes
        case "lost_zero":
            return nine, yes
        case "float_tail":
            return text.joined(nine, ".0"), yes
        case "scientific":
            return text.joined("8.4", nine, "E+10"), yes
        case "brackets":
            return text.joined("(+84) ", nine), yes
        case "old_prefix":
            old = _old_prefixes()[number // 10**7]
            return text.joined("0", text.padded(np.maximum(old, 0), 3), text.padded(number, 7)), old >= 0
        case "landline":
            return text.joined(
                text.chosen(("0243", "0283"), (uniform * 2).astype(np.int64)), text.padded(number, 7)
            ), yes
        case "short_code":
            return text.chosen(_SHORT_CODES, (uniform * len(_SHORT_CODES)).astype(np.int64)), yes
        case "too_short":
            return text.joined("0", text.padded(number // 10, 8)), yes
        case "too_long":
            return text.joined("0", nine, "55"), yes
        case "no_such_prefix":
            return text.joined(
                text.chosen(("053", "057", "071"), (uniform * 3).astype(np.int64)), text.padded(number, 7)
            ), yes
        case "words":
            return text.chosen(_NO_NUMBER, (uniform * len(_NO_NUMBER)).astype(np.int64)), yes
        case "missing":
            return pa.nulls(len(number), pa.string()), yes
        case _:
            raise ValueError(f"errors.toml names msisdn.{name}, which nothing makes")


def written_msisdns(number: Ints, kinds: Ints, uniform: Floats) -> tuple[pa.Array, Ints]:
    """Phone numbers as a carrier has them (`84` and nine digits where nothing else is asked), and the kinds
    that took hold.
    """
    kinds = kinds.copy()
    cells = text.joined("84", text.padded(number, 9))
    for kind in np.unique(kinds[kinds >= 0]):
        rows = np.flatnonzero(kinds == kind)
        new, able = _msisdn(errors.kinds()[kind].name.removeprefix("msisdn."), number[rows], uniform[rows])
        kinds[rows[~able]] = errors.NONE
        cells = text.replaced(cells, rows[able], new.filter(pa.array(able)))
    return cells, kinds
