"""The words of orders in two languages, out of `words.toml`: for carriers' files and for pages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from simcheck.enforcement.orders.guards import GUARDS
from simcheck.enforcement.orders.models import LineState, OrderAct, OrderState
from simcheck.enforcement.words import Trigger
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from simcheck.records import OUTCOMES

Text = Mapping[Language, str]
# The reasons of restorations: the record agrees, an appeal was upheld, the line is protected.
RESTORED, UPHELD, PROTECTED = "restored", "upheld", "protected"
_NEEDED: Mapping[str, set[str]] = {
    "guard": {each.name for each in GUARDS}, "act": set(OrderAct), "state": set(OrderState),
    "line": set(LineState), "outcome": set(OUTCOMES), "reason": {*Trigger, RESTORED, UPHELD, PROTECTED},
}  # fmt: skip


@cache
def group(name: str) -> Mapping[str, Text]:
    """The texts of a table of `words.toml`, such as `guard`. Raises ValueError where one is missing."""
    read = tomllib.loads(files("simcheck.enforcement.orders").joinpath("words.toml").read_text("utf-8"))
    table = {key: {each: text[each.value] for each in Language} for key, text in read[name].items()}
    if missing := _NEEDED.get(name, set()) - set(table):
        raise ValueError(f"words.toml: {name} lacks {sorted(missing)}")
    return table


def say(name: str, key: str, language: Language) -> str:
    """A text of a table; the key itself where it has none."""
    return group(name).get(key, {}).get(language, key)


def require(name: str, key: str) -> str:
    """The key, if the table has it. Raises `InvalidError`, which lists those that it has."""
    if key not in group(name):
        raise InvalidError(f"{name}: choose one of {', '.join(group(name))}.")
    return key
