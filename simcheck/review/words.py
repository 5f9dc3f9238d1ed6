"""The desk's words in two languages, out of `words.toml`; what can be decided, out of `decisions.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from simcheck.cases.states import DESK, MOVES
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from simcheck.reasons import Reason

Text = Mapping[Language, str]


@dataclass(frozen=True)
class DecisionWords:
    """A decision: the move it makes, its name, the reasons of which one has to be given, and whether it ends
    the case or turns it against somebody.
    """

    code: str
    move: str
    name: Text
    reasons: Mapping[str, Text]
    dangerous: bool


@cache
def decisions() -> Mapping[str, DecisionWords]:
    """Everything that can be decided, by code. Raises ValueError for a move that is none."""
    found = {
        code: DecisionWords(
            code, entry["move"], _text(entry["name"]),
            {reason: _text(text) for reason, text in entry["reasons"].items()}, entry.get("dangerous", False),
        )
        for code, entry in _read("decisions.toml").items()
    }  # fmt: skip
    unknown = {each.move for each in found.values()} - {move.name for move in MOVES}
    if unknown:
        raise ValueError(f"decisions.toml: {sorted(unknown)} are no moves")
    return found


@cache
def group(name: str) -> Mapping[str, Text]:
    """The texts of a table of `words.toml`, such as `snooze`. Raises ValueError where moves or reasons lack
    one."""
    table = {key: _text(entry) for key, entry in _read("words.toml")[name].items()}
    needed = {"reason": set(Reason.__members__), "move": {move.name for move in MOVES} | set(DESK)}.get(name)
    if needed is not None and needed != set(table):
        raise ValueError(f"words.toml: {name} and what it is about differ in {sorted(needed ^ set(table))}")
    return table


def say(name: str, key: str, language: Language, **values: str) -> str:
    """A text of a table, with its values put in."""
    return group(name)[key][language].format(**values)


def require(name: str, key: str) -> str:
    """The key, if the table has it. Raises `InvalidError`, which lists those that it has."""
    if key not in group(name):
        raise InvalidError(f"{name}: choose one of {', '.join(group(name))}.")
    return key


def _text(entry: Mapping[str, str]) -> Text:
    return {language: entry[language.value] for language in Language}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("simcheck.review").joinpath(name).read_text("utf-8"))
