from __future__ import annotations

import datetime

import pytest

from simcheck import clock
from simcheck.helpdesk import questions
from simcheck.helpdesk.figures import Figures, figures
from simcheck.helpdesk.models import Question
from tests import holding
from tests.running import NOON

pytestmark = pytest.mark.anyio
HOUR = datetime.timedelta(hours=1)


async def test_figures_by_the_carrier_that_a_question_is_about(service, owner, ask):
    for number in (1, 1, 3, 2, 0):
        await ask("Sao?", number)
    await ask("Sao?", 4, at=NOON - 2 * HOUR)  # before the time that is looked at
    mine = [each for each in await holding.all_of(service, Question) if each.opened_at == NOON]
    mine.sort(key=lambda each: each.number)
    for question, hours in zip(mine[:3], (1, 3, 50), strict=True):
        with clock.fixed(NOON + 48 * HOUR if hours == 50 else NOON):
            async with service.database.transaction("job", ministry=True) as session:
                if hours == 50:
                    await questions.take_late(session)
        with clock.fixed(NOON + hours * HOUR):
            async with service.database.transaction("staff:b", ministry=True) as session:
                await questions.answer(session, service, question.id, "Xong.", close=hours == 1)
    async with service.database.transaction("staff:b", ministry=True) as session:
        found = await figures(session, NOON - HOUR, NOON + HOUR)
    assert found == {
        "viettel": Figures(4, 3, 2, 1, 1, 2, 3 * HOUR), None: Figures(1, 0, 0, 0, 1, 1, None)
    }  # fmt: skip
