"""What pages say, in each language: `words.toml`, read once.

say = WORDS[Language.VI]
say("start.title")
say("site.step", at=1, of=3)
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

from babel.dates import format_date, format_datetime

from simcheck.messages.words import Language

# What stands in front of every path in a language.
PREFIX = {Language.VI: "", Language.EN: "/en"}
_OTHER = {Language.VI: Language.EN, Language.EN: Language.VI}
_DATES = {Language.VI: ("dd/MM/yyyy", "vi"), Language.EN: ("d MMMM yyyy", "en_GB")}

_HERE = timezone(timedelta(hours=7))  # Viet Nam has one zone, and no summer time


@dataclass(frozen=True)
class Words:
    """The texts of one language, by key; `{name}` in a text stands for a value."""

    language: Language
    texts: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What stands in front of every path in this language."""
        return PREFIX[self.language]

    @property
    def other(self) -> Words:
        """The language that a page offers instead."""
        return WORDS[_OTHER[self.language]]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key. Raises `KeyError` for one that is not there, or a value that is missing."""
        return self.texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self.texts

    def day(self, day: date) -> str:
        """A day as people read it."""
        pattern, locale = _DATES[self.language]
        return format_date(day, pattern, locale)

    def moment(self, at: datetime) -> str:
        """A moment as people in Viet Nam read it."""
        pattern, locale = _DATES[self.language]
        return format_datetime(at, f"HH:mm, {pattern}", _HERE, locale)


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
