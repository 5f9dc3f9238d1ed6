"""Subscriptions: who holds them, at which carrier, under which number.

Numbers are given out by a permutation of all subscriptions of the country, so each is unique, and a
carrier serves mostly, never only, the prefixes it was first given (number portability).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from generator.chance import Floats, Ints, pick, pick_by, shuffle, stream
from generator.people import BLOCK, DECEASED, REVOKED, Citizens
from simcheck.errors import UsageError

NATIONAL = 9  # digits of a national number without its leading zero
# How many numbers people have, as weights of 1, 2, 3, ...; then those who sell SIMs registered in their own
# name.
# 2024: 7.9 million numbers belonged to holders of 4 to 9, 8.6 million to holders of 10 and more (DOMAIN 2).
_NUMBERS = (60, 25, 8, 2.2, 1.2, 0.7, 0.5, 0.35, 0.25, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04)
SELLERS = 2e-5
# Those who seldom hold a number, in proportion to an adult: a child below 6, below 15, the aged, the dead,
# the revoked.
_SELDOM = {"infant": 0.004, "child": 0.12, "aged": 0.5, "dead": 0.12, "revoked": 0.5}


@dataclass(frozen=True)
class Plan:
    """The numbering plan, and how a country's numbers are shared out to it."""

    prefixes: Ints  # as numbers
    widths: Ints  # digits of each prefix
    operator: Ints  # index into `operators`
    operators: tuple[str, ...]
    ends: Ints  # the running total of subscriptions up to each prefix
    total: int


@cache
def raw() -> dict[str, Any]:
    """`numbering.toml` as it stands."""
    return tomllib.loads((files("generator") / "numbering.toml").read_text("utf-8"))


@cache
def plan(total: int) -> Plan:
    """How `total` subscriptions are spread over the prefixes. Raises UsageError when there are not enough
    numbers.
    """
    operators = tuple(raw()["share"])
    rows = [(place, prefix) for place, name in enumerate(operators) for prefix in raw()["prefixes"][name]]
    widths = np.array([len(prefix) for _, prefix in rows])
    room = 10 ** (NATIONAL - widths)
    operator = np.array([place for place, _ in rows])
    share = np.array(list(raw()["share"].values()))
    wanted = share[operator] * room / np.bincount(operator, weights=room)[operator]
    ends = np.round(np.cumsum(wanted) / wanted.sum() * total).astype(np.int64)
    if (np.diff(np.r_[0, ends]) > room).any():
        raise UsageError(f"{total} subscriptions need more mobile numbers than there are. Generate fewer")
    return Plan(np.array([int(prefix) for _, prefix in rows]), widths, operator, operators, ends, total)


def numbers(seed: int, total: int, index: Ints) -> tuple[Ints, Ints]:
    """For the subscriptions numbered `index`: the national number (nine digits) and its first operator."""
    layout = plan(total)
    place = shuffle(index, total, seed % (1 << 40) + 1)
    which = np.searchsorted(layout.ends, place, side="right")
    within = place - np.r_[0, layout.ends][which]
    out = np.empty(len(index), np.int64)
    for width in np.unique(layout.widths):
        rows = layout.widths[which] == width
        room = 10 ** (NATIONAL - int(width))
        key = layout.prefixes[which[rows]] * 7919 + seed % (1 << 40)
        out[rows] = layout.prefixes[which[rows]] * room + shuffle(within[rows], room, key)
    return out, layout.operator[which]


def serving(operator: Ints, carriers: Sequence[str], uniform: Floats) -> Ints:
    """The carrier (index into `carriers`) that serves each number now: the first operator, or where it was
    ported.
    """
    share = raw()["share"]
    usual = max(share.values())  # what a carrier without a published share is given
    weights = np.array([share.get(code, usual) for code in carriers], np.float64)
    chances = np.tile(weights / weights.sum(), (len(share), 1))
    for place, code in enumerate(share):
        if code in carriers:
            chances[place] *= 0.0 if code in raw()["not_portable"] else raw()["ported"]
            chances[place, list(carriers).index(code)] += 1 - chances[place].sum()
    return pick_by(operator, uniform, chances)


def holders(seed: int, block: int, people: Citizens, age: Ints, count: int) -> Ints:
    """The holder (index into the block) of each of the block's `count` subscriptions, in random order."""
    size = len(people)
    many = 1 + pick(stream(seed, block, "how many").random(size), _NUMBERS)
    seller = stream(seed, block, "seller").random(size)
    sells = (seller < SELLERS) & (age >= 20) & (people.status == 0)
    weight = np.where(sells, 150 + seller / SELLERS * 450, many.astype(np.float64))
    weight *= np.select(
        [age < 6, age < 15, age >= 80], [_SELDOM["infant"], _SELDOM["child"], _SELDOM["aged"]], 1.0
    )
    weight *= np.select(
        [people.status == DECEASED, people.status == REVOKED], [_SELDOM["dead"], _SELDOM["revoked"]], 1.0
    )
    edges = np.cumsum(weight)
    draws = stream(seed, block, "holders")
    steps = (np.arange(count) + draws.random()) / max(count, 1) * edges[-1]
    found = np.minimum(np.searchsorted(edges, steps, side="right"), size - 1)
    return draws.permutation(found)


def share_of_block(total: int, citizens: int, block: int) -> tuple[int, int]:
    """The first subscription of a block, and how many it has."""
    first, last = (min(place * BLOCK, citizens) * total // citizens for place in (block, block + 1))
    return first, last - first
