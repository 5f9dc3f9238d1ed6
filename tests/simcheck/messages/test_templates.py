from __future__ import annotations

from enum import StrEnum

import pytest

from carriers import registry
from simcheck.messages import templates
from simcheck.messages.words import Group, Kind, Language


def test_all_texts_have_one_version():
    assert templates.version() == templates.load(Language.VI).version == templates.load(Language.EN).version


def test_a_template_is_named_with_its_version():
    version = templates.version()
    assert templates.name_of(Kind.FIRST, Group.NAME, Language.VI) == f"{version}/vi/first/name"
    assert templates.name_of(Kind.THANKS, Group.NAME, Language.EN) == f"{version}/en/thanks"


def test_hotlines_are_carriers_that_there_are():
    assert set(templates.hotlines()) <= set(registry.codes())
    assert all(number.isdigit() and 3 <= len(number) <= 11 for number in templates.hotlines().values())


def test_a_text_that_lacks_a_group_is_refused(monkeypatch):
    class Fewer(StrEnum):
        NAME = "name"

    monkeypatch.setattr(templates, "Group", Fewer)
    with pytest.raises(ValueError, match="wrong and what it is about differ"):
        templates.load.__wrapped__(Language.VI)
