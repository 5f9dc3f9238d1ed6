from __future__ import annotations

import datetime
import uuid

import pytest

from jobs.helpdesk import settle, take_late
from simcheck import clock
from simcheck.errors import ConflictError, InvalidError, NotFoundError, TooManyError
from simcheck.helpdesk import numbers, questions
from simcheck.helpdesk.models import Back, Question, Queue
from tests import holding
from tests.holding import national, sent
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)


async def within(service, work, carrier=None, at=NOON):
    """A carrier's client, or (without one) staff."""
    with clock.fixed(at):
        async with service.database.transaction("client:v", carrier, ministry=carrier is None) as session:
            return await work(session)


async def queue_of(service, queue, carrier=None, **more):
    return await within(service, lambda session: questions.page(session, queue, **more), carrier)


async def test_a_question_reaches_who_can_answer_it(service, owner, keyring, ask):
    for number in (1, 2, 3, 0):
        await ask(f"Hỏi về số {number}", number, proved=number == 3)
    await ask("Sao vậy?", 77)  # a number that nobody declares
    carriers = await queue_of(service, Queue.CARRIER, "viettel")
    assert [each.msisdn_token for each in carriers] == [
        keyring.token("msisdn", national(number)) for number in (1, 3)
    ]
    assert [(each.proved, each.case_id is None) for each in carriers] == [(False, True), (True, False)]
    assert await queue_of(service, Queue.CARRIER, "itel") == []
    assert await queue_of(service, Queue.STAFF, "viettel") == []
    staffs = await queue_of(service, Queue.STAFF)
    assert [(each.about, each.carrier) for each in staffs] == [("viettel", None), (None, None), (None, None)]
    whole = owner.execute("SELECT json_agg(a)::text FROM (SELECT * FROM audit, question) AS a").fetchone()[0]
    assert "Hỏi" not in whole
    assert str(national(1)) not in whole


async def test_an_answer_goes_back_the_way_it_came(service, owner, keyring, ask):
    by_sms = await ask("Tôi cần làm gì?", 1)
    by_email = await ask("What now?\nPlease", 1, channel=Back.EMAIL, address="An@example.vn", language="en")
    one, two = await queue_of(service, Queue.CARRIER, "viettel")
    text = "Mang thẻ căn cước\u202e\u200b đến cửa hàng."
    await within(service, lambda session: questions.answer(session, service, one.id, text), "viettel")
    await within(
        service, lambda session: questions.answer(session, service, two.id, "Visit <b>us</b>.", close=True),
        "viettel",
    )  # fmt: skip
    sms, email = sorted(sent(owner, keyring), key=lambda each: each.channel, reverse=True)
    assert (sms.kind, sms.address) == ("answer", f"84{national(1)}")
    assert by_sms.number in sms.text
    assert "Mang thẻ căn cước đến cửa hàng." in sms.text
    assert email.address == "An@example.vn"
    assert by_email.number in email.text
    html = owner.execute("SELECT id, html FROM message WHERE channel = 'email'").fetchone()
    assert b"&lt;b&gt;" in keyring.open(html[1], f"message/html/{html[0]}")
    said = await within(service, lambda session: questions.written(session, keyring, one), "viettel")
    assert [(each.is_answer, each.text) for each in said] == [
        (False, "Tôi cần làm gì?"), (True, "Mang thẻ căn cước đến cửa hàng.")
    ]  # fmt: skip
    states = [each.state for each in await queue_of(service, Queue.CARRIER, "viettel", state=None)]
    assert states == ["answered", "closed"]
    for work in (questions.answer, None):
        with pytest.raises(ConflictError, match="closed"):
            await within(
                service,
                lambda session, work=work: (
                    work(session, service, two.id, "x") if work else questions.close_question(session, two.id)
                ),
                "viettel",
            )
    assert [act for act in holding.acts(owner) if act.startswith("question")] == [
        "question.opened", "question.opened", "question.answered", "question.answered", "question.closed",
        "question.read",
    ]  # fmt: skip


async def test_what_is_anothers_is_not_there(service, ask):
    await ask("Sao?", 1)
    [question] = await queue_of(service, Queue.CARRIER, "viettel")
    for carrier, wanted in (("itel", question.id), ("viettel", uuid.uuid4())):
        with pytest.raises(NotFoundError):
            await within(
                service,
                lambda session, wanted=wanted: questions.answer(session, service, wanted, "x"),
                carrier,
            )


