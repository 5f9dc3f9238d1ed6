"""What several pages of the portal say in the same words: of whom, of batches, of verdicts and reasons."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import people
from simcheck.crosscheck import runs
from simcheck.crosscheck.runs import Progress
from simcheck.desks.frame.door import Visit
from simcheck.matching import rules
from simcheck.matching.rules import VERDICTS
from simcheck.messages.words import Language
from simcheck.reasons import Reason
from simcheck.service import Service
from simcheck.uploads import find
from simcheck.uploads.models import Batch, BatchState
from simcheck.web.forms import clean
from simcheck.web.words import Words

_PERSON = "person:"
_STEP = 1024
KINDS = {
    "done": "good", "refused": "bad", "verified": "good", "variant": "", "mismatch": "bad",
    "unverifiable": "warn", "rejected": "bad",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """How many rows there are of something, with its words and its share of all rows."""

    code: str
    words: str
    count: int
    share: float


@dataclass(frozen=True)
class Seen:
    """A batch as lists show it. `name` is what its sender called the file, `progress` that of its check."""

    batch: Batch
    name: str | None
    progress: Progress | None

    def words(self, say: Words) -> str:
        """How far it is."""
        batch = self.batch
        if batch.state == BatchState.READING and batch.counts.get("rows_read"):
            return say("portal.state.reading_rows", rows=say.number(batch.counts["rows_read"]))
        if batch.state == BatchState.CHECKING and self.progress:
            done, buckets = say.number(self.progress.done), say.number(self.progress.buckets)
            return say("portal.state.checking_parts", done=done, parts=buckets)
        return say(f"portal.state.{batch.state}")

    @property
    def kind(self) -> str:
        """The kind of its badge."""
        return KINDS.get(self.batch.state, "warn")

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.batch.state in find.ENDED

    def event(self, say: Words) -> dict[str, Any]:
        """What a page that watches it is told."""
        steps = self.progress or Progress(0, 0)
        return {
            "id": str(self.batch.id), "state": self.batch.state, "words": self.words(say), "kind": self.kind,
            "done": steps.done, "parts": steps.buckets, "ended": self.ended,
        }  # fmt: skip


def carrier_of(visit: Visit) -> str:
    """The carrier whose people alone come through the portal's doors."""
    assert visit.person.carrier is not None
    return visit.person.carrier


async def seen(session: AsyncSession, service: Service, batch: Batch) -> Seen:
    """A batch with its file's name, and how far its check is."""
    progress = await runs.progress(session, batch.id) if batch.state == BatchState.CHECKING else None
    return Seen(batch, file_name(service, batch), progress)


def file_name(service: Service, batch: Batch) -> str | None:
    """What the sender called the file, without what cannot be seen."""
    name = find.name_of(batch, service.keyring)
    return clean(name) if name else None


async def file_names(
    session: AsyncSession, service: Service, batches: Sequence[uuid.UUID | None]
) -> dict[uuid.UUID, str]:  # fmt: skip
    """The names of the files of several batches; of none that has no name."""
    found = {}
    for each in {batch for batch in batches if batch is not None}:
        batch = await session.get(Batch, each)
        name = file_name(service, batch) if batch is not None else None
        if name:
            found[each] = name
    return found


async def senders(session: AsyncSession, service: Service, clients: Sequence[str]) -> dict[str, str]:
    """Who sent something, by what the ledger knows them by: people by their names, systems by their ids."""
    usernames = [each.removeprefix(_PERSON) for each in clients if each.startswith(_PERSON)]
    names = await people.names(session, service.keyring, usernames) if usernames else {}
    return {each: names.get(each.removeprefix(_PERSON), each.removeprefix(_PERSON)) for each in clients}


def verdicts(say: Words, counts: Mapping[str, int]) -> list[Line]:
    """The rows of each verdict, the good ones first."""
    whole = sum(counts.values())
    return [
        Line(each.value, say(f"portal.verdict.{each.value}"), counts.get(each.value, 0),
             counts.get(each.value, 0) / whole if whole else 0.0)
        for each in VERDICTS
    ]  # fmt: skip


def reasons(say: Words, counts: Mapping[str, int], rows: int) -> list[Line]:
    """The rows of each reason, most first, with what to do about it. A code of another version is shown as it
    is.
    """
    told = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [
        Line(code, what_to_do(say, code), count, count / rows if rows else 0.0)
        for code, count in told
        if count
    ]


def what_to_do(say: Words, code: str) -> str:
    """What to do about a reason."""
    if code not in Reason.__members__:
        return code
    rule = rules.load().of[Reason[code]]
    return rule.vi if say.language is Language.VI else rule.en


def reasons_in(mask: int) -> list[str]:
    """The codes of a mask."""
    return [reason.name for reason in Reason if mask & reason.mask]


def size(say: Words, count: int) -> str:
    """So many bytes as people read them: 12,4 MB."""
    units = ("B", "KB", "MB", "GB", "TB")
    number, unit = float(count), 0
    while number >= _STEP and unit < len(units) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{say.number(number)} {units[unit]}"


async def remarks(service: Service, batch: Batch) -> tuple[list[str], list[str]]:
    """Columns that were ignored, and warnings; without what cannot be seen."""
    ignored, warnings = await asyncio.to_thread(find.remarks, batch, service.store, service.keyring)
    return [clean(each) for each in ignored], [clean(each) for each in warnings]
