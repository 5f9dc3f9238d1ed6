"""What people wrote about a case, opened for somebody who was let see it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.cases.decide import bound_to
from simcheck.helpdesk import questions
from simcheck.helpdesk.questions import Written
from simcheck.holders import correct
from simcheck.holders.correct import Given
from simcheck.messages.alphabets import clean
from simcheck.review.known import Known
from simcheck.service import Service

MOST_SHOWN = 4000  # characters of a note


@dataclass(frozen=True)
class Opened:
    """Notes by event, corrections' cells and questions' messages by the id of what they belong to."""

    notes: Mapping[int, str] = field(default_factory=dict, repr=False)
    cells: Mapping[uuid.UUID, Given] = field(default_factory=dict, repr=False)
    said: Mapping[uuid.UUID, list[Written]] = field(default_factory=dict, repr=False)


async def opened(session: AsyncSession, service: Service, case_id: uuid.UUID, known: Known) -> Opened:
    """Everything sealed in what is known of a case that is shown in clear. Raises `SealError`."""
    keyring, place = service.keyring, bound_to(case_id)
    notes = {
        event.id: clean(keyring.open(event.evidence, place).decode("utf-8", "replace"), lines=True)[
            :MOST_SHOWN
        ]
        for event, _ in known.history
        if event.evidence is not None
    }
    cells = {each.id: correct.cells_of(keyring, each) for each in known.corrections}
    said = {each.id: await questions.written(session, keyring, each) for each in known.questions}
    return Opened(notes, {key: value for key, value in cells.items() if value is not None}, said)
