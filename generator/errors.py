"""The table of everything that can go wrong, and who shows what."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from generator.chance import Floats, Ints
from simcheck.reasons import Reason, Verdict

PARTS = ("case", "name", "dob", "id", "record", "msisdn", "copy", "gender", "face", "row")
GRAVITY = (Verdict.VERIFIED, Verdict.VARIANT, Verdict.MISMATCH, Verdict.UNVERIFIABLE, Verdict.REJECTED)
LEAST_CLEAN = 0.6  # with a smaller share the kinds of a part would no longer fit beside each other
NONE = -1  # the kind of a row that shows nothing


@dataclass(frozen=True)
class Kind:
    """One way of going wrong. `reasons` and `optional` are masks of `Reason`; `gravity` indexes `GRAVITY`."""

    name: str
    rate: float
    able: float
    gravity: int
    reasons: int
    optional: int
    strict: bool
    at: dict[str, float]


@cache
def kinds() -> tuple[Kind, ...]:
    """Read `errors.toml`, in its order: a kind's number is its place here."""
    raw = tomllib.loads((files("generator") / "errors.toml").read_text("utf-8"))["error"]
    return tuple(
        Kind(
            entry["kind"], entry["rate"], entry["able"], GRAVITY.index(Verdict(entry["verdict"])),
            mask(entry["reasons"]), mask(entry.get("optional", [])), entry.get("strict", True),
            entry.get("at", {}),
        )
        for entry in raw
    )  # fmt: skip


@cache
def number(name: str) -> int:
    """The number of a kind."""
    return [kind.name for kind in kinds()].index(name)


@cache
def of_part(part: str) -> range:
    """The numbers of one part's kinds, which stand together in the table."""
    found = [place for place, kind in enumerate(kinds()) if kind.name.split(".")[0] == part]
    if found != list(range(found[0], found[-1] + 1)):
        raise ValueError(f"the kinds of {part} must stand together in errors.toml")
    return range(found[0], found[-1] + 1)


def mask(codes: Sequence[str]) -> int:
    """Reason codes as one mask."""
    return sum(Reason[code].mask for code in codes)


def scale_for(clean_share: float | None) -> float:
    """What the rates of all that makes a row other than verified are multiplied by, so that a share of rows
    shows none of it; 1 for None. The parts of a row go wrong independently.
    """
    if clean_share is None:
        return 1.0
    wrong = [sum(kinds()[place].rate for place in of_part(part) if kinds()[place].gravity) for part in PARTS]
    least, most = 0.0, 1 / max(wrong)
    for _ in range(60):
        middle = (least + most) / 2
        if np.prod([1 - middle * rate for rate in wrong]) > clean_share:
            least = middle
        else:
            most = middle
    return least


class Rates:
    """Who shows which kind how often, for the carriers of one country.

    `scale` multiplies the rates of every kind that makes a row other than verified. `barred` names, for each
    carrier, the kinds that its format cannot carry.
    """

    def __init__(self, carriers: Sequence[str], scale: float, barred: Sequence[frozenset[str]]) -> None:
        self._edges: dict[str, Floats] = {}
        self.rates = np.zeros((len(carriers), len(kinds())))
        for part in PARTS:
            numbers = of_part(part)
            chance = np.zeros((len(carriers), len(numbers)))
            for row, carrier in enumerate(carriers):
                for column, place in enumerate(numbers):
                    kind = kinds()[place]
                    if kind.name not in barred[row]:
                        self.rates[row, place] = kind.at.get(carrier, kind.rate) * (
                            scale if kind.gravity else 1
                        )
                        chance[row, column] = self.rates[row, place] / kind.able
            total = chance.sum(axis=1, keepdims=True)
            self._edges[part] = np.cumsum(chance / np.maximum(total, 1.0), axis=1)

    def draw(self, part: str, carrier: Ints, uniform: Floats) -> Ints:
        """The number of the kind that each row shows in this part, or `NONE`."""
        edges = self._edges[part]
        flat = (edges + np.arange(len(edges))[:, None] * 2).ravel()
        found = np.searchsorted(flat, uniform + carrier * 2, side="right") - carrier * edges.shape[1]
        return np.where(found < edges.shape[1], found + of_part(part).start, NONE)
