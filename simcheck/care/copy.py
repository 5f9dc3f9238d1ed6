"""A copy of what is held of a person: the same for machines (JSON) and for people (HTML).

A record's cells stand there whole only for a person, and where the register confirms that they are this
person's: a number in hand makes nobody the one whom its record names, and a wrong record may hold what is
another person's. What the register holds is never in it: that is asked of the register's owner. Nor is a
legal hold, or that an authority has data preserved: who orders one tells whoever may know.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.care import clocks, looked, retention, subject
from simcheck.care.models import PersonRequest
from simcheck.care.subject import Subject
from simcheck.care.words import WORDS
from simcheck.cases import codes
from simcheck.cases.models import CaseEvent
from simcheck.enforcement.orders.models import LineState, OrderBatch, OrderLine
from simcheck.enforcement.stops import appeals
from simcheck.enforcement.stops import words as stop_words
from simcheck.enforcement.stops.models import Appeal, BarKind, OrderBar
from simcheck.errors import SealError
from simcheck.gate.models import SimEvent
from simcheck.helpdesk import numbers as question_numbers
from simcheck.helpdesk.models import Question
from simcheck.holders import records
from simcheck.holders.models import Confirmation, Correction
from simcheck.matching.rules import VERDICTS
from simcheck.messages.alphabets import clean
from simcheck.messages.words import Language, groups_of
from simcheck.privacy import mask_id, mask_msisdn, mask_name
from simcheck.reasons import Verdict
from simcheck.review import words as desk_words
from simcheck.sending.intents import place
from simcheck.sending.models import Message
from simcheck.service import Service
from simcheck.web.words import Words

MOST = 1_000  # rows of a section
_CONFIRMED = {VERDICTS.index(Verdict.VERIFIED), VERDICTS.index(Verdict.VARIANT)}
_MASKED = {
    "msisdn": lambda cell: mask_msisdn(_plain_cell(cell)),
    "full_name": lambda cell: mask_name(clean(cell)),
    "id_number": lambda cell: mask_id(_plain_cell(cell)),
}
# Columns whose words are those of appeals and bars.
_STOPS = {"appeal": "state", "means": "means", "because": "reason", "protected_as": "kind"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """Rows of one kind, each with the same names."""

    id: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Copy:
    """The whole copy, as of a moment."""

    made_at: datetime
    person: bool
    sections: Sequence[Section]


async def make(session: AsyncSession, service: Service, request: PersonRequest) -> Copy:
    """Everything that is held of whoever asks. The session needs the ministry's scope."""
    of = await subject.of(session, request)
    sections = [
        Section("subscriptions", [await _subscription(service, each, of) for each in of.subscriptions]),
        Section("cases", [_case(each) for each in of.cases]),
        Section("events", await _events(session, of)),
        Section("messages", await _messages(session, service, of)),
        Section("answers", await _answers(session, of)),
        Section("questions", await _questions(session, of)),
        Section("sim_events", await _sim_events(session, of)),
        Section("orders", await _orders(session, of)),
        Section("appeals", await _appeals(session, service, of)),
        Section("protected", await _protected(session, of)),
        Section("looks", [look(each) for each in await looked.of(session, of)]),
    ]
    return Copy(clock.now(), of.person, sections)


def as_json(copy: Copy) -> bytes:
    """The copy for machines: codes as they are, moments as ISO 8601 in UTC."""
    whole = {
        "made_at": copy.made_at, "about": "person" if copy.person else "number",
        "law": clocks.load()["copy"].source,
        **{each.id: each.rows for each in copy.sections},
        "kept": [
            {"kind": rule.id, "what": rule.what, "source": rule.source} for rule in retention.load().rules
        ],
    }  # fmt: skip
    return json.dumps(whole, ensure_ascii=False, indent=1, default=_plain).encode()


def as_html(copy: Copy, language: Language) -> bytes:
    """The copy for people: one page that needs nothing else."""
    say = WORDS[language]
    page = _environment().get_template("copy.html").render(
        say=say, copy=copy, language=language.value, rules=retention.load().rules,
        told=lambda name, value: told(say, name, value),
    )  # fmt: skip
    return page.encode()


