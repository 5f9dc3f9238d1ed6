from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from simcheck.cases.models import Acts
from simcheck.desks.frame.pages import WORDS
from simcheck.desks.queue import choices
from simcheck.desks.queue.choices import STAFFS, Wanted
from simcheck.desks.queue.told import Told
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from simcheck.reasons import Reason
from simcheck.review.filters import Days, Filter, read
from simcheck.review.queue import Sort

TOLD = {language: Told.now(WORDS[language]) for language in Language}
ALL = (
    "carrier=viettel&province=079&verdict=mismatch&severity=grave&opened_after=2026-01-02&opened_before=7d"
    "&target_before=0d&due_before=3d&state=with_staff&acts=staff&assigned=me&answer=disowned&escalated=yes"
    "&snoozed=no&contradicted=yes&held=no&open=any&reason=NAME_DIFFERENT,DOB_TYPO"
)


def pairs(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query, keep_blank_values=True)


@pytest.mark.parametrize("query", ["", "acts=staff", "acts=holder&reason=NAME_TYPO", ALL])
def test_an_address_says_the_same_list_again(query):
    filter_ = read(query)
    for sort in Sort:
        assert choices.read(pairs(choices.address(filter_, sort, "x"))) == Wanted(filter_, sort, "x")
    assert choices.carried(choices.spelled(filter_)) == filter_


def test_nothing_said_is_staffs_work_and_an_empty_form_everything():
    assert choices.read([]) == Wanted(STAFFS)
    assert choices.read([("lang", "en")]) == Wanted(STAFFS)
    assert choices.read([("carrier", ""), ("acts", "")]).filter == Filter()
    assert choices.carried("") == STAFFS


@pytest.mark.parametrize("query", [[("x", "1")], [("sort", "x")], [("acts", "x" * 5000)]])
def test_what_is_no_list_is_refused(query):
    with pytest.raises(InvalidError):
        choices.read(query)


@pytest.mark.parametrize("language", Language)
def test_every_condition_has_a_chip_that_takes_it_away(language):
    wanted = Wanted(read(ALL), Sort.OLDEST)
    chips = choices.chips(TOLD[language], wanted)
    assert len(chips) == 19  # 17 fields, of which one has two reasons, and open
    for chip in chips:
        less = choices.read(pairs(chip.without))
        assert less.sort is Sort.OLDEST
        assert len(choices.chips(TOLD[language], less)) == 18
    assert choices.chips(TOLD[language], Wanted(Filter())) == []


@pytest.mark.parametrize("language", Language)
def test_the_form_shows_what_is_chosen_also_what_it_does_not_offer(language):
    wanted = Wanted(Filter(opened_before=Days(12), due_before=Days(3), reasons=frozenset({Reason.DOB_TYPO})))
    form = choices.choices(TOLD[language], wanted, ["itel", "viettel"])
    chosen = {each.name: each.value for each in form.selects if each.value}
    assert chosen == {"opened_before": "12d", "open": "yes"}
    assert all(each.value in dict(each.options) for each in form.selects)
    assert [code for code, _, ticked in form.reasons if ticked] == ["DOB_TYPO"]
    assert form.kept == {"due_before": "3d"}


def test_the_lists_that_everybody_has():
    tabs, current = choices.tabs(TOLD[Language.VI], Wanted(Filter(acts=Acts.STAFF)))
    assert current == tabs[0][0]
    assert len({href for href, _, _ in tabs}) == len(choices.TABS)


def test_every_condition_of_a_filter_is_told_with_the_filter_that_does_not_ask_it():
    wanted = read(ALL)
    told = choices.conditions(TOLD[Language.EN], wanted)
    assert len(told) == 19  # 17 fields, of which one has two reasons, and open
    assert all(each.label and each.value for each in told)
    for each in told:
        assert len(choices.conditions(TOLD[Language.EN], each.without)) == 18
    assert choices.conditions(TOLD[Language.VI], Filter()) == []
