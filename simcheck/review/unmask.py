"""The audited look: the clear values of one case, for a purpose that is stated."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.review import dossier, known, words
from simcheck.review.dossier import Dossier
from simcheck.review.known import Known
from simcheck.service import Service


async def look(
    session: AsyncSession, service: Service, case_id: uuid.UUID, purpose: str
) -> tuple[Dossier, Known]:
    """The case and what is known of it, with what is of persons in clear. `purpose` is one of the words
    `purpose`, and stands in the audit chain beside who looked: whoever calls it has made sure that they may.

    Raises `InvalidError` for a purpose that is none, `NotFoundError`.
    """
    words.require("purpose", purpose)
    found = await dossier.read(session, service, case_id, clear=True)
    beside = await known.read(session, service, found.case, clear=True)
    audit.record(
        session, "case.unmasked", f"case/{case_id}", {"purpose": purpose, "others": len(beside.others)},
        stream=f"case/{found.case.carrier}",
    )  # fmt: skip
    return found, beside
