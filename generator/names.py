"""What people are called: names drawn syllable by syllable, so that every later change is arithmetic.

A name is a row of numbers, each a **syllable** of one vocabulary, in the order in which the card prints
them, with the places of the family name and of the given name beside it. Nothing here is text until
`spelling.py` writes it out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from generator.chance import Floats, Ints, pick, pick_by

SLOTS = 6  # the longest names have six syllables (DOMAIN 8.1)
NONE = 0  # the syllable that is not there
KINH = 0  # the majority people; the others follow in the order of `names.toml`
Syllables = npt.NDArray[np.int32]
Draw = Callable[[str], Floats]


@dataclass(frozen=True)
class Names:
    """A column of names. Every array has one entry a name; `syllables` has shape (names, SLOTS)."""

    syllables: Syllables
    length: Ints
    family_at: Ints
    family_length: Ints  # 0: this people has no family names
    given_at: Ints
    given_length: Ints  # with the marker of sex that belongs to it (Y, H')
    people: Ints

    def take(self, which: Ints | npt.NDArray[np.bool_]) -> Self:
        """The names with the given indices."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True)
class Table:
    """Items to draw from: each is up to four syllables; `weights` has one row a group."""

    syllables: Syllables
    weights: Floats


@dataclass(frozen=True)
class People:
    """How one people names its children. `middle` and `given` have the groups M, F (and, for Kinh, eras)."""

    order: str
    where: dict[str, float]
    family: Table | None
    middle: Table | None
    given: Table
    marker: tuple[int, int]  # the syllable that marks men and women, or NONE


class Vocabulary:
    """Every syllable that any name may hold, each with its number; 0 is the empty one."""

    def __init__(self) -> None:
        self.words: list[str] = [""]
        self._numbers = {"": NONE}

    def __getitem__(self, word: str) -> int:
        return self._numbers[word]

    def add(self, word: str) -> int:
        """The number of a syllable, which is new or not."""
        if word not in self._numbers:
            self._numbers[word] = len(self.words)
            self.words.append(word)
        return self._numbers[word]

    def item(self, written: str, prefix: str = "") -> list[int]:
        """The four syllables of one entry of the data file, where `-` stands between syllables."""
        found = [self.add(part) for part in (prefix + written).split("-")]
        return found + [NONE] * (4 - len(found))


@dataclass(frozen=True)
class Stock:
    """All that names are drawn from, read once."""

    vocabulary: Vocabulary
    eras: Ints
    lengths: Floats  # (sex and era, 2 to 5 syllables)
    kinh: People
    others: tuple[People, ...]
    double: tuple[Table, Table]  # families of two words: for men, for women
    double_share: float
    strangers: tuple[list[str], Floats, list[str], Floats, list[str]]


def _pairs(text: str) -> list[tuple[str, float]]:
    words = text.replace("\n", " ").split()
    return list(zip(words[::2], map(float, words[1::2]), strict=True))


def _table(vocabulary: Vocabulary, groups: list[str], prefixes: list[str] | None = None) -> Table:
    """One table for several groups: an entry that a group lacks has the weight 0 there."""
    entries: dict[tuple[int, ...], list[float]] = {}
    for number, group in enumerate(groups):
        for word, weight in _pairs(group):
            key = tuple(vocabulary.item(word, prefixes[number] if prefixes else ""))
            entries.setdefault(key, [0.0] * len(groups))[number] += weight
    return Table(np.array(list(entries), np.int32), np.array(list(entries.values())).T)


def _by_era(text: str, era: int) -> str:
    rows = [entry.split() for line in text.split("\n") for entry in line.split("|")]
    return " ".join(f"{row[0]} {row[1 + era]}" for row in rows)


def _people(vocabulary: Vocabulary, raw: dict[str, Any], kinh: People) -> People:
    marker = raw.get("marker", {"M": "", "F": ""})
    glued = [marker[sex] if marker[sex].endswith("'") else "" for sex in "MF"]
    if "given" in raw:
        given = _table(vocabulary, [raw["given"]["M"], raw["given"]["F"]], glued)
    else:  # this people's given names are those of the Kinh, of every era alike
        weights = kinh.given.weights.reshape(2, -1, kinh.given.weights.shape[1]).sum(axis=1)
        given = Table(kinh.given.syllables, weights)
    family = _table(vocabulary, [raw["family"]]) if "family" in raw else None
    middle = _table(vocabulary, [raw["middle"]["M"], raw["middle"]["F"]]) if "middle" in raw else None
    apart = [0 if prefix else vocabulary.add(marker[sex]) for sex, prefix in zip("MF", glued, strict=True)]
    where = {code: float(share) / 100 for code, share in _pairs(raw["where"].replace(":", " "))}
    return People(raw["order"], where, family, middle, given, (apart[0], apart[1]))


@cache
def stock() -> Stock:
    """Read `names.toml`."""
    raw = tomllib.loads((files("generator") / "names.toml").read_text("utf-8"))
    words = Vocabulary()
    eras = range(len(raw["eras"]))
    regions = [raw["family"][region] for region in ("north", "centre", "south")]
    kinh = People(
        "fmg",
        {},
        _table(words, regions),
        _table(words, [_by_era(raw["middle"][sex], era) for sex in "MF" for era in eras]),
        _table(words, [_by_era(raw["given"][sex], era) for sex in "MF" for era in eras]),
        (NONE, NONE),
    )
    others = tuple(_people(words, people, kinh) for people in raw["people"])
    double = raw["double"]
    of_men = [(w, x) for w, x in _pairs(double["family"]) if w not in double["women_only"]]
    of_women = [(w, x) for w, x in _pairs(double["family"]) if w not in double["men_only"]]
    doubles = [_table(words, [" ".join(f"{w} {x}" for w, x in part)]) for part in (of_men, of_women)]
    first, last = (_pairs(raw["strangers"][key]) for key in ("first", "last"))
    strangers = (
        [w for w, _ in first], np.array([x for _, x in first]),
        [w for w, _ in last], np.array([x for _, x in last]), raw["strangers"]["placeholders"],
    )  # fmt: skip
    lengths = np.array([raw["syllables"][sex][era] for sex in "MF" for era in eras], np.float64)
    return Stock(
        words,
        np.array(raw["eras"]),
        lengths,
        kinh,
        others,
        (doubles[0], doubles[1]),
        double["share"],
        strangers,
    )