def told(say: Words, name: str, value: Any) -> str:
    """A value as people read it: its word where it is a code that has one."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return say(f"value.{'yes' if value else 'no'}")
    if isinstance(value, datetime):
        return say.moment(value)
    if isinstance(value, date):
        return say.day(value)
    if isinstance(value, list):
        return ", ".join(told(say, name, each) for each in value)
    text = str(value)
    if name in {"move", "purpose"} and text in desk_words.group(name):
        return desk_words.say(name, text, say.language)
    if name == "state" and text in desk_words.group("state"):
        return desk_words.say("state", text, say.language)
    if name in _STOPS:
        return stop_words.say(_STOPS[name], text, say.language)
    key = f"value.{name}.{text.replace('.', '_')}"
    return say(key) if say.has(key) else text


def look(one: looked.Look) -> Row:
    """An act as a row of the section `looks`."""
    return {
        "at": one.at, "who": one.who, "whose": one.whose, "act": one.act, "purpose": one.purpose,
        "looked": one.look,
    }  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("simcheck.care"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def _plain_cell(cell: str) -> str:
    """A number's signs without what stands between them."""
    return "".join(each for each in clean(cell) if each.isalnum() or each == "+")


def _plain(value: object) -> str:
    assert isinstance(value, date)
    return value.isoformat()


async def _subscription(service: Service, found: Any, of: Subject) -> Row:
    """A record as its carrier declared it: whole, or masked as on the holders' pages."""
    try:
        cells = await records.declared(service, found)
    except SealError:  # the lake has lost the row: the rest is told all the same
        cells = {}
    whole = of.person and found.verdict in _CONFIRMED
    declared = {
        name: cell if whole or cell is None else _MASKED[name](cell)
        for name, cell in cells.items()
        if whole or name in _MASKED
    }
    return {
        "carrier": found.carrier, **{name: declared.get(name) for name in _MASKED},
        **{name: cell for name, cell in declared.items() if cell is not None and name not in _MASKED},
        "masked": not whole, "status": found.status, "verdict": VERDICTS[found.verdict].value,
        "wrong": [each.value for each in groups_of(found.reasons)] if found.verdict not in _CONFIRMED else [],
        "activated_on": found.activated_on, "sim_changed_at": found.sim_changed_at,
        "device_changed_at": found.device_changed_at, "contested": found.contested,
        "changed_at": found.changed_at,
    }  # fmt: skip


def _case(case: Any) -> Row:
    return {
        "code": codes.shown(case.code), "carrier": case.carrier, "state": case.state,
        "opened_at": case.opened_at, "closed_at": case.closed_at, "close_reason": case.close_reason,
        "answer": case.answer, "decided_at": case.decided_at,
    }  # fmt: skip


async def _events(session: AsyncSession, of: Subject) -> list[Row]:
    query = sa.select(CaseEvent).where(CaseEvent.case_id.in_(of.case_ids)).order_by(CaseEvent.id)
    shown = {each.id: codes.shown(each.code) for each in of.cases}
    return [
        {"at": each.at, "code": shown[each.case_id], "move": each.move, "state": each.to_state}
        for each in await session.scalars(query.limit(MOST))
        if each.at >= of.cases_since[each.case_id]
    ]


async def _messages(session: AsyncSession, service: Service, of: Subject) -> list[Row]:
    """What was sent in these cases; what it said, to a person, as long as that is kept."""
    query = sa.select(Message).where(Message.case_id.in_(of.case_ids)).order_by(Message.made_at)
    return [
        {
            "at": each.made_at,
            "channel": each.channel,
            "notice": each.kind,
            "sent": each.state,
            "text": service.keyring.open(each.text, place("text", each.id)).decode()
            if of.person and each.text is not None
            else None,
        }
        for each in await session.scalars(query.limit(MOST))
        if each.case_id is not None and each.made_at >= of.cases_since[each.case_id]
    ]


