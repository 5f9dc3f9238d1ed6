"""The citizens of the register: citizen `i` is a pure function of the seed and of `i`.

They come in blocks of `BLOCK`, so that a country of any size needs the memory of one block. A bigger
country with the same seed begins with the same citizens.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generator import text
from generator.chance import Flags, Floats, Ints, pick, pick_by, rank_within, shuffle, stream
from generator.names import KINH, Names, names, stock

BLOCK = 131_072
BLOCKS = 1024  # how many blocks the serials of an ID are shared out to: 134 million citizens
MOST_CITIZENS = BLOCK * BLOCKS
CMNDS, FIRST_CMND = 390_000_000, 10_000_000  # 9-digit numbers began with the province's police, 01 to 39
FIRST_YEAR = 1900
REGIONS = ("north", "centre", "south")
ACTIVE, DECEASED, REVOKED = range(3)
STATUSES = ("active", "deceased", "revoked")
DAY, MONTH, YEAR = 3, 2, 1  # how much of a birth date the register knows

# A serial is a shuffled place in [0, 1 000 000). A block gives out its own places of each zone, so no two
# citizens share one; what lies from `VACANT` on belongs to nobody, ever.
_RANKS = 256
_CURRENT, _CANCELLED, VACANT = 0, _RANKS * BLOCKS, 2 * _RANKS * BLOCKS
SERIALS = 1_000_000

# Shares of the register's own oddities. IDs that disagree with sex or birth year, and cancelled numbers:
# DOMAIN 3.1 knows of campaigns, not of counts, so these are assumptions; so are partial and impossible dates
# (DOMAIN 8.5).
STRUCTURE_CONFLICT, REISSUED, IMPOSSIBLE_DATE, REVOKED_SHARE = 0.003, 0.004, 0.0005, 0.0015
SIBLINGS, TWINS, FILLER_DATE = 0.3, 0.02, 0.03
_IMPOSSIBLE = ((2, 30), (2, 29), (4, 31), (6, 31), (9, 31), (11, 31))


@dataclass(frozen=True)
class Provinces:
    """Codes, names and people (thousands) of the places of birth registration."""

    codes: Ints
    names: tuple[str, ...]
    people: Floats
    region: Ints
    peoples: Floats  # (place, people): the share that bears each people's names
    domestic: int  # the first so many are provinces, the others countries


@dataclass(frozen=True)
class Citizens:
    """One block of the register. Every array has one entry a citizen, in the register's order."""

    start: int  # the number of the first citizen, counted from 0
    names: Names
    men: Flags
    year: Ints
    month: Ints
    day: Ints
    known: Ints  # DAY, MONTH or YEAR: what the register holds of the birth date
    possible: Flags  # the birth date is in the calendar
    id_number: Ints
    previous: Ints  # -1: none
    cmnd: Ints  # -1: none
    status: Ints
    province: Ints
    sibling: Flags  # a brother or sister of the citizen before

    def __len__(self) -> int:
        return len(self.id_number)


@cache
def _raw() -> dict[str, dict[str, list[float]]]:
    return tomllib.loads((files("generator") / "provinces.toml").read_text("utf-8"))


@cache
def provinces() -> Provinces:
    """Read `provinces.toml`."""
    raw: dict[str, dict[str, list[object]]] = _raw()  # type: ignore[assignment]
    rows = [(int(code), *row) for part in ("province", "abroad") for code, row in raw[part].items()]
    peoples = np.zeros((len(rows), 1 + len(stock().others)))
    for number, people in enumerate(stock().others, start=1):
        for place, row in enumerate(rows):
            peoples[place, number] = people.where.get(f"{row[0]:03d}", 0.0)
    peoples[:, KINH] = 1 - peoples.sum(axis=1)
    return Provinces(
        np.array([row[0] for row in rows]),
        tuple(str(row[1]) for row in rows),
        np.array([row[2] for row in rows], np.float64),
        np.array([REGIONS.index(str(row[3])) for row in rows]),
        peoples,
        len(raw["province"]),
    )


