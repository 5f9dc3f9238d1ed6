"""What came for one address is found however many messages came for others since."""

from __future__ import annotations

import datetime

from simcheck.sending.twins import shelf
from simcheck.sending.twins.shelf import Shelf, Shown

AT = datetime.datetime(2026, 11, 27, 9, tzinfo=datetime.UTC)


def shown(to: str, text: str) -> Shown:
    return Shown("sms", "simcheck", to, None, text, 1, AT)


def test_a_message_is_found_after_a_campaign_to_others():
    kept = Shelf()
    kept.put(shown("+84900000001", "first"))
    for number in range(shelf.MOST + 10):
        kept.put(shown(f"+849{number + 2:08}", "another's"))
    kept.put(shown("+84900000001", "second"))
    assert [each.text for each in kept.to("+84900000001")] == ["second", "first"]
    assert len(kept.messages) == shelf.MOST
    assert kept.count == shelf.MOST + 12
    assert kept.to("+84999999999") == []


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(shelf, "MOST_ADDRESSES", 3)
    kept = Shelf()
    for to in ("a", "b", "a", "c", "d"):
        kept.put(shown(to, to))
    assert [len(kept.to(to)) for to in "abcd"] == [2, 0, 1, 1]
    for number in range(shelf.EACH + 5):
        kept.put(shown("a", str(number)))
    assert [each.text for each in kept.to("a")][:2] == [str(shelf.EACH + 4), str(shelf.EACH + 3)]
    assert len(kept.to("a")) == shelf.EACH
