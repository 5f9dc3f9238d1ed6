from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simcheck.webhooks import signing

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SECRET = signing.new_secret()
BODY = b'{"type":"batch.done"}'


def test_a_message_is_signed_as_the_standard_says():
    sent = signing.headers(SECRET, "msg_1", NOW, BODY)
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    content = b"msg_1." + sent["webhook-timestamp"].encode() + b"." + BODY
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{expected}"
    assert signing.is_good(SECRET, sent, BODY, NOW)
    rotated = {**sent, "webhook-signature": f"v1,AAAA {sent['webhook-signature']}"}
    assert signing.is_good(SECRET, rotated, BODY, NOW)


@given(st.integers(-1000, 1000))
def test_old_messages_are_refused(seconds):
    sent = signing.headers(SECRET, "msg_1", NOW, BODY)
    assert signing.is_good(SECRET, sent, BODY, NOW + timedelta(seconds=seconds)) == (abs(seconds) <= 300)


@given(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=30))
def test_a_changed_message_is_refused(name, value):
    sent = signing.headers(SECRET, "msg_1", NOW, BODY)
    if sent[name] != value:
        assert not signing.is_good(SECRET, {**sent, name: value}, BODY, NOW)


def test_another_body_or_secret_is_refused():
    sent = signing.headers(SECRET, "msg_1", NOW, BODY)
    assert not signing.is_good(SECRET, sent, BODY + b" ", NOW)
    assert not signing.is_good(signing.new_secret(), sent, BODY, NOW)
    assert not signing.is_good(SECRET, {}, BODY, NOW)
