"""What the desk does with a case stands in the case's history and in the audit chain; its version stays."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.decide import MOST_NOTE_BYTES, bound_to
from simcheck.cases.models import Case, CaseEvent
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages.alphabets import clean
from simcheck.privacy import Keyring


async def open_case(session: AsyncSession, case_id: uuid.UUID) -> Case:
    """An open case as it stands now, locked until the commit. Raises `NotFoundError`, and `ConflictError` for
    a closed one.
    """
    case = await session.get(Case, case_id, with_for_update={"key_share": True}, populate_existing=True)
    if case is None:
        raise NotFoundError("There is no such case.")
    if case.closed_at is not None:
        raise ConflictError("The case is closed. There is nothing to be done with it.")
    return case


def sealed_note(keyring: Keyring, case_id: uuid.UUID, note: str | None) -> bytes | None:
    """What somebody wrote, sealed for the case. Raises `InvalidError` where it is too long."""
    text = clean(note or "", lines=True).encode()
    if len(text) > MOST_NOTE_BYTES:
        raise InvalidError(f"note: at most {MOST_NOTE_BYTES:,} bytes.")
    return keyring.seal(text, bound_to(case_id)) if text else None


async def tell(
    session: AsyncSession, case: Case, move: str, *, reason: str | None = None,
    detail: Mapping[str, str | int] | None = None, note: bytes | None = None,
) -> None:  # fmt: skip
    """Write what was done (one of `cases.states.DESK`) into history and chain. `note` is sealed; `detail`
    holds no personal data.
    """
    said = dict(detail or {})
    session.add(
        CaseEvent(
            case_id=case.id, carrier=case.carrier, at=clock.now(), actor=actor_of(session), move=move,
            from_state=case.state, to_state=case.state, reason=reason, detail={**said, "who": "staff"},
            evidence=note,
        )
    )  # fmt: skip
    await session.flush()
    audit.record(
        session, f"case.{move}", f"case/{case.id}", {"reason": reason, **said}, stream=f"case/{case.carrier}"
    )
