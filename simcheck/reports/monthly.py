"""The report of a month: the country at its end and on its way there, as a document in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import InvalidError
from simcheck.helpdesk import figures as helpdesk
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Verdict
from simcheck.reports import charts, figures, flow, lives, patterns, work
from simcheck.reports.document import Cell, Counted, Document, Grid, Section, Share
from simcheck.reports.figures import By, Figure, Line, Table
from simcheck.reports.kinds import BANDS, midnight, today
from simcheck.reports.suppress import hide_alone
from simcheck.reports.words import Words
from simcheck.reports.work import Work
from simcheck.sending.models import State

_A_DAY = timedelta(days=1)
# Of subscriptions; rejected rows are none.
_TOLD = tuple(verdict for verdict in VERDICTS if verdict is not Verdict.REJECTED)
_MOST_PLACES = 20


@dataclass(frozen=True)
class Month:
    """A month, from `first` to before `until`."""

    first: date
    until: date

    @classmethod
    def read(cls, written: str) -> Month:
        """A month as YYYY-MM. Raises `InvalidError`, also for one that has not begun."""
        try:
            first = datetime.strptime(written, "%Y-%m").date()
        except ValueError:
            raise InvalidError(f"{written}: write a month as YYYY-MM, such as 2026-10.") from None
        if first > today(clock.now()):
            raise InvalidError(f"{written} has not begun yet.")
        return cls(first, (first + timedelta(days=32)).replace(day=1))

    @property
    def last(self) -> date:
        """Its last day, or today while it lasts."""
        return min(self.until - _A_DAY, today(clock.now()))


async def make(session: AsyncSession, month: Month, words: Words, *, least: int = 0) -> Document:
    """The report of a month. Groups of fewer than `least` SIMs are hidden. It is audited.

    Needs the ministry's scope.
    """
    tables = await figures.tables(session, [By.CARRIER, By.PROVINCE], day=month.last, least=least)
    before = await figures.tables(session, [By.CARRIER, By.PROVINCE], day=month.first - _A_DAY, least=least)
    title = words("title", month=words.month(month.first))
    made = today(clock.now())
    audit.record(session, "report.made", f"report/{month.first:%Y-%m}", {"language": words.language.value})
    if not tables or tables[0].day < month.first:
        return Document(title, words.language.value, made, [words("nothing")])
    carriers, provinces = tables
    sentences = [words("counted", day=words.day(carriers.day)), words("printed", day=words.day(made))]
    if least > 1:
        sentences.append(words("small", least=least))
    done = await work.read(session, month.first, month.until, least=least)
    sections = [
        await _now(session, month, words, carriers.total, least),
        _table(words, "carriers", carriers, before[0] if before else None),
        _table(words, "provinces", provinces, before[1] if before else None),
        await _reasons(session, month, words, least),
        await _cases(session, month, words, done, least),
        _by_carrier(words, done, "notices", _NOTICES, ("notice_delivered", "notice_made")),
        _delivery(words, done),
        _by_carrier(words, done, "corrections", ("correction_made", "correction_agrees"), None),
        await _helpdesk(session, month, words, done),
        await _patterns(session, words, least),
    ]
    return Document(title, words.language.value, made, sentences, sections)


_NOTICES = ("notice_made", "notice_delivered", "notice_failed")


async def _now(session: AsyncSession, month: Month, words: Words, total: Line, least: int) -> Section:
    """The share of real SIMs, and its way through the month."""
    points = await figures.trend(session, month.first, month.until, least=least)
    # The last day is the table's, with its lists; of days before it the counts alone are kept.
    rows = [
        (point.day, point.verified, point.all, _share(point.share))
        if total.all.drill is None or point.day < points[-1].day
        else (
            point.day,
            Counted.of(total.verdicts[Verdict.VERIFIED]),
            Counted.of(total.all),
            _share(total.share),
        )
        for point in points
    ]
    head = (words("head.day"), words("verdict.verified"), words("head.subscriptions"), words("head.share"))
    grid = Grid(words("chart.trend"), head, rows)
    said = words(
        "sentence.share",
        verified=words.cell(total.verdicts[Verdict.VERIFIED].count),
        all=words.cell(total.all.count),
        share=words.cell(_share(total.share)),
    )
    sentences = [said]
    if points:
        sentences.append(
            words("sentence.change", day=words.day(points[0].day), share=words.cell(_share(points[0].share)))
        )
    return Section(words("section.now"), sentences, [charts.line(words, "trend", grid, [3])], [grid])


def _table(words: Words, name: str, table: Table, before: Table | None) -> Section:
    """Carriers or provinces by verdict, and how their shares moved since the month began."""
    named = words.carrier if table.by is By.CARRIER else words.province
    head = [words(f"head.{table.by}"), *(words(f"verdict.{verdict}") for verdict in _TOLD)]
    head += [words("head.subscriptions"), words("head.share"), words("head.moved")]
    then = {line.key: line.share for line in (*before.lines, before.total)} if before else {}
    rows: list[Sequence[Cell]] = [
        (
            named(line.key), *(Counted.of(line.verdicts[verdict]) for verdict in _TOLD), Counted.of(line.all),
            _share(line.share), _moved(line.share, then.get(line.key)),
        )
        for line in (*table.lines, table.total)
    ]  # fmt: skip
    grid = Grid(words(f"section.{name}"), head, rows, total=True)
    columns = range(1, 1 + len(_TOLD))
    picture = (
        charts.stacked(words, name, grid, columns)
        if table.by is By.CARRIER
        else charts.bars(words, name, grid, len(head) - 2)
    )
    return Section(words(f"section.{name}"), [], [picture], [grid])


async def _reasons(session: AsyncSession, month: Month, words: Words, least: int) -> Section:
    lines = await figures.reasons(session, day=month.last, least=least)
    rows = [(words.reason(line.reason), Counted.of(line.figure)) for line in lines]
    grid = Grid(words("section.reasons"), (words("head.reason"), words("head.subscriptions")), rows)
    picture = charts.bars(words, "reasons", grid, 1)
    return Section(words("section.reasons"), [words("sentence.reasons")], [picture], [grid])


async def _cases(session: AsyncSession, month: Month, words: Words, done: Work, least: int) -> Section:
    """Cases that came and went, target times, and how old those are that were open at the end. Who may not
    see small groups gets no days.
    """
    kinds = ("case_opened", "case_closed", "case_in_time")
    until = month.last + _A_DAY
    closed, in_time = done.sums["case_closed"].count, done.sums["case_in_time"].count
    real = None if closed is None or in_time is None else figures.share(in_time, closed) or 0.0
    said = words(
        "sentence.in_time", in_time=words.cell(in_time), closed=words.cell(closed),
        share=words.cell(_share(real)),
    )  # fmt: skip
    ages = await _ages(session, month, least)
    old = Grid(
        words("chart.ages"),
        (words("head.age"), words("head.cases")),
        [(words(f"band.{band}"), Counted.of(each)) for band, each in ages.items()],
    )
    pictures, grids = [charts.bars(words, "ages", old, 1)], [old]
    if done.whole:
        daily = await flow.series(session, kinds, month.first, until)
        head = (words("head.day"), *(words(f"kind.{kind}") for kind in kinds))
        rows = [(day, *(Counted.of(daily[kind][day]) for kind in kinds)) for day in daily[kinds[0]]]
        grid = Grid(words("chart.cases"), head, rows)
        pictures, grids = [charts.line(words, "cases", grid, [1, 2]), *pictures], [grid, old]
    return Section(words("section.cases"), [said], pictures, grids)


async def _ages(session: AsyncSession, month: Month, least: int) -> dict[str, Figure]:
    """How old the cases were that were open at a month's end; those of now hide what all cases hide."""
    found = await flow.series(session, BANDS, month.last, month.last + _A_DAY)
    ages = {band: found[band][month.last] for band in BANDS}
    if least <= 1:
        return ages
    now = await lives.read(session, least=least)
    if now is not None and now.day == month.last:
        return {band: now.whole[band] for band in BANDS}
    return {
        band: Figure(None if each.count is None else hide_alone(each.count, least), each.drill)
        for band, each in ages.items()
    }


