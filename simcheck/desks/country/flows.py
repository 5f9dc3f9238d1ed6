"""The work: cases that come and go, their ages and target times, notices, corrections, the help desk.

Of the days that are counted again and again (`flow.COUNTED_DAYS`) alone, so that each figure is its list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.desks.country import told
from simcheck.desks.country.asked import Asked
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Sheet, Told, figure, sheet
from simcheck.helpdesk import figures as helpdesk
from simcheck.reports import charts, flow, history, lives, work
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import BANDS, midnight
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
    open_cases: Figure
    since: date
    as_of: datetime


async def read(session: AsyncSession, asked: Asked, reader: Reader, words: Words) -> Flows | None:
    """The work at what is asked for, whichever province; None before the first count."""
    counted = await history.seen(session, flow.FLOW)
    if counted is None:
        return None
    until = counted.day + timedelta(days=1)
    since = until - timedelta(days=DAYS)
    found = await work.read(session, since, until, carrier=asked.carrier, least=reader.least)
    ages, waiting = await _ages(session, asked, reader)
    daily = None
    if found.whole:
        daily = await flow.series(session, _CASES, since, until, carrier=asked.carrier)
    asking = await helpdesk.figures(session, midnight(since), midnight(until))
    maker = _Maker(reader, words, found.carriers, found.sums)
    parts = [
        maker.cases(daily),
        maker.ages(ages),
        maker.part("notices", _NOTICES, share_of=("notice_delivered", "notice_made")),
        maker.part("corrections", _CORRECTIONS, share_of=("correction_agrees", "correction_made")),
        maker.helpdesk({carrier or "": each.median for carrier, each in asking.items()}),
    ]
    return Flows(parts, found.sums, waiting, since, counted.counted_at)


async def _ages(
    session: AsyncSession, asked: Asked, reader: Reader
) -> tuple[Mapping[str, Figure], Figure]:  # fmt: skip
    """How long the open cases have been open, and how many they are. What is hidden of them is what the page
    of all cases hides.
    """
    if reader.sees_all:
        ages = await flow.ages(session, carrier=asked.carrier)
        return ages, Figure(sum(each.count or 0 for each in ages.values()), None)
    found = await lives.read(session, carrier=asked.carrier, least=reader.least)
    if found is None:
        return {}, Figure(None, None)
    return {band: found.whole[band] for band in BANDS}, found.whole["case_open"]


@dataclass(frozen=True)
class _Maker:
    """The parts of the page, of each carrier's figures over all days, and of all carriers' together."""

    reader: Reader
    words: Words
    lines: Mapping[str, Mapping[str, Figure]]
    sums: Mapping[str, Figure]

    def cases(self, daily: Mapping[str, Mapping[date, Figure]] | None) -> Part:
        """Cases opened and closed, by carrier, and by day where that is shown."""
        words = self.words
        by_carrier = self.sheet("cases_by_carrier", _CASES, share_of=("case_in_time", "case_closed"))
        if daily is None:
            return Part("cases", words("section.cases"), [by_carrier])
        head = (words("head.day"), *(words(f"kind.{kind}") for kind in _CASES))
        rows = [
            (Told(day), *(figure(self.reader, daily[kind][day]) for kind in _CASES))
            for day in daily[_CASES[0]]
        ]
        picture = charts.line(words, "cases", sheet("", "", head, rows).grid, [1, 2])
        by_day = sheet("cases", words("chart.cases"), head, rows[::-1])
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
        lines = self._with(_QUESTIONS)
        known = [
            *(Told(medians.get(carrier) or "–") if line["question_answered"].count is not None else Told(None)
              for carrier, line in lines.items()),
            Told("–"),
        ]  # fmt: skip
        rows = [(*row, median) for row, median in zip(made.rows, known, strict=True)]
        head = (*made.grid.head, self.words("head.median"))
        whole = sheet("helpdesk", made.grid.caption, head, rows, total=True)
        return Part("helpdesk", self.words("section.helpdesk"), [whole])

    def _with(self, kinds: Sequence[str]) -> Mapping[str, Mapping[str, Figure]]:
        """The carriers of which there is anything of these kinds."""
        return {
            carrier: line
            for carrier, line in self.lines.items()
            if any(line[kind].count != 0 for kind in kinds)
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
                told.share_of(*(line[kind] for kind in share_of)),
            )
            for named, line in (*lines, (words.carrier(None), self.sums))
        ]  # fmt: skip
        return sheet(name, words(f"caption.{name}"), head, rows, total=True)
