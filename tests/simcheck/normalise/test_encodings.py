from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise import encodings
from simcheck.normalise.encodings import LEGACY, single_bytes, utf8_misread
from tests.building import full_names
from tests.simcheck import mangling
from tests.simcheck.mangling import TCVN3_TABLE, VISCII_TABLE, VNI_TABLE, misread, mojibake

CODECS = ["latin-1", "cp1252"]
ALL = "".join(letter + letter.upper() for letter in VNI_TABLE)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("letter", sorted(TCVN3_TABLE))
def test_tcvn3_letter_by_letter(letter, codec):
    assert encodings.tcvn3(misread(bytes([TCVN3_TABLE[letter]]), codec)) == letter


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("letter", sorted(VISCII_TABLE))
def test_viscii_letter_by_letter(letter, codec):
    assert encodings.viscii(misread(bytes([VISCII_TABLE[letter]]), codec)) == letter


@pytest.mark.parametrize("letter", sorted(VNI_TABLE))
def test_vni_letter_by_letter(letter):
    assert encodings.vni(VNI_TABLE[letter]) == letter
    assert encodings.vni(VNI_TABLE[letter].upper()) == letter


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("letter", sorted(set(ALL)))
def test_cp1258_letter_by_letter(letter, codec):
    """Both ways of storing á: as one byte where the code page has it, and as a and a tone."""
    assert encodings.cp1258(misread(mangling.cp1258(letter), codec)) == letter
    try:
        one = letter.encode("cp1258")
    except UnicodeEncodeError:
        return
    assert encodings.cp1258(misread(one, codec)) == letter


def test_iconv_tables_cover_the_alphabet():
    assert {unicodedata.normalize("NFC", each) for each in ALL} >= set(TCVN3_TABLE) | set(VISCII_TABLE)
    assert len(set(VISCII_TABLE.values())) == len(VISCII_TABLE) == 134
    assert len(set(TCVN3_TABLE.values())) == len(TCVN3_TABLE) == 67 + 7


@pytest.mark.parametrize("codec", CODECS)
@given(name=full_names())
def test_whole_names_come_back(codec, name):
    for encode, decode in zip(mangling.DEAD, LEGACY, strict=True):
        read = decode(misread(encode(name), codec))
        assert read is not None
        assert read.lower() == name.lower()
        if encode is not mangling.tcvn3 and encode is not mangling.vni:
            assert read == name


@given(full_names(), st.sampled_from(CODECS), st.sampled_from([1, 2]))
def test_misread_utf8_comes_back(name, codec, times):
    assert (utf8_misread(mojibake(name, codec, times)) or name) == name


@given(full_names())
def test_utf8_that_was_read_rightly_is_left_alone(name):
    assert utf8_misread(name) is None


@given(st.binary(max_size=30), st.sampled_from(CODECS))
def test_the_bytes_behind_a_misread_text(raw, codec):
    """Told as code points 0 to 255."""
    assert single_bytes(misread(raw, codec)) == raw.decode("latin-1")


@pytest.mark.parametrize("text", ["Nguyễn", "中", "ơ", "\ufffd"])
def test_text_that_no_single_byte_code_page_holds(text):
    assert single_bytes(text) is None
    assert encodings.tcvn3(text) is None
    assert encodings.vni(text) is None


@given(st.text(max_size=30))
def test_any_text_at_all(text):
    for decode in (*LEGACY, utf8_misread):
        read = decode(text)
        assert read is None or unicodedata.is_normalized("NFC", read) or decode is utf8_misread
        if text.isascii() and all(each >= " " for each in text):
            assert read is None or read.lower() == text.lower()
