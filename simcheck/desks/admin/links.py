"""The links by which messages go: how they are set up (never a secret), how they are, what came of parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.config import Settings
from simcheck.desks.admin import asked
from simcheck.desks.admin.policies import tabs
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import SettingsError
from simcheck.messages.words import Channel
from simcheck.sending import beats
from simcheck.sending.beats import Beat
from simcheck.sending.mail.settings import mail_of
from simcheck.sending.models import PartState
from simcheck.sending.settings import SmppSettings, links_of

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
LINKS = "/desk/notices/links"
MAIL = "mail"
# Hours, not weeks: a day of the whole country is millions of parts, which are counted anew.
_SPANS = {hours: timedelta(hours=int(hours)) for hours in ("1", "6", "24")}


class State(StrEnum):
    """How a link is. `silent`: no sender process has said anything of it lately."""

    UP = "up"
    PARTLY = "partly"
    RESTING = "resting"
    DOWN = "down"
    SILENT = "silent"


@dataclass(frozen=True)
class SetUp:
    """How a link is set up: what may be seen of it."""

    name: str
    channel: Channel
    kind: str
    place: str
    source: str
    rate: float
    window: int
    safe: bool


@dataclass(frozen=True)
class Shown:
    """A link with how it is set up here (None: it is not), how it is (None: unknown) and its parts."""

    name: str
    channel: Channel
    set_up: SetUp | None
    beat: Beat | None
    state: State
    parts: dict[str, int]

    @property
    def lost(self) -> float | None:
        """The share of parts that failed, of those whose end is known; None without any."""
        ended = sum(self.parts.get(each, 0) for each in _ENDS)
        return self.parts.get(PartState.FAILED, 0) / ended if ended else None


_ENDS = (PartState.DELIVERED, PartState.FAILED, PartState.EXPIRED, PartState.UNKNOWN)


@router.get(LINKS)
async def links(visit: Annotated[Visit, needs(Permission.LINK_SEE)]) -> Response:
    """Every link, what waits, and what came of the newest parts."""
    span = asked.one_of(visit, "hours", _SPANS) or "1"
    since = clock.now() - _SPANS[span]
    async with visit.acting() as session:
        known = {each.link: each for each in await beats.read(session)}
        recent = await beats.recent(session, since)
        reasons = await beats.failures(session, since)
        waiting = await beats.waiting(session)
    found, broken = set_up(visit.service.settings)
    shown = _shown({each.name: each for each in found}, known, recent)
    return visit.page(
        "admin/links", tabs=tabs(visit), links=shown, waiting=waiting, span=span, spans=list(_SPANS),
        nobody=recent.get("", {}), reasons=reasons, states=list(PartState), broken=broken,
        late=[each for each in waiting if each.oldest and clock.now() - each.oldest > timedelta(minutes=10)],
    )  # fmt: skip


def _shown(found: dict[str, SetUp], known: dict[str, Beat], recent: dict[str, dict[str, int]]) -> list[Shown]:
    names = [*found, *(name for name in known if name not in found)]
    return [
        Shown(
            name, found[name].channel if name in found else Channel(known[name].channel), found.get(name),
            known.get(name), state_of(known.get(name)), recent.get(name, {}),
        )
        for name in names
    ]  # fmt: skip


def state_of(beat: Beat | None) -> State:
    """How a link is altogether."""
    if beat is None or beat.processes == 0:
        return State.SILENT
    if beat.resting:
        return State.RESTING
    return State.UP if beat.up == beat.processes else State.PARTLY if beat.up else State.DOWN


def set_up(settings: Settings) -> tuple[list[SetUp], list[str]]:
    """The links of these settings, without what is secret in them; and the faults of settings."""
    found, faults = list[SetUp](), list[str]()
    try:
        for each in links_of(settings):
            if isinstance(each, SmppSettings):
                place, safe = f"{each.host}:{each.port}", each.tls
            else:
                place, safe = f"{each.url.host}:{each.url.port}", each.url.scheme == "https"
            found.append(
                SetUp(each.name, Channel.SMS, each.kind, place, each.source, each.rate, each.window, safe)
            )
    except SettingsError as error:
        faults += error.faults
    try:
        mail = mail_of(settings)
        if mail is not None:
            place, safe = f"{mail.host}:{mail.port}", mail.tls in {"required", "implicit"}
            found.append(
                SetUp(MAIL, Channel.EMAIL, "smtp", place, mail.mailbox, mail.rate, mail.window, safe)
            )
    except SettingsError as error:
        faults += error.faults
    return found, faults