def _laid_out(order: str, parts: dict[str, Syllables], people: int) -> Names:
    """The parts side by side in their printed order, without the gaps."""
    block = np.concatenate([parts[part] for part in order], axis=1)
    there = block != NONE
    place = np.cumsum(there, axis=1) - 1
    rows, columns = np.nonzero(there & (place < SLOTS))
    syllables = np.zeros((len(block), SLOTS), np.int32)
    syllables[rows, place[rows, columns]] = block[rows, columns]
    sizes = {part: np.minimum((parts[part] != NONE).sum(axis=1), SLOTS) for part in order}
    at, starts = np.zeros(len(block), np.int64), {}
    for part in order:
        starts[part] = at
        at = at + sizes[part]
    none = np.zeros(len(block), np.int64)
    given_at = starts["p"] if "p" in order else starts["g"]
    family = (starts["f"], sizes["f"]) if "f" in order else (none, none)
    given_length = sizes.get("p", none) + sizes["g"]
    return Names(
        syllables, np.minimum(at, SLOTS), family[0], family[1], given_at, given_length, none + people
    )


def _kinh(draw: Draw, men: npt.NDArray[np.bool_], era: Ints, region: Ints, which: Ints) -> Names:
    """Kinh names for the citizens `which`; the other arguments hold every citizen of the block."""
    data = stock()
    kinh, group = data.kinh, (np.where(men, 0, len(data.eras)) + era)[which]
    u = {
        name: draw(name)[which]
        for name in ("family", "middle", "middle2", "middle3", "given", "long", "double")
    }
    assert kinh.family is not None
    assert kinh.middle is not None
    family = kinh.family.syllables[pick_by(region[which], u["family"], kinh.family.weights)]
    double = u["double"] < data.double_share
    for sex, table in enumerate(data.double):
        rows = np.flatnonzero(double & (men[which] == (sex == 0)))
        family[rows] = table.syllables[pick(u["double"][rows] / data.double_share, table.weights[0])]
    given = pick_by(group, u["given"], kinh.given.weights)
    length = pick_by(group, u["long"], data.lengths) + 2
    inner = kinh.middle.weights * ~np.isin(
        kinh.middle.syllables[:, 0], [data.vocabulary[w] for w in ("Văn", "Thị")]
    )
    weights = {"middle": kinh.middle.weights, "middle2": inner, "middle3": inner}  # Văn and Thị stand first
    middles = np.stack([pick_by(group, u[name], table) for name, table in weights.items()], axis=1)
    parts = kinh.middle.syllables[middles][:, :, 0]
    last = kinh.given.syllables[given]
    parts[:, 1][parts[:, 1] == parts[:, 0]] = NONE  # nobody is called Ngọc Ngọc
    parts[:, 2][(parts[:, 2] == parts[:, 0]) | (parts[:, 2] == parts[:, 1])] = NONE
    parts[parts == last[:, :1]] = NONE
    room = SLOTS - (family != NONE).sum(axis=1) - (last != NONE).sum(axis=1)
    parts[np.arange(3) >= np.minimum(length - 2, room)[:, None]] = NONE
    return _laid_out("fmg", {"f": family, "m": parts, "g": last}, KINH)


def _other(number: int, draw: Draw, men: npt.NDArray[np.bool_], which: Ints) -> Names:
    """Names of the people `number` (1 is the first after the Kinh) for the citizens `which`."""
    people = stock().others[number - 1]
    sex = np.where(men, 0, 1)[which]
    parts = {"g": people.given.syllables[pick_by(sex, draw("given")[which], people.given.weights)]}
    if people.family is not None:
        parts["f"] = people.family.syllables[pick(draw("family")[which], people.family.weights[0])]
    if people.middle is not None:
        middle = people.middle.syllables[pick_by(sex, draw("middle")[which], people.middle.weights)]
        middle[(middle[:, 0] == parts["g"][:, 0])] = NONE
        middle[draw("long")[which] < 0.05] = NONE  # a two-word name is usual among them (DOMAIN 8.3)
        parts["m"] = middle
    parts["p"] = np.array(people.marker, np.int32)[sex][:, None]
    return _laid_out(people.order, parts, number)


def names(draw: Draw, people: Ints, men: npt.NDArray[np.bool_], year: Ints, region: Ints) -> Names:
    """A name for every citizen of a block.

    `draw(word)` gives one uniform number a citizen; `people`, `men`, birth `year` and `region` (0 North,
    1 Centre, 2 South) decide which names are likely.
    """
    data = stock()
    era = np.searchsorted(data.eras, year, side="right") - 1
    size = len(people)
    out = Names(np.zeros((size, SLOTS), np.int32), *(np.zeros(size, np.int64) for _ in range(6)))
    for number in np.unique(people):
        which = np.flatnonzero(people == number)
        if number == KINH:
            part = _kinh(draw, men, era, region, which)
        else:
            part = _other(int(number), draw, men, which)
        for field in fields(Names):
            getattr(out, field.name)[which] = getattr(part, field.name)
    return out
