from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.errors import KeyringError, SealError
from simcheck.privacy import Keyring, mask_id, mask_msisdn, mask_name, sealed_with

RING = Keyring.make()
PLACES = st.text(max_size=40)


@given(st.binary(max_size=300), PLACES)
def test_what_is_sealed_opens_where_it_was_put(plain, place):
    sealed = RING.seal(plain, place)
    assert RING.open(sealed, place) == plain
    assert sealed_with(sealed)[0] == RING.current
    assert len(plain) < 4 or plain not in sealed


@given(st.binary(max_size=60), PLACES, PLACES)
def test_it_opens_nowhere_else(plain, place, other):
    if place != other:
        with pytest.raises(SealError):
            RING.open(RING.seal(plain, place), other)


@given(st.binary(max_size=60), st.data())
def test_any_changed_bit_is_seen(plain, data):
    sealed = bytearray(RING.seal(plain, "here"))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(SealError):
        RING.open(bytes(sealed), "here")


@given(st.data())
def test_a_cut_seal_is_seen(data):
    sealed = RING.seal(b"Tr\xe1\xba\xa7n An", "here")
    with pytest.raises(SealError):
        RING.open(sealed[: data.draw(st.integers(0, len(sealed) - 1))], "here")


def test_the_same_value_is_never_sealed_the_same():
    assert len({RING.seal(b"001090000001", "here") for _ in range(50)}) == 50


def test_after_a_rotation_new_seals_bear_the_new_key_and_old_ones_open():
    old = RING.seal(b"plain", "here")
    rotated = RING.rotate()
    assert rotated.ids == [*RING.ids, rotated.current]
    assert rotated.open(old, "here") == b"plain"
    new = rotated.seal(b"plain", "here")
    assert sealed_with(new)[0] == rotated.current != RING.current
    with pytest.raises(SealError, match=rotated.current):
        RING.open(new, "here")
    assert rotated.token("msisdn", 1) == RING.token("msisdn", 1)


def test_another_keyring_opens_nothing_even_under_the_same_id():
    sealed = RING.seal(b"plain", "here")
    twin = replace(Keyring.make(), data={RING.current: os.urandom(32)}, current=RING.current)
    for other in (Keyring.make(), twin):
        with pytest.raises(SealError):
            other.open(sealed, "here")


@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=200))
def test_a_token_is_the_hmac_of_kind_and_value(number, text):
    def expected(message: bytes) -> bytes:
        return hmac.new(RING.index, message, hashlib.sha256).digest()

    assert RING.token("msisdn", number) == expected(b"msisdn\0n" + number.to_bytes(8, "big", signed=True))
    assert RING.token("ref", text) == RING.token("ref", text.encode()) == expected(b"ref\0t" + text.encode())
    assert RING.token("msisdn", number) != RING.token("id_number", number)


@pytest.mark.parametrize("kind", ["", "x" * 33, "a\0b"])
def test_a_kind_that_could_be_taken_for_a_value(kind):
    with pytest.raises(ValueError, match="kind"):
        RING.token(kind, 1)


@given(st.binary(max_size=100), st.integers(0, 511))
def test_signatures(message, bit):
    signature = RING.sign(message)
    assert RING.verify(signature, message)
    wrong = bytearray(signature)
    wrong[bit // 8] ^= 1 << bit % 8
    assert not RING.verify(bytes(wrong), message)
    assert not RING.verify(signature, message + b"x")
    assert not Keyring.make().verify(signature, message)


def test_a_keyring_is_kept_in_a_file_that_only_its_owner_reads(tmp_path):
    path = tmp_path / "made" / "keys.json"
    RING.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring.load(path) == Keyring.load(path.read_text()) == RING
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]
    assert list(json.loads(path.read_text())) == ["data", "current", "index", "signing"]


def test_a_keyring_is_never_lost_by_accident(tmp_path):
    path = tmp_path / "keys.json"
    RING.save(path)
    with pytest.raises(KeyringError, match="there already"):
        Keyring.make().save(path)
    assert Keyring.load(path) == RING
    rotated = RING.rotate()
    rotated.save(path, replacing=True)
    assert Keyring.load(path) == rotated
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


def test_a_keyring_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KeyringError, match="cannot be written"):
        RING.save(tmp_path / "file" / "keys.json")


KEYS = json.loads(RING._json())
BAD = {
    "no JSON": "{",
    "not an object": '{"data": 1}',
    "a field is missing": json.dumps({name: KEYS[name] for name in ("data", "current", "index")}),
    "no data key": json.dumps(KEYS | {"data": {}}),
    "another current key": json.dumps(KEYS | {"current": "nobody"}),
    "a short key": json.dumps(KEYS | {"index": "AAAA"}),
    "no base64": json.dumps(KEYS | {"index": "%" * 44}),
    "a null": json.dumps(KEYS | {"signing": None}),
    "an odd id": json.dumps(KEYS | {"data": {"../x": KEYS["index"]}, "current": "../x"}),
    "one key twice": json.dumps(KEYS | {"index": KEYS["signing"]}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_keyring_that_cannot_be_used(tmp_path, what):
    path = tmp_path / "keys.json"
    path.write_text(BAD[what])
    for source, named in ((path, str(path)), (BAD[what], "the keyring")):
        with pytest.raises(KeyringError) as caught:
            Keyring.load(source)
        said = str(caught.value)
        assert named in said
        assert "\n" not in said
        assert not any(key in said for key in (KEYS["index"], KEYS["signing"], *KEYS["data"].values()))


def test_a_keyring_that_is_not_there(tmp_path):
    with pytest.raises(KeyringError, match=r"not there.*simcheck keys make"):
        Keyring.load(tmp_path / "keys.json")
    with pytest.raises(KeyringError, match="cannot be read"):
        Keyring.load(tmp_path)


def test_printing_a_keyring_shows_no_key():
    assert repr(RING) == f"Keyring(current={RING.current!r})"


def test_masks():
    assert mask_msisdn("+84912345678") == "+84******678"
    assert mask_msisdn("0912345678") == "*******678"
    assert mask_msisdn("113") == "***"
    assert mask_id("001090000123") == "*********123"
    assert mask_name("Nguyễn Văn An") == "N. V. A."
    assert mask_name("  H'Maryam  niê ") == "H. N."
    assert mask_id("") == mask_name("") == mask_msisdn("") == ""


@given(st.text(st.characters(categories=["Nd", "L"]), min_size=7, max_size=20))
def test_a_mask_shows_three_characters_at_most(number):
    masked = mask_id(number)
    assert len(masked) == len(number)
    assert masked == "*" * (len(number) - 3) + number[-3:]