def _by_carrier(
    words: Words, done: Work, name: str, kinds: Sequence[str], shared: tuple[str, str] | None
) -> Section:
    """Kinds of rows by carrier, and the share of one in another."""
    head = [words("head.carrier"), *(words(f"kind.{kind}") for kind in kinds)]
    head += [words("head.delivered_share")] if shared else []
    rows = []
    for carrier, line in done.carriers.items():
        if all(line[kind].count == 0 for kind in kinds):
            continue
        row: list[Cell] = [words.carrier(carrier), *(Counted.of(line[kind]) for kind in kinds)]
        if shared:
            part, whole = (line[kind].count for kind in shared)
            known = None if part is None or whole is None else figures.share(part, whole) or 0.0
            row.append(_share(known))
        rows.append(row)
    return Section(words(f"section.{name}"), [], [], [Grid(words(f"section.{name}"), head, rows)])


def _delivery(words: Words, done: Work) -> Section:
    """What became of the month's notices: a line's outcomes add up to what was made."""
    found = done.delivered
    head = [words("head.notice"), words("kind.notice_made"), *map(words.code, State)]
    lines = {
        f"{words.code(way.notice)} · {words.code(way.channel)}": line for way, line in found.ways.items()
    }
    rows = [
        (named, Counted.of(line.made), *map(Counted.of, line.states.values()))
        for named, line in (*lines.items(), (words("all"), found.whole))
    ]
    caption = words("section.delivery_ways")
    return Section(caption, [], [], [Grid(caption, head, rows, total=True)])


