from __future__ import annotations

import asyncio
import io
import sys
import uuid

import pytest

from simcheck.db.engine import Database
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from simcheck.lake.files import Store
from simcheck.service import Service
from tests.holding import national, sent


@pytest.fixture
def number(settings, keyring, owner) -> str:
    """The number of a question that staff are to answer."""
    owner.execute("INSERT INTO carrier VALUES ('itel', now())")

    async def ask() -> str:
        database = Database(settings.database_url.get_secret_value(), 2)
        service = Service(settings, keyring, database, Store(settings.lake_location))
        async with database.transaction("public", ministry=True) as session:
            asking = Asking("Sao vậy?", Back.SMS, f"+84{national(1)}", "vi", uuid.uuid4())
            seen = await questions.open_question(session, service, asking)
        await database.close()
        return seen.number

    return asyncio.run(ask())


def test_staff_read_answer_and_close(command, number, owner, keyring, monkeypatch):
    [line] = command("questions", "list")[1].splitlines()
    assert line.startswith(f"{number}  -  due ")
    said = command("questions", "read", number.lower())[1].splitlines()
    assert said[0] == f"{number}  open, by sms; has not proved to hold the number"
    assert said[1].endswith("holder: Sao vậy?")
    monkeypatch.setattr(sys, "stdin", io.StringIO("Mang thẻ căn cước.\n"))
    assert command("questions", "answer", number)[0] == 0
    [message] = sent(owner, keyring)
    assert message.text.endswith(f"{number}: Mang thẻ căn cước.")
    assert command("questions", "close", number)[0] == 0
    assert command("questions", "list")[1] == ""
    assert command("questions", "list", "--state", "closed")[1].startswith(number)
    assert "received 1, answered 1, in time 1, closed 1, open 0, late 0" in command("questions", "figures")[1]


def test_staff_give_a_question_to_a_carrier(command, number):
    assert command("questions", "give", number, "--to", "itel") == (0, "itel is to answer it\n", "")
    assert command("questions", "list")[1] == ""
    assert command("questions", "list", "--carrier", "itel")[1].startswith(number)
    assert command("questions", "give", number)[0] == 0
    assert command("questions", "list")[1].startswith(number)


def test_what_is_refused_is_one_clear_line(command, number):
    for words, named in (
        (("read", "H-1"), "H-1"),
        (("read", "H-000000-2"), "no such question"),
        (("give", number, "--to", "nobody"), "nobody"),
    ):
        code, out, err = command("questions", *words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert named in err
