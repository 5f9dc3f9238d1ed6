from __future__ import annotations

import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.readers import legacy

LOWER = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
LETTERS = LOWER + LOWER.upper()
NAMES = ["tcvn3", "viscii", "cp1258"]
ICONV = {"tcvn3": "TCVN5712-1", "viscii": "VISCII"}


@pytest.mark.skipif(shutil.which("iconv") is None, reason="the check against iconv needs iconv")
@pytest.mark.parametrize("encoding", ICONV)
def test_the_tables_are_iconvs(encoding):
    every_byte = b"\n".join(bytes([byte]) for byte in range(256) if byte != 10)
    run = subprocess.run(
        ["iconv", "-f", ICONV[encoding], "-t", "UTF-8"], input=every_byte, capture_output=True, check=True
    )
    theirs = [unicodedata.normalize("NFC", character) for character in run.stdout.decode().split("\n")]
    ours = [legacy.decode(bytes([byte]), encoding) for byte in range(256) if byte != 10]
    assert ours == theirs


@pytest.mark.parametrize("encoding", NAMES)
def test_every_vietnamese_letter_goes_and_comes_back(encoding):
    back = legacy.decode(legacy.encode(LETTERS, encoding), encoding)
    if encoding == "tcvn3":
        assert back.lower() == LETTERS.lower()
        assert back[: len(LOWER)] == LOWER
    else:
        assert back == LETTERS


@pytest.mark.parametrize("encoding", NAMES)
@given(text=st.text(alphabet=LOWER + " -'.0123456789ABC", max_size=40))
def test_any_vietnamese_text_goes_and_comes_back(encoding, text):
    assert legacy.decode(legacy.encode(text, encoding), encoding) == text
    assert legacy.decode(legacy.encode(unicodedata.normalize("NFD", text), encoding), encoding) == text


def test_a_letter_the_encoding_lacks_becomes_a_question_mark():
    assert legacy.encode("Blŏ 漢", "tcvn3") == b"Bl? ?"
    assert legacy.encode("漢", "cp1258") == b"?"


def test_a_byte_the_encoding_lacks_becomes_the_replacement_character():
    assert legacy.decode(b"\xd2a", "cp1258") == "\u0309a"
    assert legacy.decode(b"\x81a", "cp1252") == "\ufffda"


def test_a_capital_in_tcvn3_is_its_small_letters_byte():
    assert legacy.encode("NGUYỄN ĐỨC", "tcvn3") == b"NGUY\xd4N \xa7\xf8C"


@pytest.mark.parametrize("encoding", [*NAMES, "utf-8"])
def test_vinaphone_is_told_apart_by_its_bytes(read, encoding):
    names = ["Nguyễn Thị Hồng", "Trần Văn Đức", "Lê Hữu Phước", "Y Blơ Êban"]
    text = "SO_TB|SO_GT|TEN_KH|NGAY_SINH|GIOI_TINH\n" + "".join(
        f"1|2|{name}|01-02-1990|Nữ\n" for name in names
    )
    data = text.encode() if encoding == "utf-8" else legacy.encode(text, encoding)
    for chunk_bytes in (8 << 20, 5):
        rows, reading = read(
            data, "vinaphone", chunk_bytes=chunk_bytes, encodings=("tcvn3", "viscii", "cp1258", "utf-8")
        )
        assert reading.encoding == encoding
        assert [row["full_name"] for row in rows] == names
        assert {row["gender"] for row in rows} == {"F"}


def test_one_bad_line_does_not_make_a_utf8_file_legacy(read):
    text = "SO_TB|SO_GT|TEN_KH|NGAY_SINH\n" + "1|2|Nguyễn Thị Hồng|1990\n" * 9
    rows, reading = read(text.encode() + b"1|2|Nguy\xd4n|1990\n", "vinaphone")
    assert reading.encoding == "utf-8"
    assert [rows[0]["full_name"], rows[-1]["full_name"]] == ["Nguyễn Thị Hồng", "NguyÔn"]


def test_a_text_without_marks_is_utf8(read):
    _, reading = read(b"SO_TB|SO_GT|TEN_KH|NGAY_SINH\n1|2|Le|3\n", "vinaphone")
    assert reading.encoding == "utf-8"