async def _helpdesk(session: AsyncSession, month: Month, words: Words, done: Work) -> Section:
    found = await helpdesk.figures(session, midnight(month.first), midnight(month.until))
    columns = ("carrier", "received", "answered", "in_time", "median")
    kinds = ("question_asked", "question_answered", "question_in_time")
    rows = []
    for carrier, line in done.carriers.items():
        if line["question_asked"].count == 0:
            continue
        asked = found.get(carrier or None)
        median: Cell = (asked and asked.median) or ""
        row = (words.carrier(carrier), *(Counted.of(line[kind]) for kind in kinds))
        rows.append((*row, None if line["question_answered"].count is None else median))
    grid = Grid(words("section.helpdesk"), [words(f"head.{name}") for name in columns], rows)
    return Section(words("section.helpdesk"), [], [], [grid])


async def _patterns(session: AsyncSession, words: Words, least: int) -> Section:
    """How many people stand out, and the places that do: as of the last night."""
    known = patterns.thresholds().person
    many, bursts = await patterns.people(session)
    said = words(
        "sentence.people", many=words.cell(many), bursts=words.cell(bursts), least=known["subscriptions"],
        provinces=known["provinces"], days=known["days"],
    )  # fmt: skip
    columns = ("carrier", "point_of_sale", "subscriptions", "mismatches", "contested", "repeated")
    rows = []
    for each in await patterns.places(session, most=_MOST_PLACES, least=least):
        counts = map(Counted.of, (each.subscriptions, each.mismatches, each.contested, each.repeated))
        rows.append((each.carrier, each.point_of_sale, *counts))
    grid = Grid(words("section.patterns"), [words(f"head.{name}") for name in columns], rows)
    return Section(words("section.patterns"), [said], [], [grid])


def _moved(now: float | None, then: float | None) -> Cell:
    """How many points a share grew by; nothing to say where it was not known."""
    return "" if now is None or then is None else Share(now - then)


def _share(share: float | None) -> Share | None:
    return None if share is None else Share(share)
