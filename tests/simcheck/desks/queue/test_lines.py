from __future__ import annotations

import datetime
import uuid

from simcheck.cases.models import Case
from simcheck.desks.frame.pages import WORDS
from simcheck.desks.queue.lines import lines
from simcheck.desks.queue.told import Told
from simcheck.messages.words import Language
from simcheck.review.filters import Filter
from tests.running import NOON

HOUR = datetime.timedelta(hours=1)


def test_what_stands_in_a_line():
    case = Case(
        id=uuid.UUID(int=7), code="ABCDEFGHJK", carrier="itel", province=None, verdict=2, reasons=0,
        state="with_staff", opened_at=NOON - 30 * HOUR, target_at=NOON - HOUR,
        claimed_by="lan", claimed_until=NOON + HOUR, assignee="binh", held=True,

    )  # fmt: skip
    [line] = lines(Told(WORDS[Language.EN], NOON), [case], Filter())
    assert line.address == f"/desk/cases/{case.id}?queue=open%3Dyes"
    assert (line.carrier, line.hurry, line.marked, line.more) == ("itel", "bad", True, 0)
    assert "lan" in line.who
    case.claimed_until = NOON - HOUR
    [line] = lines(Told(WORDS[Language.EN], NOON), [case], Filter())
    assert line.who == "binh"
