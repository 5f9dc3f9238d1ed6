"""Every text that holders can get, as it would arrive: with made-up values, its parts, alphabet and cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.responses import HTMLResponse

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.cases import codes
from simcheck.config import Settings
from simcheck.desks.admin import asked
from simcheck.desks.admin.policies import tabs
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.helpdesk import numbers
from simcheck.messages import compose, templates
from simcheck.messages.alphabets import read_gsm
from simcheck.messages.compose import Sms
from simcheck.messages.segments import GSM, HEADER_OCTETS, segment
from simcheck.messages.words import NOTICES, Channel, Group, Kind, Language, Values
from simcheck.notices import policy, schedule
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Looker = Annotated[Visit, needs(Permission.TEMPLATE_SEE)]
TEXTS = "/desk/notices/texts"
# A letter brings its own styles, in its elements, and nothing else.
LETTER = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'"}  # fmt: skip
_CODE, _QUESTION = "K7M2P9QXR", 123
_SAID = {
    Language.VI: "Bạn mang thẻ căn cước đến cửa hàng gần nhất để cập nhật nhé.",
    Language.EN: "Please take your identity card to the nearest store to have it updated.",
}


@dataclass(frozen=True)
class Measured:
    """An SMS with how long it is: its parts as they are read, what they hold, what they cost in đồng."""

    sms: Sms
    parts: list[str]
    units: list[int]
    is_gsm: bool
    cost: int


@dataclass(frozen=True)
class Row:
    """A text in the list: the SMS with marks and without; which of both is sent."""

    kind: Kind
    group: Group | None
    marked: Measured
    bare: Measured
    marks: bool


@router.get(TEXTS)
async def texts(visit: Looker) -> Response:
    """All texts of a language, with the length of their SMS."""
    chosen = asked.word(visit, "language", Language) or visit.words.language
    kind = asked.word(visit, "kind", Kind)
    rules, given = policy.of(visit.service.settings), made_up(visit.service.settings, chosen)
    price = rules.vnd_per_part

    def row(each: Kind, group: Group | None) -> Row:
        with_marks, bare = (measured(each, group, chosen, marks, given, price) for marks in (True, False))
        return Row(each, group, with_marks, bare, each in rules.marks)

    rows = [
        row(each, group)
        for each in Kind
        if kind in {None, each}
        for group in (Group if each in NOTICES else (None,))
    ]
    return visit.page(
        "admin/texts", tabs=tabs(visit), rows=rows, kind=kind or "", kinds=list(Kind), chosen=chosen,
        languages=list(Language), version=templates.load(chosen).version,
    )  # fmt: skip


@router.get(TEXTS + "/one")
async def one(visit: Looker) -> Response:
    """One text as it would arrive."""
    kind, group, chosen = _which(visit)
    own = visit.request.query_params.get("own") != "no"
    settings = visit.service.settings
    rules, given = policy.of(settings), made_up(settings, chosen, own=own)
    channel = asked.word(visit, "channel", Channel) or Channel.SMS
    told = asked.one_of(visit, "marks", ("yes", "no"))
    marks = kind in rules.marks if told is None else told == "yes"
    return visit.page(
        "admin/text", tabs=tabs(visit), kind=kind, group=group, chosen=chosen, channel=channel, marks=marks,
        own=own, kinds=list(Kind), groups=list(Group), languages=list(Language), notices=NOTICES,
        sent=kind in rules.marks, price=rules.vnd_per_part,
        sms=measured(kind, group, chosen, marks, given, rules.vnd_per_part),
        letter=compose.email(kind, group, chosen, given), most=compose.MOST_PARTS[marks],
    )  # fmt: skip


@router.get(TEXTS + "/letter")
async def letter(visit: Looker) -> Response:
    """An email's HTML by itself, as its reader sees it."""
    kind, group, chosen = _which(visit)
    given = made_up(visit.service.settings, chosen, own=visit.request.query_params.get("own") != "no")
    return HTMLResponse(compose.email(kind, group, chosen, given).html, headers=HEADERS | LETTER)


def _which(visit: Visit) -> tuple[Kind, Group | None, Language]:
    kind = asked.word(visit, "kind", Kind) or Kind.FIRST
    group = (asked.word(visit, "group", Group) or Group.NAME) if kind in NOTICES else None
    return kind, group, asked.word(visit, "language", Language) or visit.words.language


def made_up(settings: Settings, language: Language, *, own: bool = True) -> Values:
    """Values that are nobody's, as long as real ones."""
    rules = policy.of(settings)
    today: date = schedule.local_day(rules, clock.now())
    return Values(
        number_masked="***678", code_shown=codes.shown(f"{_CODE}T"), deadline=today + timedelta(days=5),
        address=settings.address_shown, short_code=settings.short_code,
        hotline=templates.hotlines().get("viettel"), own=own,
        extra={"digits": "123456", "minutes": "5", "question": numbers.shown(_QUESTION),
               "text": _SAID[language]},
    )  # fmt: skip


def measured(
    kind: Kind, group: Group | None, language: Language, marks: bool, given: Values, price: int
) -> Measured:
    """An SMS and the parts that it is sent in."""
    made = compose.sms(kind, group, language, marks, given)
    cut = segment(made.text, 0)
    bare = [part[HEADER_OCTETS:] if cut.udh else part for part in cut.parts]
    is_gsm = cut.data_coding == GSM
    parts = [read_gsm(each) if is_gsm else each.decode("utf-16-be") for each in bare]
    units = [len(each) if is_gsm else len(each) // 2 for each in bare]
    return Measured(made, parts, units, is_gsm, len(parts) * price)
