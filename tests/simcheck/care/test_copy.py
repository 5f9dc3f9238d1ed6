"""What stands in a copy, and what does not."""

from __future__ import annotations

import json

import pytest

from simcheck.care import copy
from simcheck.care.words import WORDS
from simcheck.messages.words import Language
from simcheck.records import DECLARED_COLUMNS
from tests.caring import ask, binh, given
from tests.holding import BINH, held

pytestmark = pytest.mark.anyio


async def test_a_person_gets_what_is_theirs_and_no_more(country, owner):
    person = await binh(country)
    made = await ask(country, person, "copy")
    assert (made.state, made.outcome, made.late) == ("answered", "done", False)
    whole = json.loads(await given(country, person, made, "copy.json"))
    first, second, third = whole["subscriptions"]
    assert (whole["about"], {each["carrier"] for each in whole["subscriptions"]}) == ("person", {"viettel"})
    by_ending = {each["msisdn"][-3:]: each for each in (first, second, third)}
    own, wrong = by_ending["003"], by_ending["001"]
    assert (own["full_name"], own["id_number"], own["email"], own["masked"]) == (
        BINH.full_name, BINH.id_number, "binh@example.vn", False
    )  # fmt: skip
    # Under their ID stands another person's name: that one is hidden.
    assert (wrong["full_name"], wrong["masked"], wrong["wrong"]) == ("N. H. S.", True, ["name"])
    assert "date_of_birth" not in wrong
    assert [each["state"] for each in whole["cases"]] == ["with_holder", "with_holder"]
    assert "Hữu" not in json.dumps(whole, ensure_ascii=False)


async def test_whoever_has_the_number_in_hand_gets_it_masked(country, owner):
    holder = await held(country, owner, 1)
    made = await ask(country, holder, "copy", language="vi")
    whole = json.loads(await given(country, holder, made, "copy.json"))
    [only] = whole["subscriptions"]
    assert (only["msisdn"], only["full_name"], only["masked"]) == ("*******001", "N. H. S.", True)
    assert BINH.id_number not in json.dumps(whole)
    page = await given(country, holder, made, "copy.html")
    assert "<title>Bản sao dữ liệu của bạn</title>" in page
    assert "mở hồ sơ" in page
    assert "không khớp" in page
    assert "Nghị định" in page


async def test_what_is_kept_is_sealed(country, owner):
    person = await binh(country)
    await ask(country, person, "copy")
    rows = owner.execute("SELECT content FROM request_file").fetchall()
    assert rows
    assert not any(BINH.full_name.encode() in content for (content,) in rows)


def test_every_column_has_words():
    for language, say in WORDS.items():
        assert [name for name in DECLARED_COLUMNS if not say.has(f"column.{name}")] == []
        assert copy.told(say, "verdict", "mismatch") != "mismatch"
        assert copy.told(say, "act", "otp.asked") != "otp.asked"
        assert copy.told(say, "whose", "viettel") == "viettel"
        assert copy.told(say, "masked", True) == ("có" if language is Language.VI else "yes")
        assert copy.told(say, "wrong", []) == "–"
