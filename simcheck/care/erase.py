"""Erasing at a person's request: what goes at once, what the law keeps, and why.

Records of subscriptions, cases and notices prove that the law was kept; they go by the retention table, not
by request. What people wrote, and the words of what was written to them, may go once nothing depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.care import subject
from simcheck.care.models import PersonRequest
from simcheck.care.words import WORDS
from simcheck.messages.words import Language

_CASES = sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid()))
# Words of messages that were settled, of closed cases: those of an open one are proof of its notices.
MESSAGES = sa.text("""
UPDATE message SET address = NULL, subject = NULL, text = NULL, html = NULL
FROM "case" WHERE "case".id = message.case_id AND case_id = ANY(:cases) AND settled_at IS NOT NULL
  AND text IS NOT NULL AND "case".closed_at IS NOT NULL
""").bindparams(_CASES)
# Words of questions that are closed, and where their answers went.
QUESTIONS = sa.text("""
WITH own AS (
    UPDATE question SET address = NULL
    WHERE case_id = ANY(:cases) AND proved AND closed_at IS NOT NULL RETURNING id
)
DELETE FROM question_message USING own WHERE question_id = own.id
""").bindparams(_CASES)
# What was said in corrections that nobody waits for.
CORRECTIONS = sa.text("""
UPDATE correction SET cells = NULL
WHERE case_id = ANY(:cases) AND cells IS NOT NULL AND (acknowledged_at IS NOT NULL OR outcome = 'differs')
""").bindparams(_CASES)
# Files that were made for earlier requests of theirs.
FILES = sa.text("""
DELETE FROM request_file USING person_request AS request
WHERE request.id = request_id AND request.id <> :request
  AND (request.msisdn_token = :msisdn OR request.id_token = :person)
""").bindparams(
    sa.bindparam("msisdn", type_=pg.BYTEA()), sa.bindparam("person", type_=pg.BYTEA()),
    sa.bindparam("request", type_=sa.Uuid()),
)  # fmt: skip
PRESERVED = sa.text("SELECT bool_or(preserved(token)) FROM unnest(:tokens) AS token").bindparams(
    sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA()))
)
# What stays, each with its words in `kept.*`: why, and until when.
KEPT = ("subscription", "cases", "notices", "chain", "recent")


@dataclass(frozen=True)
class Erased:
    """How many things of what went (words of `gone.*`), and what stays (of `kept.*`). `preserved`: an order
    of an authority forbids it, and nothing went.
    """

    gone: dict[str, int] = field(default_factory=dict)
    kept: tuple[str, ...] = KEPT
    preserved: bool = False

    def told(self, language: Language) -> str:
        """The answer to the person."""
        say = WORDS[language]
        if self.preserved:
            return say("erase.preserved")
        went = [say(f"gone.{what}", count=say.number(count)) for what, count in self.gone.items() if count]
        lines = [say("erase.went"), *went] if went else [say("erase.nothing")]
        return "\n".join([*lines, "", say("erase.stays"), *(say(f"kept.{each}") for each in self.kept)])


async def erase(session: AsyncSession, request: PersonRequest) -> Erased:
    """Erase what may go of whoever asks. The session needs the ministry's scope."""
    of = await subject.of(session, request)
    if await session.scalar(PRESERVED, {"tokens": of.tokens or [request.msisdn_token or b""]}):
        return Erased(preserved=True)
    given = {"cases": of.case_ids}
    gone = {
        "messages": await _rows(session, MESSAGES, given),
        "questions": await _rows(session, QUESTIONS, given),
        "corrections": await _rows(session, CORRECTIONS, given),
        "files": await _rows(
            session, FILES,
            {"msisdn": request.msisdn_token, "person": request.id_token, "request": request.id},
        ),
    }  # fmt: skip
    audit.record(session, "request.erased", f"request/{request.id}", gone, stream="request")
    return Erased(gone)


async def _rows(session: AsyncSession, statement: sa.TextClause, given: Mapping[str, object]) -> int:
    done = await session.execute(statement, given)
    return int(done.rowcount)  # type: ignore[attr-defined]
