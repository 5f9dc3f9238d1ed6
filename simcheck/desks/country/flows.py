"""The work: cases that come and go, their ages and target times, notices, corrections, the help desk.

Of the days that are counted again and again (`flow.COUNTED_DAYS`) alone, so that each figure is its list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.desks.country.asked import Asked
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Sheet, Told, figure, share, sheet
from simcheck.helpdesk import figures as helpdesk
from simcheck.reports import charts, figures, flow, history
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import KINDS, midnight
from simcheck.reports.words import Words

DAYS = 60
_CASES = ("case_opened", "case_closed", "case_in_time", "case_late")
_NOTICES = ("notice_made", "notice_delivered", "notice_failed")
_CORRECTIONS = ("correction_made", "correction_agrees")
_QUESTIONS = ("question_asked", "question_answered", "question_in_time")


@dataclass(frozen=True)
class Flows:
    """The parts of the page, each kind's figure over all days, how many cases are open; as of when."""

    parts: Sequence[Part]
    sums: Mapping[str, Figure]
    open_cases: int
    since: date
    as_of: datetime


async def read(session: AsyncSession, asked: Asked, reader: Reader, words: Words) -> Flows | None:
    """The work at what is asked for, whichever province; None before the first count."""
    counted = await history.seen(session, flow.FLOW)
    if counted is None:
        return None
    until = counted.day + timedelta(days=1)
    since = until - timedelta(days=DAYS)
    found = await flow.by_carrier(session, KINDS, since, until)
    lines = {
        carrier: line for carrier, line in found.items() if asked.carrier is None or carrier == asked.carrier
    }
    sums = {
        kind: Figure(
            sum(line[kind].count or 0 for line in lines.values()), flow.of(kind, since, until, asked.carrier)
        )
        for kind in KINDS
    }
    ages = await flow.ages(session, carrier=asked.carrier)
    daily = await flow.series(session, _CASES, since, until, carrier=asked.carrier)
    asking = await helpdesk.figures(session, midnight(since), midnight(until))
    maker = _Maker(reader, words, lines, sums)
    parts = [
        maker.cases(daily),
        maker.ages(ages),
        maker.part("notices", _NOTICES, share_of=("notice_delivered", "notice_made")),
        maker.part("corrections", _CORRECTIONS, share_of=("correction_agrees", "correction_made")),
        maker.helpdesk({carrier or "": each.median for carrier, each in asking.items()}),
    ]
    waiting = sum(each.count or 0 for each in ages.values())
    return Flows(parts, sums, waiting, since, counted.counted_at)


@dataclass(frozen=True)
class _Maker:
    """The parts of the page, of each carrier's figures over all days, and of all carriers' together."""

    reader: Reader
    words: Words
    lines: Mapping[str, Mapping[str, Figure]]
    sums: Mapping[str, Figure]

    def cases(self, daily: Mapping[str, Mapping[date, Figure]]) -> Part:
        """Cases opened and closed, by day and by carrier."""
        words = self.words
        head = (words("head.day"), *(words(f"kind.{kind}") for kind in _CASES))
        rows = [
            (Told(day), *(figure(self.reader, daily[kind][day]) for kind in _CASES))
            for day in daily[_CASES[0]]
        ]
        picture = charts.line(words, "cases", sheet("", "", head, rows).grid, [1, 2])
        by_day = sheet("cases", words("chart.cases"), head, rows[::-1])
        by_carrier = self.sheet("cases_by_carrier", _CASES, share_of=("case_in_time", "case_closed"))
        return Part("cases", words("section.cases"), [by_carrier, by_day], [picture])

    def ages(self, ages: Mapping[str, Figure]) -> Part:
        """How long the open cases have been open."""
        words = self.words
        rows = [(Told(words(f"band.{band}")), figure(self.reader, each)) for band, each in ages.items()]
        made = sheet("ages", words("chart.ages"), (words("head.age"), words("head.cases")), rows)
        return Part("ages", words("chart.ages"), [made], [charts.bars(words, "ages", made.grid, 1)])

    def part(self, name: str, kinds: Sequence[str], *, share_of: tuple[str, str]) -> Part:
        """A table by carrier alone."""
        return Part(name, self.words(f"section.{name}"), [self.sheet(name, kinds, share_of=share_of)])

    def helpdesk(self, medians: Mapping[str, timedelta | None]) -> Part:
        """Holders' questions, and how long an answer takes. Medians have no sum."""
        made = self.sheet("helpdesk", _QUESTIONS, share_of=("question_in_time", "question_asked"))
        known = [*(medians.get(carrier) for carrier in self._with(_QUESTIONS)), None]
        rows = [(*row, Told(median or "–")) for row, median in zip(made.rows, known, strict=True)]
        head = (*made.grid.head, self.words("head.median"))
        whole = sheet("helpdesk", made.grid.caption, head, rows, total=True)
        return Part("helpdesk", self.words("section.helpdesk"), [whole])

    def _with(self, kinds: Sequence[str]) -> Mapping[str, Mapping[str, Figure]]:
        """The carriers of which there is anything of these kinds."""
        return {
            carrier: line for carrier, line in self.lines.items() if any(line[kind].count for kind in kinds)
        }

    def sheet(self, name: str, kinds: Sequence[str], *, share_of: tuple[str, str]) -> Sheet:
        """A table by carrier, with all carriers together, and the share of one kind in another."""
        words = self.words
        head = [words("head.carrier"), *(words(f"kind.{kind}") for kind in kinds)]
        head.append(words(f"share_of.{share_of[0]}"))
        lines = [(words.carrier(carrier), line) for carrier, line in self._with(kinds).items()]
        rows = [
            (
                Told(named), *(figure(self.reader, line[kind]) for kind in kinds),
                share(figures.share(*(line[kind].count for kind in share_of)) or 0.0),
            )
            for named, line in (*lines, (words.carrier(None), self.sums))
        ]  # fmt: skip
        return sheet(name, words(f"caption.{name}"), head, rows, total=True)
