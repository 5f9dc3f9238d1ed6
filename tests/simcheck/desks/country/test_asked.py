from __future__ import annotations

import pytest

from simcheck.desks.country.asked import Asked, read
from simcheck.desks.country.reader import SmallGroupError
from simcheck.errors import InvalidError


def test_what_an_address_asks_for():
    assert read({}, [], parts=False) == Asked(written={"days": "60"})
    asked = read({"carrier": "itel", "province": "?", "days": "180"}, ["itel"], parts=True)
    assert (asked.carrier, asked.province, asked.days, asked.is_part) == ("itel", "", 180, True)
    assert asked.written == {"carrier": "itel", "province": "?", "days": "180"}
    assert not read({"carrier": "", "province": "", "days": ""}, [], parts=True).is_part


@pytest.mark.parametrize("query", [{"carrier": "x"}, {"province": "x"}, {"days": "61"}, {"days": "6e1"}])
def test_what_there_is_none_of(query):
    with pytest.raises(InvalidError):
        read(query, ["itel"], parts=True)


@pytest.mark.parametrize("query", [{"carrier": "itel"}, {"province": "?"}])
def test_parts_are_not_for_everybody(query):
    with pytest.raises(SmallGroupError):
        read(query, ["itel"], parts=False)
