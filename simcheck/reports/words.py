"""The texts of reports in each language, and how numbers, shares and days are written in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent, get_group_symbol

from simcheck.clock import LOCAL
from simcheck.messages.words import Language
from simcheck.normalise import provinces
from simcheck.reasons import Reason
from simcheck.reports.document import Cell, Share
from simcheck.web import words as web

_LOCALE = {Language.VI: "vi", Language.EN: "en_GB"}
_DAY = {Language.VI: "dd/MM/yyyy", Language.EN: "d MMM yyyy"}
# Pages write thousands of numbers: grouped by hand, and what is written again is kept.
_GROUP = {language: get_group_symbol(locale) for language, locale in _LOCALE.items()}
_HOUR = timedelta(hours=1)


@lru_cache(4096)
def _percent(share: float, locale: str) -> str:
    return str(format_percent(share, "#,##0.0%", locale))


@lru_cache(4096)
def _written(day: date, pattern: str, locale: str) -> str:
    return str(format_date(day, pattern, locale))


@dataclass(frozen=True)
class Words(web.Words):
    """The texts of reports in one language, with days in fewer letters than pages write them."""

    def day(self, day: date) -> str:
        """A day as readers of the language write it."""
        return _written(day, _DAY[self.language], _LOCALE[self.language])

    def moment(self, at: datetime) -> str:
        """A moment in Viet Nam."""
        return format_datetime(at, f"HH:mm, {_DAY[self.language]}", LOCAL, _LOCALE[self.language])

    def month(self, first: date) -> str:
        """A month with its year."""
        return self("month", number=first.month, name=format_date(first, "MMMM", _LOCALE[self.language]),
                    year=first.year)  # fmt: skip

    def cell(self, cell: Cell) -> str:
        """A cell of a table as it is read."""
        if cell is None:
            return self("hidden")
        if isinstance(cell, Share):
            return _percent(cell, _LOCALE[self.language])
        if isinstance(cell, timedelta):
            return self("hours", count=format_decimal(round(cell / _HOUR, 1), locale=_LOCALE[self.language]))
        if isinstance(cell, int):
            return f"{cell:,}".replace(",", _GROUP[self.language])
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


WORDS = web.read(Words, "simcheck.reports")