async def test_what_cannot_be_used(service, owner, ask):
    for text in ("", " \u200b\n ", "x" * 2001):
        with pytest.raises(InvalidError, match="text"):
            await ask(text, 1)
    for channel, address in (
        (Back.EMAIL, "no address"),
        (Back.EMAIL, "a@b.vn\r\nBcc: c@d.vn"),
        (Back.SMS, "12"),
    ):
        with pytest.raises(InvalidError, match="address"):
            await ask("Sao?", 1, channel=channel, address=address)
    await ask("Sao?", 1)
    [question] = await queue_of(service, Queue.CARRIER, "viettel")
    for text in ("", "x" * 601):
        with pytest.raises(InvalidError, match="by sms"):
            await within(
                service, lambda session, text=text: questions.answer(session, service, question.id, text)
            )
    assert owner.execute("SELECT count(*) FROM question").fetchone() == (1,)


async def test_a_form_is_one_question_and_questions_are_few(service, owner, ask):
    form = uuid.uuid4()
    assert await ask("Sao?", 1, form=form) == await ask("Sao?", 1, form=form)
    for _ in range(service.settings.questions_a_day - 1):
        await ask("Sao?", 1)
    with pytest.raises(TooManyError):
        await ask("Sao?", 1)
    await ask("Sao?", 2, at=NOON)
    for number in range(20):
        await ask("Sao?", 100 + number, client="c")
    with pytest.raises(TooManyError):
        await ask("Sao?", 200, client="c")
    await ask("Sao?", 1, at=NOON + DAY)
    assert owner.execute("SELECT count(*) FROM question").fetchone() == (27,)


async def test_whoever_knows_its_number_sees_how_far_it_is(service, ask):
    asked = await ask("Sao?", 1)

    async def look(typed):
        return await within(service, lambda session: questions.look(session, typed))

    assert await look(asked.number.lower().replace("-", " ")) == asked
    assert asked.due_at == NOON + datetime.timedelta(hours=48)
    for other in ("", "H-1", numbers.shown(4711), asked.number[:-1] + "?"):
        assert await look(other) is None


async def test_staff_take_over_what_is_late(service, owner, keyring, ask):
    await ask("Sao?", 1)
    await ask("Sao?", 2)
    await ask("Sao?", 3, at=NOON + DAY)
    with clock.fixed(NOON + 2 * DAY):
        await take_late(service)
        await take_late(service)
    assert len(await queue_of(service, Queue.CARRIER, "viettel")) == 1
    late = await queue_of(service, Queue.STAFF)
    assert [(each.about, each.overdue) for each in late] == [("viettel", True)] * 2
    with pytest.raises(NotFoundError):
        await within(service, lambda session: questions.close_question(session, late[0].id), "viettel")
    seen = owner.execute("SELECT carrier FROM question_message ORDER BY id").fetchall()
    assert seen == [(None,), (None,), ("viettel",)]
    rows = owner.execute("SELECT detail FROM audit WHERE act = 'question.overdue'").fetchall()
    assert rows == [({"questions": 2},)]


async def test_staff_give_a_question_to_a_carrier_and_back(service, owner, keyring, ask):
    await ask("Sao?")
    [question] = await queue_of(service, Queue.STAFF)
    await within(service, lambda session: questions.give_to(session, question.id, "itel"))
    [theirs] = await queue_of(service, Queue.CARRIER, "itel")
    said = await within(service, lambda session: questions.written(session, keyring, theirs), "itel")
    assert [each.text for each in said] == ["Sao?"]
    await within(service, lambda session: questions.give_to(session, question.id, None))
    assert await queue_of(service, Queue.CARRIER, "itel") == []


async def test_what_was_answered_is_closed_in_time(service, owner, ask):
    await ask("Sao?", 1)
    await ask("Sao?", 3)
    one, _ = await queue_of(service, Queue.CARRIER, "viettel")
    await within(service, lambda session: questions.answer(session, service, one.id, "Xong."), "viettel")
    for days, states in ((13, ["answered", "open"]), (14, ["closed", "open"])):
        with clock.fixed(NOON + days * DAY):
            await settle(service)
        rows = sorted(await holding.all_of(service, Question), key=lambda each: each.number)
        assert [each.state for each in rows] == states
    for days, written in ((14 + 364, 3), (14 + 365, 1)):
        with clock.fixed(NOON + days * DAY):
            await settle(service)
        assert owner.execute("SELECT count(*) FROM question_message").fetchone() == (written,)
    rows = sorted(await holding.all_of(service, Question), key=lambda each: each.number)
    assert [each.address is None for each in rows] == [True, False]
