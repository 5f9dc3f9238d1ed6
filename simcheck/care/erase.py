"""Erasing at a person's request: what goes at once, what the law keeps, and why.

Records of subscriptions, cases and notices prove that the law was kept; they go by the retention table, not
by request. What people wrote, and the words of what was written to them, may go once nothing depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.care import subject
from simcheck.care.models import PersonRequest
from simcheck.care.subject import Subject
from simcheck.care.words import WORDS
from simcheck.messages.words import Language

_OWN: tuple[sa.BindParameter[Any], ...] = (
    sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid())),
    sa.bindparam("since", type_=pg.ARRAY(sa.TIMESTAMP(timezone=True))),
)
# Their cases, each from when on it is theirs.
OWN = "unnest(:cases, :since) AS own (case_id, since)"
# Words of messages that were settled, of closed cases: those of an open one are proof of its notices.
MESSAGES = sa.text(f"""
UPDATE message SET address = NULL, subject = NULL, text = NULL, html = NULL
FROM "case", {OWN}
WHERE "case".id = message.case_id AND message.case_id = own.case_id AND message.made_at >= own.since
  AND settled_at IS NOT NULL AND text IS NOT NULL AND "case".closed_at IS NOT NULL
""").bindparams(*_OWN)  # noqa: S608  (no input of anybody)
# Words of questions that are closed, and where their answers went.
QUESTIONS = sa.text(f"""
WITH closed AS (
    UPDATE question SET address = NULL FROM {OWN}
    WHERE question.case_id = own.case_id AND opened_at >= own.since AND proved AND closed_at IS NOT NULL
    RETURNING id
)
DELETE FROM question_message USING closed WHERE question_id = closed.id
""").bindparams(*_OWN)  # noqa: S608
# What was said in corrections that nobody waits for.
CORRECTIONS = sa.text(f"""
UPDATE correction SET cells = NULL FROM {OWN}
WHERE correction.case_id = own.case_id AND made_at >= own.since
  AND cells IS NOT NULL AND (acknowledged_at IS NOT NULL OR outcome = 'differs')
""").bindparams(*_OWN)  # noqa: S608
# What was said in appeals that are answered, and the number for the answer.
APPEALS = sa.text("""
UPDATE appeal SET words = NULL, telephone = NULL
FROM unnest(:carriers, :tokens, :since) AS own (carrier, msisdn_token, since)
WHERE appeal.carrier = own.carrier AND appeal.msisdn_token = own.msisdn_token AND made_at >= own.since
  AND settled_at IS NOT NULL AND telephone IS NOT NULL
""").bindparams(
    sa.bindparam("carriers", type_=pg.ARRAY(sa.Text())), sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())),
    sa.bindparam("since", type_=pg.ARRAY(sa.TIMESTAMP(timezone=True))),
)  # fmt: skip
# Files that were made for earlier requests of theirs.
FILES = sa.text("""
DELETE FROM request_file USING person_request AS request
WHERE request.id = request_id AND request.id <> :request
  AND (request.msisdn_token = :msisdn OR request.id_token = :person)
""").bindparams(
    sa.bindparam("msisdn", type_=pg.BYTEA()), sa.bindparam("person", type_=pg.BYTEA()),
    sa.bindparam("request", type_=sa.Uuid()),
)  # fmt: skip
PRESERVED = sa.text("""
SELECT EXISTS (SELECT FROM unnest(:tokens) AS token WHERE preserved(token))
    OR preserved_person(:person)
""").bindparams(sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())), sa.bindparam("person", type_=pg.BYTEA()))
# What stays, each with its words in `kept.*`: why, and until when.
KEPT = ("subscription", "cases", "notices", "orders", "appeals", "chain", "recent")


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
    asked_about = [] if request.msisdn_token is None else [request.msisdn_token]
    preserved = {"tokens": of.tokens + asked_about, "person": request.id_token}
    if await session.scalar(PRESERVED, preserved):
        return Erased(preserved=True)
    given = {"cases": of.case_ids, "since": [of.cases_since[each] for each in of.case_ids]}
    gone = {
        "messages": await _rows(session, MESSAGES, given),
        "questions": await _rows(session, QUESTIONS, given),
        "corrections": await _rows(session, CORRECTIONS, given),
        "appeals": await _rows(session, APPEALS, _numbers(of)),
        "files": await _rows(
            session, FILES,
            {"msisdn": request.msisdn_token, "person": request.id_token, "request": request.id},
        ),
    }  # fmt: skip
    audit.record(session, "request.erased", f"request/{request.id}", gone, stream="request")
    return Erased(gone)


def _numbers(of: Subject) -> dict[str, object]:
    """The subscriptions, as columns, each from when on it is theirs."""
    own = of.since
    return {
        "carriers": [carrier for carrier, _ in own], "tokens": [token for _, token in own],
        "since": list(own.values()),
    }  # fmt: skip


async def _rows(session: AsyncSession, statement: sa.TextClause, given: Mapping[str, object]) -> int:
    done = await session.execute(statement, given)
    return int(done.rowcount)  # type: ignore[attr-defined]
