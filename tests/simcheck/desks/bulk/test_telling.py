from __future__ import annotations

from simcheck.desks.bulk import telling
from simcheck.messages.words import Language
from simcheck.review import bulk


def test_a_choice_is_a_decision_and_one_of_its_reasons():
    offered = telling.groups(bulk.decisions(), Language.VI)
    values = [value for _, options in offered for value, _ in options]
    assert len(set(values)) == len(values)
    for value in values:
        assert telling.choice(*telling.chosen(value), Language.EN).decision
    assert telling.chosen("") == ("", "")
