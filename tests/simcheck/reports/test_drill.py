from __future__ import annotations

import datetime
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.errors import InvalidError
from simcheck.messages.words import Channel
from simcheck.normalise.provinces import names
from simcheck.reasons import Reason, Verdict
from simcheck.reports import drill
from simcheck.reports.drill import Drill, read
from simcheck.reports.kinds import KINDS, LIVES, Of

pytestmark = pytest.mark.anyio

DAY = datetime.date(2026, 11, 1)
written = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
subscriptions = st.builds(
    Drill, st.just(Of.SUBSCRIPTION), carrier=st.none() | written,
    province=st.none() | st.sampled_from(["", *names()]), verdict=st.none() | st.sampled_from(Verdict),
    reason=st.none() | st.sampled_from(Reason), person=st.none() | st.uuids(), contested=st.booleans(),
    sold_at=st.none() | written, amiss=st.booleans(),
)  # fmt: skip


cases = st.builds(
    Drill, st.just(Of.CASE), st.sampled_from(list(LIVES)), carrier=st.none() | written,
    province=st.none() | st.sampled_from(["", *names()]),
    outcome=st.none() | st.sampled_from(["with_staff", "agrees"]),
)  # fmt: skip
messages = st.builds(
    Drill, st.just(Of.MESSAGE), st.just("notice_made"), since=st.just(DAY), until=st.just(DAY),
    outcome=st.none() | st.sampled_from(["due", "sent"]), channel=st.none() | st.sampled_from(Channel),
    notice=st.none() | st.sampled_from(["first", "reminder"]),
)  # fmt: skip


@given(subscriptions | cases | messages)
def test_an_address_says_which_list(made):
    assert read(made.query()) == made


@pytest.mark.parametrize(
    "query",
    [
        {}, {"of": "person"}, {"of": "subscription", "verdict": "good"},
        {"of": "subscription", "reason": "X"},
        {"of": "subscription", "province": "Hà Nội"}, {"of": "subscription", "kind": "case_opened"},
        {"of": "case"}, {"of": "case", "kind": "x"}, {"of": "case", "kind": "case_opened"},
        {"of": "case", "kind": "open_week"}, {"of": "message", "kind": "case_opened", "since": "2026-01-01"},
        {"of": "case", "kind": "open_week", "since": "2026-13-01"},
        {"of": "case", "kind": "open_week", "since": "0001-01-01"},
        {"of": "case", "kind": "case_opened", "since": "2026-01-01", "until": "9999-12-31"},
        {"of": "subscription", "carrier": "\0"}, {"of": "subscription", "sold_at": "\0"},
        {"of": "subscription", "sold_at": "\ud800"},
        {"of": "subscription", "sold_at": "x", "carrier": "y", "repeated": str(10**30)},
        {"of": "subscription", "person": "1; DROP"},
        {"of": "subscription", "repeated": "4"},
        {"of": "case", "kind": "open_week", "since": "2026-01-01", "sold_at": "x"},
        {"of": "message", "kind": "notice_made", "since": "2026-01-01", "until": "2026-01-02",
         "verdict": "mismatch"},
        {"of": "case", "kind": "case_any", "since": "2026-01-01"}, {"of": "message", "kind": "case_any"},
        {"of": "case", "kind": "case_any", "outcome": "closed"},
        {"of": "case", "kind": "case_any", "outcome": "x'"}, {"of": "case", "kind": "case_any", "amiss": "1"},
        {"of": "case", "kind": "case_any", "channel": "sms"}, {"of": "subscription", "outcome": "agrees"},
        {"of": "message", "kind": "notice_made", "since": "2026-01-01", "until": "2026-01-02",
         "notice": "code"},
        {"of": "message", "kind": "notice_made", "since": "2026-01-01", "until": "2026-01-02",
         "channel": "fax"},
    ],
)  # fmt: skip
def test_what_is_no_list(query):
    with pytest.raises(InvalidError):
        read(query)


async def test_what_somebody_writes_is_a_value(country, session):
    """Words of an address never become part of a statement."""
    evil = "x' OR '1'='1"
    for made in (Drill(Of.SUBSCRIPTION, carrier=evil), Drill(Of.SUBSCRIPTION, sold_at=evil)):
        assert await drill.count(session, made) == 0
    day = datetime.date(2026, 11, 1)
    for kind in KINDS.values():
        made = Drill(kind.of, kind.name, evil, since=day, until=day)
        assert await drill.page(session, made) == []


async def test_a_list_in_pages_and_as_a_stream(country, session):
    made = Drill(Of.SUBSCRIPTION, carrier="viettel")
    rows = [row async for rows in drill.stream(session, made) for row in rows]
    assert len(rows) == await drill.count(session, made) > 100
    first = await drill.page(session, made, most=10)
    assert first == rows[:10]
    assert await drill.page(session, made, drill.key(made, first[-1]), most=10) == rows[10:20]
    assert await drill.count(session, Drill(Of.SUBSCRIPTION, person=uuid.uuid4())) == 0


async def test_no_more_rows_are_counted_than_asked_for(country, session):
    everything = Drill(Of.SUBSCRIPTION)
    whole = await drill.count(session, everything)
    assert await drill.count(session, everything, 7) == 7
    assert await drill.count(session, everything, whole + 1) == whole