def days_in_month(year: Ints, month: Ints) -> Ints:
    """The number of days of a month of the Gregorian calendar."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days: Ints = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[month] + ((month == 2) & leap)
    return days


def from_days(days: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of dates given as days since 1970-01-01."""
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]")
    year = dates.astype("M8[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    return year, month, (dates - months.astype("M8[D]")).astype(np.int64) + 1


def id_key(seed: int, cell: Ints) -> Ints:
    """The key that shuffles the serials of one cell (the first six digits of an ID)."""
    return cell * 1_000_003 + seed % (1 << 40)


def _number(seed: int, cell: Ints, zone: int, block: int) -> Ints:
    """IDs for the given cells: the first six digits are the cell, the serial comes from the zone."""
    rank = rank_within(cell)
    if len(rank) and rank.max() >= _RANKS:
        raise RuntimeError("a block has more citizens of one place, year and sex than it has serials")
    return cell * SERIALS + shuffle(zone + rank * BLOCKS + block, SERIALS, id_key(seed, cell))


def _cell(place: Ints, men: Flags, year: Ints) -> Ints:
    """The first six digits: place, century and sex, year (Decree 137/2015 Art. 13; Circular
    07/2016/TT-BCA).
    """
    return (place * 10 + (year - 1900) // 100 * 2 + ~men) * 100 + year % 100


def _births(
    block: int, seed: int, size: int, as_of: date, elder: Ints
) -> tuple[Ints, Ints, Ints, Flags, Flags]:
    """Year, month, day, whether the day exists, and sex."""
    age = _raw()["age"]
    born = stream(seed, block, "age").random(size)
    groups = pick(born, age["groups"])
    edges = np.r_[0, np.cumsum(age["groups"])] / np.sum(age["groups"])
    within = (born - edges[groups]) / (edges[groups + 1] - edges[groups])
    days = ((groups + within) * 5 * 365.25).astype(np.int64)
    apart = stream(seed, block, "apart").random(size)
    gap = np.where(apart < TWINS, 0, 300 + (apart * 2500).astype(np.int64))
    days = np.where(elder < np.arange(size), np.maximum(days[elder] - gap, 0), days)
    year, month, day = from_days(np.datetime64(as_of, "D").astype(np.int64) - days)
    odd = stream(seed, block, "odd date").random(size)
    filler = (odd < FILLER_DATE) & (year < 1975)
    month[filler], day[filler] = 1, 1
    ghost = (odd > 1 - IMPOSSIBLE_DATE) & (year < 1990)
    table = np.array(_IMPOSSIBLE)[
        ((1 - odd) / IMPOSSIBLE_DATE * len(_IMPOSSIBLE)).astype(np.int64).clip(0, 5)
    ]
    month[ghost], day[ghost] = table[ghost].T
    men_share = (float(age["men_at_birth"]) - float(age["men_less_a_year"]) * days / 365.25) / 1000  # type: ignore[arg-type]
    men = stream(seed, block, "sex").random(size) < men_share
    return year, month, day, day <= days_in_month(year, month), men


def cmnds(seed: int, place: Ints) -> Ints:
    """Nine-digit numbers: the citizen's own place gives his; those from `MOST_CITIZENS` on nobody holds."""
    return FIRST_CMND + shuffle(place, CMNDS, seed % (1 << 40) + 9)


def _numbers(
    seed: int, block: int, place: Ints, men: Flags, year: Ints, last_year: int
) -> tuple[Ints, Ints, Ints]:
    """Current ID, cancelled ID or -1, 9-digit CMND or -1."""
    size = len(men)
    odd = stream(seed, block, "odd id").random(size)
    wrong = stream(seed, block, "wrong id").random(size)
    other_sex = wrong < 0.5
    off = 1 + (wrong * 1000).astype(np.int64) % 9
    other_year = np.where(year + off > last_year, year - off, year + off)
    right = _cell(place, men, year)
    mistaken = _cell(place, men ^ other_sex, np.where(other_sex, year, other_year))
    conflict, reissued = odd < STRUCTURE_CONFLICT, odd > 1 - REISSUED
    current = _number(seed, np.where(conflict, mistaken, right), _CURRENT, block)
    previous = np.full(size, -1, np.int64)
    previous[reissued] = _number(seed, mistaken[reissued], _CANCELLED, block)
    held = stream(seed, block, "cmnd").random(size) < np.select([year <= 2000, year <= 2006], [0.75, 0.3], 0)
    return current, previous, np.where(held, cmnds(seed, block * BLOCK + np.arange(size)), -1)


def citizens(seed: int, block: int, size: int, as_of: date) -> Citizens:
    """The first `size` citizens of a block. `as_of` is the day on which nobody is yet unborn."""
    places = provinces()
    index = np.arange(size)
    sibling = (index % 2 == 1) & (stream(seed, block, "sibling").random(size) < SIBLINGS)
    elder = index - sibling
    year, month, day, possible, men = _births(block, seed, size, as_of, elder)

    def shared(name: str) -> Floats:
        drawn = stream(seed, block, name).random(size)
        return drawn[elder] if name in {"family", "double", "middle", "people", "place"} else drawn

    place = pick(shared("place"), places.people)
    people = pick_by(place, shared("people"), places.peoples)
    called = names(shared, people, men, year, places.region[place])
    id_number, previous, cmnd = _numbers(seed, block, places.codes[place], men, year, as_of.year)
    age = as_of.year - year
    fate = stream(seed, block, "status").random(size)
    dead = fate < np.select([age >= 90, age >= 75, age >= 60], [0.35, 0.12, 0.03], 0.004)
    status = np.where(dead, DECEASED, np.where(fate > 1 - REVOKED_SHARE, REVOKED, ACTIVE))
    vague = stream(seed, block, "known").random(size)
    share = np.select([year < 1955, year < 1975, year < 2000], [0.06, 0.01, 0.0005], 0)
    known = np.where(~possible | (vague >= share), DAY, np.where(vague < share * 0.8, YEAR, MONTH))
    return Citizens(
        block * BLOCK, called, men, year, month, day, known, possible, id_number, previous, cmnd, status,
        place, sibling,
    )  # fmt: skip


def iso(year: Ints, month: Ints, day: Ints, known: Ints | int = DAY) -> pa.Array:
    """Dates as `YYYY-MM-DD`, `YYYY-MM` or `YYYY`, as far as each is known."""
    depth = np.broadcast_to(np.asarray(known, np.int64), year.shape)
    tail = np.select([depth == DAY, depth == MONTH], [month * 32 + day, 13 * 32 + month], 0)
    return text.joined(text.chosen(text.counted(2200, 4), year), text.chosen(_tails(), tail))


@cache
def _tails() -> pa.Array:
    full = [f"-{month:02d}-{day:02d}" for month in range(13) for day in range(32)]
    return pa.array(["", *full[1:], *(f"-{month:02d}" for month in range(13))])


def optional(values: Ints, width: int) -> pa.Array:
    """Numbers as text of `width` digits; null where the number is negative."""
    there = values >= 0
    cells = text.padded(np.maximum(values, 0), width)
    return cells.take(pa.array(np.arange(len(values)), mask=~there))


def table(block: Citizens, full_names: pa.Array) -> pa.RecordBatch:
    """A block as rows of the citizen register (public contract, section 1)."""
    return pa.RecordBatch.from_pydict(
        {
            "id_number": text.padded(block.id_number, 12),
            "full_name": full_names,
            "date_of_birth": iso(block.year, block.month, block.day, block.known),
            "gender": text.chosen(("F", "M"), block.men.astype(np.int64)),
            "status": text.chosen(STATUSES, block.status),
            "old_id_number": optional(block.cmnd, 9),
            "previous_id_number": optional(block.previous, 12),
        }
    )


def age_on(as_of: date, year: Ints, month: Ints, day: Ints) -> npt.NDArray[np.int64]:
    """Whole years of age on a day."""
    return as_of.year - year - ((month * 32 + day) > (as_of.month * 32 + as_of.day))
