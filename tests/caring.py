"""What tests of data protection stand on: a number with everything that hangs on it, and how old it is."""

from __future__ import annotations

import uuid
from typing import Any

from simcheck.care import requests
from simcheck.care.models import PersonRequest, RequestKind, RequestMeans
from simcheck.care.requests import Asking
from simcheck.holders import sessions
from simcheck.messages.words import Language
from tests import holding
from tests.holding import BINH, national

# What a case of the number 1 leaves behind, closed long ago.
HISTORY = """
INSERT INTO carrier (code, added_at) VALUES ('viettel', now()) ON CONFLICT DO NOTHING;
INSERT INTO "case" (id, code, carrier, msisdn_token, id_token, state, acts, verdict, reasons, opened_at,
                    changed_at, closed_at, close_reason, severity, clock_left)
    VALUES (%(case)s, %(code)s, 'viettel', %(token)s, %(person)s, 'closed', 'holder', 2, 0, %(at)s, %(at)s,
            %(at)s, 'corrected', 1, interval '1 hour');
INSERT INTO case_event (case_id, carrier, at, actor, move, to_state)
    VALUES (%(case)s, 'viettel', %(at)s, 'job:x', 'opened', 'with_holder'),
           (%(case)s, 'viettel', %(at)s, 'job:x', 'closed', 'closed');
INSERT INTO notice_track (case_id, carrier, msisdn_token, reason_group, state)
    VALUES (%(case)s, 'viettel', %(token)s, 'name', 'done');
INSERT INTO message (id, carrier, case_id, msisdn_token, key, kind, channel, language, template, state,
                     address_token, parts, due_at, expires_at, made_at, changed_at, settled_at)
    VALUES (%(message)s, 'viettel', %(case)s, %(token)s, %(code)s, 'first', 'sms', 'vi', 't', 'delivered',
            %(token)s, 1, %(at)s, %(at)s, %(at)s, %(at)s, %(at)s);
INSERT INTO message_part (message_id, number, state) VALUES (%(message)s, 1, 'delivered');
INSERT INTO correction (id, carrier, case_id, msisdn_token, form, batch_id, row, outcome, made_by, made_at,
                        settled_at)
    VALUES (gen_random_uuid(), 'viettel', %(case)s, %(token)s, gen_random_uuid(), gen_random_uuid(), 1,
            'agrees', 'holder:x', %(at)s, %(at)s);
INSERT INTO confirmation (id, carrier, msisdn_token, case_id, facts, means, at)
    VALUES (gen_random_uuid(), 'viettel', %(token)s, %(case)s, '', 'page', %(at)s);
INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at)
    VALUES ('viettel', 'c', %(token)s, 'sim_changed', %(at)s, %(at)s);
INSERT INTO clock_event (carrier, msisdn_token, case_id, at, kind, step, actor)
    VALUES ('viettel', %(token)s, %(case)s, %(at)s, 'started', NULL, 'job:x'),
           ('viettel', %(token)s, %(case)s, %(at)s, 'reached', 1, 'client:x');
INSERT INTO policy (version, text, digest, valid_from, state, made_by, made_at)
    VALUES ('1', '', '', now(), 'draft', 'person:x', now()) ON CONFLICT DO NOTHING;
INSERT INTO clock (carrier, msisdn_token, case_id, trigger, track, policy_version, started_at, step, step_at,
                   ended_at, end_reason)
    VALUES ('viettel', %(token)s, %(case)s, 'disowned', 't', '1', %(at)s, 1, %(at)s, %(at)s, 'gone');
INSERT INTO order_batch (id, carrier, act, state, lines, proposed_by, proposed_at, approved_by, sent_at,
                         digest, size, done_at)
    VALUES (%(order)s, 'viettel', 'one_way', 'done', 0, 'job:x', %(at)s, 'person:x', now(), '', 1,
            now()) ON CONFLICT DO NOTHING;
INSERT INTO order_line (order_id, line, carrier, msisdn_token, case_id, act, reason, evidence, made_at, state,
                        outcome, outcome_at)
    SELECT %(order)s, 1 + lines, 'viettel', %(token)s, %(case)s, 'one_way', 'x', '{}', %(at)s, 'done', 'done',
           %(at)s FROM order_batch WHERE id = %(order)s;
UPDATE order_batch SET lines = lines + 1 WHERE id = %(order)s;
INSERT INTO order_answer (id, order_id, carrier, received_at, received_by, digest, size, state)
    VALUES (gen_random_uuid(), %(order)s, 'viettel', %(at)s, 'client:x', '', 1, 'taken')
    ON CONFLICT DO NOTHING;
INSERT INTO question (id, about, queue, state, channel, language, msisdn_token, proved, form, opened_at,
                      due_at, changed_at, closed_at)
    VALUES (%(question)s, 'viettel', 'staff', 'closed', 'sms', 'vi', %(token)s, true, gen_random_uuid(),
            %(at)s, %(at)s, %(at)s, %(at)s);
INSERT INTO question_message (question_id, at, actor, is_answer, text)
    VALUES (%(question)s, %(at)s, 'holder:x', false, '')
"""
TABLES = ("case", "case_event", "notice_track", "message", "message_part", "correction", "confirmation",
          "sim_event", "question", "question_message", "subscription_end", "clock", "clock_event",
          "order_line")  # fmt: skip


