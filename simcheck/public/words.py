"""What pages say, in each language: `words.toml`, read once.

say = WORDS[Language.VI]
say("start.title")
say("code.sent", number="09*****678")
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from typing import Any

from babel.dates import format_date


class Language(StrEnum):
    """A language that pages are written in; the first is the one of an address without a prefix."""

    VI = "vi"
    EN = "en"

    @property
    def prefix(self) -> str:
        """What stands in front of every path in this language."""
        return "" if self is Language.VI else f"/{self.value}"

    @property
    def other(self) -> Language:
        """The one that a page offers instead."""
        return Language.EN if self is Language.VI else Language.VI


_DATES = {Language.VI: ("dd/MM/yyyy", "vi"), Language.EN: ("d MMMM yyyy", "en_GB")}


@dataclass(frozen=True)
class Words:
    """The texts of one language, by key; `{name}` in a text stands for a value."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key. Raises `KeyError` for one that is not there, or a value that is missing."""
        return self.texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self.texts

    def day(self, day: date) -> str:
        """A day as people read it."""
        pattern, locale = _DATES[self.language]
        return format_date(day, pattern, locale)


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield above + name, value
        else:
            yield from _flat(value, f"{above}{name}.")


def _read() -> dict[Language, Words]:
    """The last level of the tables is the languages: so a text and its translation stand together."""
    table = tomllib.loads(files("simcheck.public").joinpath("words.toml").read_text("utf-8"))
    flat = dict(_flat(table))
    return {
        language: Words(language, {key.removesuffix(f".{language}"): text for key, text in flat.items()
                                   if key.endswith(f".{language}")})
        for language in Language
    }  # fmt: skip


WORDS = _read()
