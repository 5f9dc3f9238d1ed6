from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.errors import InvalidError
from simcheck.ingest import bodies
from simcheck.ingest.bodies import Intake, _Form

EDGE = b"boundary-of-parts"


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form whose part `file` has a name of its own."""
    body = b""
    for name, value in parts:
        named = b'; filename="a b.csv"' if name == "file" else b""
        body += b"--" + EDGE + b'\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + named
        body += b"\r\n\r\n" + value + b"\r\n"
    return body + b"--" + EDGE + b"--\r\n"


def read(body: bytes, cuts: list[int]) -> tuple[Intake, bytes]:
    taken, kept = Intake(None), bytearray()
    reading = _Form(taken, kept.extend, EDGE)
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        reading.feed(body[start:end])
    reading.end()
    return taken, bytes(kept)


CONTENT = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\r\n", b"--", EDGE, b"--" + EDGE[:5], b"\r", b"\n", b"x"]), max_size=12
).map(b"".join).filter(lambda content: b"\r\n--" + EDGE not in b"\r\n" + content)  # fmt: skip


@given(CONTENT, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_form_is_the_same_wherever_it_is_cut(content, cuts):
    body = form(("kind", b"delta"), ("file", content))
    taken, kept = read(body, cuts)
    assert (kept, taken.size, taken.fields) == (content, len(content), {"kind": "delta"})
    assert taken.digest == hashlib.sha256(content).digest()
    assert taken.file_name == "a b.csv"
    taken.check([hashlib.sha256(body).digest(), taken.digest])


@given(st.binary(max_size=400), st.lists(st.integers(0, 500), max_size=4))
def test_anything_else_is_refused_in_words(body, cuts):
    for tried in (body, b"--" + EDGE + b"\r\n" + body, form(("file", b"x"))[: len(body)]):
        with pytest.raises(InvalidError):
            read(tried, cuts)


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda name: name.decode("latin-1")))
def test_any_name_of_a_file_can_be_kept(name):
    for written in (f'attachment; filename="{name}"', f"attachment; filename*=UTF-8''{name}", name):
        try:
            found = bodies._file_name(written)
        except InvalidError:
            continue
        if found is not None:
            assert 0 < len(found.encode()) <= 255 * 4
            assert "/" not in found
            assert "\\" not in found


def test_a_name_is_its_last_part():
    assert bodies._file_name('attachment; filename="..\\..\\a/b.csv"') == "b.csv"
    assert bodies._file_name("attachment; filename*=UTF-8''th%C3%A1ng.csv") == "tháng.csv"
    assert bodies._file_name('attachment; filename="x/"') is None
    assert bodies._file_name("attachment") is None
