from __future__ import annotations

from simcheck.desks.bulk import telling
from simcheck.desks.frame.pages import WORDS
from simcheck.messages.words import Language
from simcheck.review import bulk, filters


def test_every_filter_can_be_told():
    query = (
        "carrier=viettel&province=001&reason=NAME_DIFFERENT,DOB_TYPO&verdict=mismatch&severity=grave&"
        "opened_after=2026-11-01&opened_before=7d&target_before=1d&due_before=3d&state=with_staff&acts=staff&"
        "assigned=me&answer=none&escalated=yes&snoozed=no&contradicted=no&held=no"
    )
    filters.read(query)
    told = telling.conditions(query, WORDS[Language.EN])
    assert len(told) == 17
    assert ("Reason", "It is another name, One digit of the birth date is wrong") in told
    assert ("Opened before", "7 days") in told
    assert telling.conditions("", WORDS[Language.VI]) == []


def test_a_choice_is_a_decision_and_one_of_its_reasons():
    offered = telling.groups(bulk.decisions(), Language.VI)
    values = [value for _, options in offered for value, _ in options]
    assert len(set(values)) == len(values)
    for value in values:
        assert telling.choice(*telling.chosen(value), Language.EN).decision
    assert telling.chosen("") == ("", "")
    assert telling.person("person:lan") == "lan"
    assert telling.person(None) is None