ORDER = uuid.UUID(int=1)  # in which all of these numbers stand


def token(keyring: Any, number: int) -> bytes:
    """What records of a number are found by."""
    return keyring.token("msisdn", national(number))


def ago(owner: Any, old: str) -> Any:
    """A moment so long before the database's clock."""
    return owner.execute("SELECT now() - %s::interval", [old]).fetchone()[0]


def ended(owner: Any, keyring: Any, number: int, old: str) -> uuid.UUID:
    """A number that ended so long ago, with its history, which is as old; the case's id."""
    at, case = ago(owner, old), uuid.uuid4()
    values = {
        "case": case, "code": f"CODE{number}", "token": token(keyring, number), "at": at,
        "person": keyring.token("id", number), "message": uuid.uuid4(),
        "question": uuid.uuid4(), "order": ORDER,
    }  # fmt: skip
    with owner.cursor() as cursor:
        for statement in HISTORY.split(";\n"):
            cursor.execute(statement, values)
    owner.execute(
        "INSERT INTO subscription_end (carrier, msisdn_token, ended_at) VALUES ('viettel', %s, %s)",
        [values["token"], at],
    )
    return case


def alive(owner: Any, keyring: Any, number: int, status: str = "active") -> None:
    """Have the carrier declare a number."""
    owner.execute(
        "INSERT INTO subscription (msisdn_token, carrier, verdict, reasons, bucket, facts, cells, row,"
        " status, batch_id, run_id, changed_at) VALUES (%s, 'viettel', 0, 0, 0, '', 0, 1, %s,"
        " gen_random_uuid(), gen_random_uuid(), now())", [token(keyring, number), status],
    )  # fmt: skip


def rows(owner: Any, *tables: str) -> dict[str, int]:
    """How many rows each table has; those that have any."""
    found = {each: owner.execute(f'SELECT count(*) FROM "{each}"').fetchone()[0] for each in tables}
    return {table: count for table, count in found.items() if count}


async def binh(service: Any) -> Any:
    """Bình, who has signed in."""
    async with service.database.transaction("public", ministry=True) as session:
        return (await sessions.start_identity(session, service.keyring, BINH.id_number)).holder


async def ask(service: Any, holder: Any, kind: str, words: str = "", language: str = "en") -> PersonRequest:
    """Ask on the pages, and have the job done that this wakes."""
    asking = Asking(RequestKind(kind), RequestMeans.PAGE, Language(language), uuid.uuid4(), words)
    async with holder.transaction(service) as session:
        made = await requests.ask(session, service, asking.by(holder))
    await holding.checked(service)
    async with service.database.transaction("test", ministry=True) as session:
        return await requests.by_number(session, requests.shown(made.number))


async def given(service: Any, holder: Any, request: PersonRequest, name: str) -> str:
    """A file of the answer, as its holder gets it."""
    async with holder.transaction(service) as session:
        found = await requests.one_of_holder(session, holder, requests.shown(request.number))
        return (await requests.file(session, service.keyring, found, name)).decode()
