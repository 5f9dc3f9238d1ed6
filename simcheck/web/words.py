"""What pages say, in each language: tables of `words.toml`, read once; dates and numbers as people write
them.

say = read("simcheck.public")[Language.VI]
say("start.title")
say("site.step", at=1, of=3)
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from simcheck.clock import LOCAL
from simcheck.messages.words import Language

OTHER = {Language.VI: Language.EN, Language.EN: Language.VI}
_DATES = {Language.VI: ("dd/MM/yyyy", "vi"), Language.EN: ("d MMMM yyyy", "en_GB")}
_PLAIN = 1000  # below it, a number is written alike everywhere


@dataclass(frozen=True)
class Words:
    """The texts of one language, by key; `{name}` in a text stands for a value."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key. Raises `KeyError` for one that is not there, or a value that is missing."""
        return self.texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self.texts

    def day(self, day: date) -> str:
        """A day as people read it."""
        return _day(day.toordinal(), self.language)

    def moment(self, at: datetime) -> str:
        """A moment as people in Viet Nam read it."""
        local = at.astimezone(LOCAL)
        return f"{local:%H:%M}, {self.day(local)}"

    def second(self, at: datetime) -> str:
        """A moment to the second, for whoever puts things in their order."""
        local = at.astimezone(LOCAL)
        return f"{local:%H:%M:%S}, {self.day(local)}"

    def number(self, number: float) -> str:
        """A number, of at most one decimal place: 1.234.567 in Vietnamese, 1,234,567 in English."""
        if isinstance(number, int) and 0 <= number < _PLAIN:
            return str(number)  # pages have hundreds of them
        return format_decimal(number, "#,##0.#", locale=self._locale)

    def percent(self, share: float) -> str:
        """A share of 1 in per cent, with one decimal place: 98,7%."""
        return format_percent(share, "#,##0.#%", locale=self._locale)

    @property
    def _locale(self) -> str:
        return _DATES[self.language][1]


@lru_cache(4096)
def _day(ordinal: int, language: Language) -> str:
    """A day in words. Pages have dozens of them, of which few are different."""
    pattern, locale = _DATES[language]
    return format_date(date.fromordinal(ordinal), pattern, locale)


W = TypeVar("W", bound=Words)


def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """A table's texts, by their path of names."""
    for name, value in table.items():
        if isinstance(value, str):
            yield above + name, value
        else:
            yield from flat(value, f"{above}{name}.")


def table_of(package: str) -> dict[str, str]:
    """All texts of a package's words.toml, by `key.language`."""
    return dict(flat(tomllib.loads(files(package).joinpath("words.toml").read_text("utf-8"))))


def read(make: Callable[[Language, Mapping[str, str]], W], *packages: str) -> dict[Language, W]:
    """The words of these packages. The last level of their tables is the languages: so a text and its
    translation stand together. Raises `ValueError` where two packages say the same key.
    """
    whole: dict[str, str] = {}
    for package in packages:
        texts = table_of(package)
        if twice := whole.keys() & texts.keys():
            raise ValueError(f"{package}: these texts are another package's: {sorted(twice)}")
        whole |= texts
    return {
        language: make(language, {key.removesuffix(f".{language}"): text for key, text in whole.items()
                                  if key.endswith(f".{language}")})
        for language in Language
    }  # fmt: skip
