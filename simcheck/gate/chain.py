"""The question log's link into the audit chain: many questions, one audit row with their root.

A row of its own for every question would make all askers wait in one line. So questions are logged plainly,
and soon after a job takes those that are not chained yet, works out the hash over all of them and writes it
into the audit chain, in one transaction. A question that is changed, taken out or put in later breaks it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit

ACT, FORGOTTEN, STREAM = "otp.asked", "otp.forgotten", "otp"
MOST = 20_000  # questions of one root

# A question's hash is SHA-256 over its columns in PostgreSQL's own binary forms; a root is SHA-256 over the
# hashes of its questions in the order of their ids.
_ROOT = """sha256(string_agg(sha256(
    int8send(id) || timestamptz_send(at) || int4send(octet_length(client)) || convert_to(client, 'UTF8')
    || int4send(octet_length(msisdn_token)) || msisdn_token || int4send(octet_length(id_token)) || id_token
    || boolsend(eligible) || int8send(reasons)
), ''::bytea ORDER BY id))"""
# Take the oldest that are not chained; one job at a time does.
TAKE = sa.text(f"""
WITH one AS (SELECT pg_advisory_xact_lock(hashtext('simcheck gate chain'))),
batch AS (
    SELECT question.* FROM one, LATERAL (
        SELECT * FROM otp_question WHERE chained IS NULL ORDER BY id LIMIT :most
    ) AS question
),
root AS (SELECT min(id) AS first, max(id) AS last, count(*) AS questions, {_ROOT} AS root FROM batch),
marked AS (
    UPDATE otp_question SET chained = root.first FROM root WHERE id IN (SELECT id FROM batch)
)
SELECT first, last, questions, root FROM root
""")  # noqa: S608  (constants alone)
# The roots as the audit chain has them, beside those of the questions as they are now. Of roots whose time is
# over (an audit row says up to which one, and which before it are kept) no question is there any more.
COMPARE = sa.text(f"""
WITH told AS (
    SELECT seq, (detail ->> 'first')::bigint AS first, (detail ->> 'questions')::bigint AS questions,
           detail ->> 'root' AS root
    FROM audit WHERE stream = '{STREAM}' AND act = '{ACT}'
),
held AS (
    SELECT chained, count(*) AS questions, encode({_ROOT}, 'hex') AS root
    FROM otp_question WHERE chained IS NOT NULL GROUP BY chained
),
forgotten AS (
    SELECT max((detail ->> 'upto')::bigint) OVER () AS upto, coalesce(detail -> 'kept', '[]') AS kept
    FROM audit WHERE stream = '{STREAM}' AND act = '{FORGOTTEN}' ORDER BY seq DESC LIMIT 1
)
SELECT told.seq, held.chained FROM told FULL JOIN held ON held.chained = told.first
WHERE (told.root IS DISTINCT FROM held.root OR told.questions IS DISTINCT FROM held.questions)
  AND NOT (held.chained IS NULL AND EXISTS (
    SELECT FROM forgotten WHERE told.first <= upto AND NOT kept @> to_jsonb(told.first)))
ORDER BY told.seq NULLS LAST, held.chained LIMIT 1
""")  # noqa: S608

# Questions of whole roots that are older: see step 0024.
FORGET = sa.text("SELECT upto, gone, kept FROM forget_otp(:before)").bindparams(
    sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True))
)


async def link(session: AsyncSession) -> int:
    """Chain the oldest questions that are not chained yet, at most `MOST`: how many they were."""
    first, last, questions, root = (await session.execute(TAKE, {"most": MOST})).one()
    if questions:
        detail = {"first": first, "last": last, "questions": questions, "root": bytes(root).hex()}
        audit.record(session, ACT, f"otp_question/{first}", detail, stream=STREAM)
    return int(questions)


async def forget(session: AsyncSession, before: datetime) -> int:
    """Remove questions that were asked before then, by whole roots; how many. The chain says up to which,
    and which roots before that an order preserves.
    """
    upto, gone, kept = (await session.execute(FORGET, {"before": before})).one()
    if gone:
        detail = {"upto": upto, "questions": gone, "kept": kept}
        audit.record(session, FORGOTTEN, f"otp_question/{upto}", detail, stream=STREAM)
    return int(gone)


async def verify(session: AsyncSession) -> audit.Fault | None:
    """The first root that the questions do not give any more; None where all hold.

    It says nothing of the audit rows themselves: `audit.verify` does.
    """
    found = (await session.execute(COMPARE)).first()
    if found is None:
        return None
    if found.seq is None:
        return audit.Fault("otp_question", found.chained, "chained with a root that the chain does not have")
    return audit.Fault(STREAM, found.seq, "its questions were changed, or one is missing or was put in")
