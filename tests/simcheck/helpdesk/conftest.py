"""Questions of holders about numbers of a carrier."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from simcheck import clock
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from tests.holding import national
from tests.running import NOON


@pytest.fixture
def subscribed(owner, keyring) -> None:
    """Numbers 1 to 4 are viettel's; 2 has a case that staff have, 3 one that its holder has."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now()), ('itel', now())")
    for number in (1, 2, 3, 4):
        token = keyring.token("msisdn", national(number))
        owner.execute(
            "INSERT INTO subscription (msisdn_token, carrier, verdict, reasons, bucket, facts, cells, row, "
            "batch_id, run_id, changed_at) VALUES (%s, 'viettel', 2, 0, 0, '', 0, %s, gen_random_uuid(), "
            "gen_random_uuid(), now())", [token, number],
        )  # fmt: skip
    for number, state, acts in ((2, "with_staff", "staff"), (3, "with_holder", "holder")):
        owner.execute(
            'INSERT INTO "case" (id, code, carrier, msisdn_token, state, acts, verdict, reasons, opened_at, '
            "changed_at, severity, target_at, clock_left) "
            "SELECT gen_random_uuid(), %s, 'viettel', %s, %s, acts, 2, 0, now(), now(), 1, "
            "CASE acts WHEN 'staff' THEN now() END, CASE WHEN acts <> 'staff' THEN interval '1 hour' END "
            "FROM (SELECT CAST(%s AS text) AS acts) AS turn",
            [str(number), keyring.token("msisdn", national(number)), state, acts],
        )


@pytest.fixture
def ask(service, subscribed) -> Any:
    """`await ask("text", 1, ...)`: open a question about a number at noon."""

    async def ask(text: str, number: int = 0, at: Any = NOON, **more: Any) -> questions.Seen:
        address = more.pop("address", f"+84{national(number or 9)}")
        asked = Asking(
            text, more.pop("channel", Back.SMS), address, more.pop("language", "vi"),
            more.pop("form", None) or uuid.uuid4(), national(number) if number else 0, **more,
        )  # fmt: skip
        with clock.fixed(at):
            async with service.database.transaction("public", ministry=True) as session:
                return await questions.open_question(session, service, asked)

    return ask
