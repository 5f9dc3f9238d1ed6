from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from jobs import review
from simcheck import clock
from simcheck.commands import demo_staff
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back, Queue
from simcheck.helpdesk.questions import Asking
from simcheck.review import words
from simcheck.terminal import Language
from tests.reviewing import many_cases

pytestmark = pytest.mark.anyio
TWO = ["reviewer", "reviewer-2"]


def ask(owner, query):
    return [row[0] for row in owner.execute(query).fetchall()]


async def test_reviewers_leave_a_queue_that_looks_alive_and_their_decisions_bind(service, owner):
    many_cases(owner, 4000)
    done = await demo_staff.work(service, TWO)
    assert done == (len(TWO) * demo_staff.EACH, len(TWO) * demo_staff.ASIDE)
    assert set(ask(owner, 'SELECT claimed_by FROM "case" WHERE claimed_by IS NOT NULL AND NOT pending')) == {
        *TWO
    }
    made = "SELECT made_by FROM desk_decision WHERE state = 'pending'"
    assert sorted(ask(owner, made)) == sorted(f"person:{who}" for who in TWO * demo_staff.EACH)
    with clock.fixed(clock.now() + timedelta(seconds=60)):
        await review.bind_due(service)
    assert set(ask(owner, "SELECT state FROM desk_decision")) == {"bound"}
    moves = set(ask(owner, "SELECT move FROM case_event"))
    assert {words.decisions()[decision].move for decision, _ in demo_staff.CHOICES} <= moves
    assert {"snoozed", "escalated", "assigned"} <= moves
    await demo_staff.count(service)


async def test_where_nothing_waits_nothing_is_done(service):
    assert await demo_staff.work(service, TWO) == (0, 0)


async def test_some_questions_are_answered_and_others_wait(service, owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    for language in Language:
        said = demo_staff.asked(language)
        assert any(each.own for each in said)
        for number, each in enumerate(said):
            asking = Asking(
                each.text, Back.EMAIL, f"a{number}@simcheck.example", language.value, uuid.uuid4()
            )
            async with service.database.transaction("test", ministry=True) as session:
                await questions.open_question(session, service, asking)
                newest = (await questions.page(session, Queue.STAFF))[-1]
                if each.own:
                    await questions.give_to(session, newest.id, "viettel")
        answers = sum(each.answer is not None for each in said)
        assert 0 < answers < len(said)
        assert await demo_staff.answer(service, said, "supervisor", "manager", "viettel") == answers
        assert await demo_staff.answer(service, said, "supervisor", "manager", "viettel") == 0
    by = "SELECT DISTINCT actor FROM question_message WHERE is_answer ORDER BY 1"
    assert ask(owner, by) == ["person:manager", "person:supervisor"]
