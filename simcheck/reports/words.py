"""The texts of reports in each language, and how numbers, shares and days are written in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from simcheck.messages.words import Language
from simcheck.normalise import provinces
from simcheck.reasons import Reason
from simcheck.reports.document import Cell, Share
from simcheck.reports.kinds import HERE

_LOCALE = {Language.VI: "vi", Language.EN: "en_GB"}
_DAY = {Language.VI: "dd/MM/yyyy", Language.EN: "d MMM yyyy"}
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Words:
    """The texts of one language by key; `{name}` in a text stands for a value."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key. Raises `KeyError`."""
        return self.texts[key].format(**values)

    def day(self, day: date) -> str:
        """A day as readers of the language write it."""
        return format_date(day, _DAY[self.language], _LOCALE[self.language])

    def moment(self, at: datetime) -> str:
        """A moment in Viet Nam."""
        return format_datetime(at, f"HH:mm, {_DAY[self.language]}", HERE, _LOCALE[self.language])

    def month(self, first: date) -> str:
        """A month with its year."""
        return self("month", number=first.month, name=format_date(first, "MMMM", _LOCALE[self.language]),
                    year=first.year)  # fmt: skip

    def cell(self, cell: Cell) -> str:
        """A cell of a table as it is read."""
        if cell is None:
            return self("hidden")
        if isinstance(cell, Share):
            return str(format_percent(cell, "#,##0.0%", _LOCALE[self.language]))
        if isinstance(cell, timedelta):
            return self("hours", count=format_decimal(round(cell / _HOUR, 1), locale=_LOCALE[self.language]))
        if isinstance(cell, int):
            return str(format_decimal(cell, locale=_LOCALE[self.language]))
        return self.day(cell) if isinstance(cell, date) else cell

    def province(self, code: str | None) -> str:
        """A province by its code; "" is none that is known, None all of them."""
        return self("all") if code is None else provinces.names().get(code) or self("no_province")

    def carrier(self, code: str | None) -> str:
        """A carrier; "" is none, None all of them."""
        return self("all") if code is None else code or self("no_carrier")

    def code(self, code: str) -> str:
        """A state, a channel, an outcome and the like in words."""
        return self(f"code.{code}")

    def reason(self, reason: Reason) -> str:
        """A reason in words."""
        return self(f"reason.{reason.name}")


def _read() -> dict[Language, Words]:
    """The file's tables are the keys' first parts; each text stands there in both languages."""
    said = tomllib.loads(files("simcheck.reports").joinpath("words.toml").read_text("utf-8"))
    flat = {key: text for key, text in said.items() if Language.VI in text}
    flat |= {
        f"{part}.{key}": text
        for part, texts in said.items() if part not in flat for key, text in texts.items()
    }  # fmt: skip
    return {each: Words(each, {key: text[each] for key, text in flat.items()}) for each in Language}


WORDS = _read()
