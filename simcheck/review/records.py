"""The declared and the registered record beside each other, as both stand now.

The register is asked as a re-check of the row asks it; what it holds is shown to the ministry's staff alone.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np
import pyarrow as pa

from simcheck import clock
from simcheck.crosscheck import recheck
from simcheck.crosscheck.finish import day_of, measure_of
from simcheck.crosscheck.models import Subscription
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.recheck import OfFile, Rechecked
from simcheck.errors import SealError, UnavailableError
from simcheck.gate.declared import declared_column, declared_record
from simcheck.holders.correct import id_text, of_whole
from simcheck.messages.alphabets import clean
from simcheck.normalise import phones
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.names import U64
from simcheck.privacy import mask_msisdn
from simcheck.records import CHECKED_COLUMNS
from simcheck.register import keeping
from simcheck.register.models import RegisterSnapshot
from simcheck.register.protocol import NONE, Answer, Register
from simcheck.register.snapshot import I64, STATUSES, Citizens
from simcheck.review.difference import Piece, hidden, pieces
from simcheck.service import Service

_SHOWN_DIGITS, _YEAR = 3, 4
_measure = lru_cache(1)(measure_of)  # of the day: the words of one look are known to the next


class Asked(StrEnum):
    """What the register said: of somebody, that there is nobody of this number, or nothing (now)."""

    SOMEBODY = "somebody"
    NOBODY = "nobody"
    SILENT = "silent"


@dataclass(frozen=True)
class Row:
    """One cell of both records: `full_name`, `id_number` or `date_of_birth`. `written` is as the carrier
    wrote it, `declared` as it was read (a date as dd/mm/yyyy), `registered` empty where the register says
    nothing.
    """

    name: str
    written: str = field(repr=False)
    declared: str = field(repr=False)
    registered: str = field(repr=False)
    pieces: tuple[Piece, ...] = field(repr=False)


@dataclass(frozen=True)
class Records:
    """Both records. `number` is E.164 (empty where none was declared); `status` the register's word of the
    person (`register.snapshot.STATUSES`), None where it says nothing; `now` is what a check finds at this
    moment.
    """

    number: str = field(repr=False)
    rows: tuple[Row, ...]
    asked: Asked
    status: str | None
    now: Rechecked | None = field(repr=False)


@dataclass(frozen=True)
class Heard:
    """A register that is asked once for all: what it answers is kept."""

    register: Register
    answers: list[Answer] = field(default_factory=list, repr=False)

    def ask(self, numbers: I64, keys: U64, threads: int = 1, near: I64 = NONE) -> Answer:
        """See `register.protocol.Register`."""
        self.answers.append(self.register.ask(numbers, keys, threads, near))
        return self.answers[-1]


@dataclass(frozen=True)
class Wanted:
    """What is read when the transaction is over: a register that answers slowly, or not, holds no connection.
    `register` None: there is none yet. `clear`: not masked.
    """

    subscription: Subscription
    register: Register | None
    clear: bool


def wanted(
    service: Service, subscription: Subscription, snapshot: RegisterSnapshot | None, *, clear: bool
) -> Wanted:
    """What `read` needs for both records of a subscription; `snapshot` is the one that counts."""
    try:
        register = keeping.opened(service, snapshot)
    except UnavailableError:
        register = None
    return Wanted(subscription, register, clear)


async def read(service: Service, of: Wanted | None) -> Records | None:
    """Both records; None where none were wanted, or the lake lacks the row. A register that is silent leaves
    its side empty. Called with no transaction open.
    """
    if of is None:
        return None
    try:
        found = await asyncio.to_thread(_read, service, of.subscription, of.register)
    except SealError:
        return None
    return found if of.clear else masked(found)


def masked(records: Records) -> Records:
    """What may be seen without being asked for: a name's initials, the last digits of numbers, a date's
    year."""
    rows = []
    for row in records.rows:
        parts = tuple(hidden(row.pieces, _SHOWS[row.name]))
        declared, registered = (
            "".join(each.declared for each in parts),
            "".join(each.registered for each in parts),
        )
        rows.append(Row(row.name, declared, declared, registered, parts))
    return replace(records, number=mask_msisdn(records.number), rows=tuple(rows))


def numbers(service: Service, subscriptions: Sequence[Subscription], *, clear: bool) -> list[str]:
    """The phone numbers of some subscriptions (E.164); empty where the lake lacks a record, or it has none.
    Those of one person are in one bucket of a batch: each is opened once.
    """
    buckets: dict[tuple[str, uuid.UUID, int], list[int]] = defaultdict(list)
    for at, each in enumerate(subscriptions):
        buckets[each.carrier, each.batch_id, each.bucket].append(at)
    cells: list[str | None] = [None] * len(subscriptions)
    for place, those in buckets.items():
        with suppress(SealError):
            read = declared_column(service, *place, [subscriptions[at].row for at in those], "msisdn")
            for at, cell in zip(those, read, strict=True):
                cells[at] = cell
    found = _shown(phones.normalise(pa.array(cells, pa.string())))
    return found if clear else [mask_msisdn(each) for each in found]


def _shown(read: phones.Phones) -> list[str]:
    """E.164, empty where there is no number."""
    shown = phones.e164(np.array(read.national)).to_pylist()
    return [text if national else "" for text, national in zip(shown, read.national, strict=True)]


def _day_text(ymd: int) -> str:
    """A date (`normalise.dates`) as staff read it: dd/mm/yyyy, mm/yyyy or yyyy."""
    year, month, day = ymd // 10_000, ymd // 100 % 100, ymd % 100
    return "/".join(f"{part:02}" for part in (day, month, year) if part)


def _initial(side: str, place: int, _: int) -> bool:
    return place == 0 or side[place - 1 : place].isspace()


def _last(_: str, place: int, count: int) -> bool:
    return count > 2 * _SHOWN_DIGITS and place >= count - _SHOWN_DIGITS


def _year(_: str, place: int, count: int) -> bool:
    return place >= count - _YEAR


_SHOWS = {"full_name": _initial, "id_number": _last, "date_of_birth": _year}


def _read(service: Service, subscription: Subscription, register: Register | None) -> Records:
    place = (subscription.carrier, subscription.batch_id, subscription.bucket, subscription.row)
    cells = declared_record(service, *place, CHECKED_COLUMNS)
    measure = _measure(day_of(clock.now()))
    row = recheck.read(cells, measure)
    key, ymd = int(row.ids.key[0]), int(row.born.ymd[0])
    found, bearer = None, None
    asked = Asked.SILENT
    if register is not None:
        present = Lake(service.store, service.keyring).declared(*place[:2]).manifest["present"]
        file = OfFile("face_verified_at" in present, frozenset())
        heard = Heard(register)
        found = recheck.of(row, heard, measure, of_whole(subscription), file)
        asked, bearer = _bearer(heard.answers, found.person, key)
    said = {
        "full_name": clean(cells.get("full_name") or ""),
        "id_number": id_text(key) if key else clean(cells.get("id_number") or ""),
        "date_of_birth": _day_text(ymd) if ymd else clean(cells.get("date_of_birth") or ""),
    }
    held: Mapping[str, str] = bearer or {}
    rows = tuple(
        Row(
            name, clean(cells.get(name) or ""), declared, held.get(name, ""),
            tuple(pieces(declared, held.get(name, ""))),
        )
        for name, declared in said.items()
    )  # fmt: skip
    return Records(_shown(row.phones)[0], rows, asked, held.get("status"), found)


def _bearer(answers: Sequence[Answer], person: int, key: int) -> tuple[Asked, dict[str, str] | None]:
    """Whom the row names by the check, else whoever bears (or bore) the number that stands there."""
    if any(key in answer.unanswered for answer in answers):
        return Asked.SILENT, None
    for number in (person, key):
        for citizens, former, *_ in answers if number > 0 else ():
            at = np.flatnonzero(
                (citizens.id_number == number)
                | (former.previous_id == number)
                | (former.old_id + CMND_BASE == number)
            )
            if len(at):
                return Asked.SOMEBODY, _said(citizens, int(at[0]))
    return Asked.NOBODY, None


def _said(citizens: Citizens, at: int) -> dict[str, str]:
    return {
        "full_name": clean(str(citizens.full_name[at].as_py())),
        "id_number": id_text(int(citizens.id_number[at])),
        "date_of_birth": _day_text(int(citizens.born[at])),
        "status": STATUSES[int(citizens.status[at])],
    }
