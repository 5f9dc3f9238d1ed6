"""The words of appeals and bars in two languages, out of `words.toml`: for pages and answers to holders."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from simcheck.enforcement.stops.models import AppealMeans, AppealState, BarKind
from simcheck.errors import InvalidError
from simcheck.messages.words import Language

Text = Mapping[Language, str]
_NEEDED: Mapping[str, set[str]] = {
    "kind": set(BarKind), "state": set(AppealState), "means": set(AppealMeans),
    "told": {AppealState.UPHELD, AppealState.REJECTED},
}  # fmt: skip


@cache
def group(name: str) -> Mapping[str, Text]:
    """The texts of a table of `words.toml`, such as `reason`. Raises ValueError where one is missing."""
    read = tomllib.loads(files("simcheck.enforcement.stops").joinpath("words.toml").read_text("utf-8"))
    table = {key: {each: text[each.value] for each in Language} for key, text in read[name].items()}
    if missing := _NEEDED.get(name, set()) - set(table):
        raise ValueError(f"words.toml: {name} lacks {sorted(missing)}")
    return table


def say(name: str, key: str, language: Language) -> str:
    """A text of a table."""
    return group(name)[key][language]


def require(name: str, key: str) -> str:
    """The key, if the table has it. Raises `InvalidError`, which lists those that it has."""
    if key not in group(name):
        raise InvalidError(f"{name}: choose one of {', '.join(group(name))}.")
    return key
