from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from simcheck import clock
from simcheck.cases.models import Acts, Case
from simcheck.cases.states import State
from simcheck.cases.targets import Severity
from simcheck.errors import InvalidError
from simcheck.reasons import Reason, Verdict
from simcheck.review.filters import Answered, Assigned, Days, Filter, Open, read, write
from tests.reviewing import one_case

NOW = datetime(2026, 11, 27, 5, tzinfo=UTC)
anyio = pytest.mark.anyio


def maybe(what):
    return st.none() | what


DAY = maybe(st.dates(date(2020, 1, 1), date(2030, 1, 1)) | st.integers(0, 3650).map(Days))
YES = maybe(st.booleans())
FILTERS = st.builds(
    Filter, carrier=maybe(st.sampled_from(["viettel", "itel"])),
    province=maybe(st.sampled_from(["001", "unknown"])),
    reasons=st.frozensets(st.sampled_from(Reason)), verdict=maybe(st.sampled_from(Verdict)),
    severity=maybe(st.sampled_from(Severity)), opened_after=DAY, opened_before=DAY, target_before=DAY,
    due_before=DAY, state=maybe(st.sampled_from(State)), acts=maybe(st.sampled_from(Acts)),
    assigned=maybe(st.sampled_from(Assigned)), answer=maybe(st.sampled_from(Answered)), escalated=YES,
    snoozed=YES, contradicted=YES, held=YES, open=st.sampled_from(Open),
)  # fmt: skip


@given(FILTERS)
def test_a_filter_has_one_spelling_and_is_read_again(filter_):
    spelt = write(filter_)
    assert read(spelt) == filter_
    assert read("?" + "&".join(reversed(spelt.split("&")))) == filter_ if spelt else write(Filter()) == ""


def test_what_is_not_known_is_refused_with_what_is():
    for query, said in (
        ("colour=red", "There is no filter of that name. Filters are: carrier"),
        ("state=lost", "state: one of with_carrier"), ("opened_before=yesterday", "a day such as"),
        ("opened_before=2026-02-30", "a day such as"), ("reason=NAME", "codes such as"),
        ("held=true", "yes or no"), ("province=999", "three digits"),
        ("verdict=mismatch&verdict=variant", "twice"), ("severity=1", "of light"),
        ("carrier=" + "x" * 65, "at most 64"), ("carrier=" + "x" * 2000, "too long"),
        ("carrier=a%00b", "64"),
    ):  # fmt: skip
        with pytest.raises(InvalidError, match=said):
            read(query)


def test_reasons_may_come_in_any_order_and_twice():
    query = "reason=NAME_DIFFERENT&reason=ID_REVOKED,NAME_DIFFERENT&carrier="
    assert write(read(query)) == "reason=ID_REVOKED,NAME_DIFFERENT"


def test_every_field_is_read_written_and_meant():
    """A field that was forgotten somewhere would let a figure and its list differ."""
    from simcheck.review import filters

    names = {each.name for each in fields(Filter)}
    assert names == set(filters._PREDICATES)
    assert names - {"reasons"} | {"reason"} == set(filters._READERS)


CASES = {
    "plain": {},
    "carriers": {"carrier": "itel", "acts": "carrier", "state": "with_carrier", "verdict": 1, "severity": 0,
                 "reasons": Reason.NAME_DIACRITICS.mask},
    "mine": {"assignee": "lan", "province": "001", "escalated": True, "held": True, "contradicted": True},
    "others": {"assignee": "binh", "answer": "confirmed", "snoozed_until": "2026-11-28T00:00Z"},
    "awake": {"snoozed_until": "2026-11-26T00:00Z", "opened_at": "2026-11-26T17:00Z", "answer": "asked"},
    "late": {"target_at": "2026-11-27T04:00Z", "opened_at": "2026-11-20T04:00Z"},
    "referred": {"acts": "register_owner", "state": "referred", "due_at": "2026-11-28T05:00Z"},
    "closed": {"clock_left": "1 day", "target_at": None, "state": "closed", "closed_at": "2026-11-05T00:00Z",
               "close_reason": "agrees"},
}  # fmt: skip
EVERY = set(CASES) - {"closed"}
STAFFS = {"plain", "mine", "others", "awake", "late"}


MEANT = [
    ("", EVERY), ("open=no", {"closed"}), ("open=any", set(CASES)), ("carrier=itel", {"carriers"}),
    ("province=001", {"mine"}), ("province=unknown", EVERY - {"mine"}),
    ("acts=staff", STAFFS), ("acts=staff&open=any", STAFFS | {"closed"}), ("state=referred",
    {"referred"}), ("verdict=variant", {"carriers"}), ("severity=light", {"carriers"}),
    ("reason=NAME_DIACRITICS,ID_REVOKED", {"carriers"}), ("assigned=me", {"mine"}),
    ("assigned=somebody", {"mine", "others"}), ("assigned=nobody", EVERY - {"mine", "others"}),
    ("answer=confirmed", {"others"}), ("answer=none", EVERY - {"others", "awake"}),
    ("escalated=yes", {"mine"}), ("escalated=no", EVERY - {"mine"}), ("snoozed=yes", {"others"}),
    ("snoozed=no", EVERY - {"others"}), ("contradicted=yes", {"mine"}), ("held=yes", {"mine"}),
    ("opened_after=2026-11-27", {"awake"}), ("opened_after=10d", {"awake", "late"}),
    ("opened_before=2026-11-20", EVERY - {"awake", "late"}), ("opened_before=7d", EVERY - {"awake"}),
    ("target_before=0d", {"late"}), ("target_before=10d", STAFFS), ("due_before=2d", {"referred"}),
    ("due_before=2026-11-28", set()),
]  # fmt: skip


@anyio
async def test_the_predicate_means_what_it_says(service, owner):
    ids = {one_case(owner, **columns): name for name, columns in CASES.items()}
    with clock.fixed(NOW):
        async with service.database.transaction("person:lan", ministry=True) as session:
            for query, meant in MEANT:
                where = read(query).predicate("lan", clock.now())
                found = {ids[each] for each in await session.scalars(sa.select(Case.id).where(where))}
                changed = await session.execute(sa.update(Case).where(where).values(version=9))
                assert found == meant, query
                assert changed.rowcount == len(meant)


def test_days_are_counted_from_now():
    where = Filter(opened_before=Days(2), target_before=Days(2)).predicate("lan", NOW)
    values = {each for each in where.compile().params.values() if isinstance(each, datetime)}
    assert values == {NOW - timedelta(days=2), NOW + timedelta(days=2)}
    assert issubclass(Answered, StrEnum)
    assert replace(Filter(), open=Open.ANY) != Filter()


def test_whose_turn_it_is_is_said_once_and_by_the_clock_where_it_runs_or_stands():
    def said(query: str) -> str:
        return str(read(query).predicate("lan", datetime(2026, 11, 27, tzinfo=UTC)))

    staffs, carriers, holders = said("acts=staff"), said("acts=carrier"), said("state=with_holder")
    assert "target_at IS NOT NULL" in staffs
    assert "acts =" not in staffs
    for each in (carriers, holders):
        assert "= 'infinity'" in each
    assert "infinity" not in said("acts=staff&state=with_staff")
    assert "infinity" not in said("acts=carrier&open=no")
