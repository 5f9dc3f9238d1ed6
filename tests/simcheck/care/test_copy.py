"""What stands in a copy, and what does not."""

from __future__ import annotations

import json

import pytest

from simcheck.care import copy
from simcheck.care.words import WORDS
from simcheck.enforcement.orders.models import LineState, OrderAct
from simcheck.gate.models import SimEventKind
from simcheck.messages.words import Language
from simcheck.records import DECLARED_COLUMNS
from tests.caring import ORDER, ask, binh, given, token
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


async def test_what_was_ordered_of_the_carrier_stands_in_it(country, owner):
    owner.execute(
        "INSERT INTO order_batch (id, carrier, act, state, lines, proposed_by, proposed_at, approved_by,"
        " sent_at, digest, size) VALUES (%s, 'viettel', 'one_way', 'sent', 1, 'a', now(), 'b', now(),"
        " '', 1)", [ORDER],
    )  # fmt: skip
    owner.execute(
        "INSERT INTO order_line (order_id, line, carrier, msisdn_token, act, reason, evidence, made_at,"
        " state) VALUES (%s, 1, 'viettel', %s, 'one_way', 'x', '{}', now(), 'sent')",
        [ORDER, token(country.keyring, 1)],
    )
    holder = await held(country, owner, 1)
    made = await ask(country, holder, "copy", language="vi")
    [only] = json.loads(await given(country, holder, made, "copy.json"))["orders"]
    assert (only["carrier"], only["ordered"], only["became"]) == ("viettel", "one_way", "sent")
    assert "khóa một chiều" in await given(country, holder, made, "copy.html")


def test_every_word_of_orders_and_events_is_said():
    for say in WORDS.values():
        for group, words in (
            ("ordered", OrderAct), ("change", SimEventKind),
            ("became", set(LineState) - {LineState.PROPOSED, LineState.DROPPED}),
        ):  # fmt: skip
            assert [each for each in words if not say.has(f"value.{group}.{each}")] == []


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
