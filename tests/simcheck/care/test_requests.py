"""A request from its beginning to its answer, and who sees it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.care import requests
from simcheck.care.models import RequestKind, RequestMeans, RequestOutcome
from simcheck.care.requests import Asking
from simcheck.errors import ConflictError, GoneError, InvalidError, NotFoundError, TooManyError
from simcheck.messages.words import Language
from tests.caring import ask, binh, given
from tests.holding import held, sent
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def test_the_way_of_a_request_that_staff_answer(country, owner):
    service, holder = country, await held(country, owner, 1)
    made = await ask(service, holder, "correct", "The name is wrong.")
    assert (made.state, made.acknowledge_by.isoformat()) == ("received", "2026-11-25T17:00:00+00:00")
    again = await ask(service, holder, "correct", "Once more.")
    assert again.id == made.id  # one of a kind is open at a time
    number = requests.shown(made.number)
    async with service.database.transaction("person:s", ministry=True) as session:
        await requests.acknowledge(session, service, number)
        with pytest.raises(ConflictError):
            await requests.acknowledge(session, service, number)
        await requests.extend(session, service, number, "the carrier has to look")
        with pytest.raises(ConflictError):
            await requests.extend(session, service, number, "again")
        request = await requests.by_number(session, number)
        assert request.answer_by - made.answer_by == timedelta(days=15)
        with pytest.raises(InvalidError):
            await requests.answer(session, service, request, RequestOutcome.DONE, "")
        await requests.answer(session, service, request, RequestOutcome.DONE, "It is put right.")
        with pytest.raises(ConflictError):
            await requests.answer(session, service, request, RequestOutcome.DONE, "Twice.")
        assert requests.written(service.keyring, request) == ("The name is wrong.", "It is put right.")
    told = [each.text for each in sent(owner, service.keyring) if each.kind == "reply"]
    assert len(told) == 3
    assert all(number in text for text in told)
    acts = owner.execute("SELECT act FROM audit WHERE stream = 'request' ORDER BY seq").fetchall()
    assert [act for (act,) in acts] == [
        "request.begun", "request.acknowledged", "request.extended", "request.answered"
    ]  # fmt: skip


async def test_nobody_sees_another_ones_request(country, owner):
    one, other, person = await held(country, owner, 1), await held(country, owner, 2), await binh(country)
    made = await ask(country, one, "copy")
    number = requests.shown(made.number)
    for holder in (other, person):
        async with holder.transaction(country) as session:
            assert await requests.of_holder(session, holder) == []
            for asked in (number, "Y-999999-X", "x", ""):
                with pytest.raises(NotFoundError):
                    await requests.one_of_holder(session, holder, asked)
    async with one.transaction(country) as session:
        assert [each.id for each in await requests.of_holder(session, one)] == [made.id]
    with clock.fixed(NOON + requests.SHOWN):  # the number may have another holder then
        async with one.transaction(country) as session:
            assert await requests.of_holder(session, one) == []


async def test_what_cannot_be_asked(country):
    person = await binh(country)
    with pytest.raises(InvalidError):
        await ask(country, person, "correct")
    with pytest.raises(InvalidError):
        await ask(country, person, "erase", "x" * (requests.MOST_WORDS + 1))
    for _ in range(requests.A_DAY):
        await ask(country, person, "looked")
    with pytest.raises(TooManyError):
        await ask(country, person, "copy")


async def test_the_same_form_is_the_same_request(country):
    person, form = await binh(country), uuid.uuid4()
    asking = Asking(RequestKind.ERASE, RequestMeans.PAGE, Language.VI, form).by(person)
    found = set()
    for _ in range(2):
        async with person.transaction(country) as session:
            found.add((await requests.ask(session, country, asking)).id)
    assert len(found) == 1


async def test_a_file_that_is_kept_no_more(country, owner):
    person = await binh(country)
    made = await ask(country, person, "copy")
    async with person.transaction(country) as session:
        request = await requests.one_of_holder(session, person, requests.shown(made.number))
        assert await requests.files_of(session, request) == ["copy.html", "copy.json"]
    with pytest.raises(NotFoundError):
        async with person.transaction(country) as session:
            waiting = await ask(country, person, "erase")
            await requests.file(session, country.keyring, waiting, "copy.json")
    owner.execute("DELETE FROM request_file")
    with pytest.raises(GoneError):
        await given(country, person, made, "copy.json")