async def _answers(session: AsyncSession, of: Subject) -> list[Row]:
    """Confirmations and corrections."""
    said = sa.select(Confirmation).where(Confirmation.case_id.in_(of.case_ids))
    mended = sa.select(Correction).where(Correction.case_id.in_(of.case_ids))
    rows = [
        {"at": each.at, "said": "confirmed", "outcome": None}
        for each in await session.scalars(said.limit(MOST))
        if each.case_id is not None and each.at >= of.cases_since[each.case_id]
    ] + [
        {"at": each.made_at, "said": "corrected", "outcome": each.outcome}
        for each in await session.scalars(mended.limit(MOST))
        if each.made_at >= of.cases_since[each.case_id]
    ]
    return sorted(rows, key=lambda each: each["at"])


async def _questions(session: AsyncSession, of: Subject) -> list[Row]:
    query = sa.select(Question).where(Question.case_id.in_(of.case_ids), Question.proved)
    return [
        {
            "number": question_numbers.shown(each.number), "at": each.opened_at,
            "answered_at": each.answered_at, "channel": each.channel,
        }
        for each in await session.scalars(query.order_by(Question.number).limit(MOST))
        if each.case_id is not None and each.opened_at >= of.cases_since[each.case_id]
    ]  # fmt: skip


async def _sim_events(session: AsyncSession, of: Subject) -> list[Row]:
    since = of.since
    query = sa.select(SimEvent).where(SimEvent.msisdn_token.in_(of.tokens)).order_by(SimEvent.id)
    return [
        {"at": each.at, "carrier": each.carrier, "change": each.kind}
        for each in await session.scalars(query.limit(MOST))
        if (own := since.get((each.carrier, each.msisdn_token))) is not None and each.at >= own
    ]


async def _orders(session: AsyncSession, of: Subject) -> list[Row]:
    """What left for a carrier about these subscriptions, and what became of it."""
    since = of.since
    query = (
        sa.select(OrderLine, OrderBatch.sent_at)
        .join(OrderBatch, OrderBatch.id == OrderLine.order_id)
        .where(OrderLine.msisdn_token.in_(of.tokens), OrderBatch.sent_at.is_not(None))
        .where(OrderLine.state != LineState.DROPPED)
        .order_by(OrderBatch.sent_at)
    )
    return [
        {"at": sent_at, "carrier": line.carrier, "ordered": line.act, "became": line.state}
        for line, sent_at in await session.execute(query.limit(MOST))
        if (own := since.get((line.carrier, line.msisdn_token))) is not None and line.made_at >= own
    ]


async def _appeals(session: AsyncSession, service: Service, of: Subject) -> list[Row]:
    """Objections to what was ordered about these subscriptions; what they said, to a person, while that is
    kept.
    """
    since = of.since
    query = sa.select(Appeal).where(Appeal.msisdn_token.in_(of.tokens)).order_by(Appeal.number)
    return [
        {
            "number": appeals.shown(each.number), "at": each.made_at, "carrier": each.carrier,
            "means": each.means, "appeal": each.state, "answered_at": each.settled_at,
            "because": each.reason, "text": (of.person and appeals.said(service.keyring, each)) or None,
        }
        for each in await session.scalars(query.limit(MOST))
        if (own := since.get((each.carrier, each.msisdn_token))) is not None and each.made_at >= own
    ]  # fmt: skip


async def _protected(session: AsyncSession, of: Subject) -> list[Row]:
    """Since when, and until when, nothing may be ordered about these numbers as they are protected lines.
    Legal holds are not told.
    """
    since: dict[bytes, datetime] = {}
    for (_, token), named in of.since.items():
        since[token] = min(named, since.get(token, named))
    query = (
        sa.select(OrderBar, sa.func.bar_over_at(sa.literal_column("order_bar")))
        .where(OrderBar.msisdn_token.in_(of.tokens), OrderBar.kind != BarKind.LEGAL_HOLD)
        .order_by(OrderBar.asked_at)
    )
    return [
        {
            "protected_as": bar.kind, "at": max(bar.starts_at, since[bar.msisdn_token]), "until": over,
        }
        for bar, over in await session.execute(query.limit(MOST))
        if over is None or over > since[bar.msisdn_token]
    ]  # fmt: skip
