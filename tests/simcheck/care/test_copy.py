"""What stands in a copy, and what does not."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.care import copy
from simcheck.care.words import WORDS
from simcheck.enforcement.orders.models import LineState, OrderAct
from simcheck.enforcement.stops import bars
from simcheck.enforcement.stops.models import AppealMeans, AppealState, BarKind
from simcheck.gate.models import SimEventKind
from simcheck.messages.words import Language
from simcheck.records import DECLARED_COLUMNS
from tests.caring import ORDER, ask, binh, given, token
from tests.holding import BINH, HOUR, held
from tests.running import NOON

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


@pytest.mark.parametrize("who", ["person", "number"])
async def test_appeals_and_protected_lines_stand_in_it_and_no_legal_hold(country, owner, keyring, who):
    holder = await (binh(country) if who == "person" else held(country, owner, 1))
    with clock.fixed(NOON + HOUR):
        at, made = clock.now(), uuid.uuid4()
        sealed = keyring.seal("Máy của tôi.".encode(), f"appeal/words/{made}")
        owner.execute(
            "INSERT INTO appeal (id, carrier, msisdn_token, state, means, language, step, words, made_by,"
            " made_at, answer_by, settled_by, settled_at, reason) VALUES (%s, 'viettel', %s, 'rejected',"
            " 'page', 'vi', 1, %s, 'holder:x', %s, %s, 'person:x', %s, 'still_wrong')",
            [made, token(keyring, 1), sealed, at, at, at],
        )
        for kind, of in ((BarKind.VITAL, "0900000001"), (BarKind.LEGAL_HOLD, "0900000001"),
                         (BarKind.LEGAL_HOLD, BINH.id_number)):  # fmt: skip
            async with country.database.transaction("person:lan", ministry=True) as session:
                await bars.ask(session, keyring, bars.Asked(kind, of, "basis 7/2026"))
        made = await ask(country, holder, "copy", language="vi")
        whole = json.loads(await given(country, holder, made, "copy.json"))
        page = await given(country, holder, made, "copy.html")
    [appeal], [line] = whole["appeals"], whole["protected"]
    assert (appeal["carrier"], appeal["appeal"], appeal["because"]) == ("viettel", "rejected", "still_wrong")
    assert appeal["text"] == ("Máy của tôi." if who == "person" else None)
    assert (line["protected_as"], line["until"]) == ("vital", (at + timedelta(days=3)).isoformat())
    assert [each["act"] for each in whole["looks"] if each["act"].startswith("bar.")] == ["bar.asked"]
    assert "Số thiết yếu" in page
    assert "thông tin thuê bao vẫn chưa khớp" in page
    told = json.dumps(whole["protected"]) + json.dumps(whole["looks"]) + page.partition("Giữ bao lâu")[0]
    for word in ("legal_hold", "Giữ nguyên theo quyết định", "basis 7/2026"):
        assert word not in told


def test_every_word_of_orders_and_events_is_said():
    for say in WORDS.values():
        for group, words in (
            ("ordered", OrderAct), ("change", SimEventKind),
            ("became", set(LineState) - {LineState.PROPOSED, LineState.DROPPED}),
        ):  # fmt: skip
            assert [each for each in words if not say.has(f"value.{group}.{each}")] == []
        for group, words in (("appeal", AppealState), ("means", AppealMeans), ("protected_as", BarKind)):
            assert [each for each in words if copy.told(say, group, each) == each] == []


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
