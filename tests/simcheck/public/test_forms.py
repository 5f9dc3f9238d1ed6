"""Whatever is sent, a page answers: never an error of ours, and nothing that was typed as HTML."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.errors import InvalidError
from simcheck.public import forms
from simcheck.public.forms import Form
from tests.browsing import token_in

# Letters of every script, what cannot be seen, and what means something to HTML.
ODD = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\u202e\u200b\r\n\0<>\"'&;%"))
)


@given(ODD)
def test_clean_text_has_one_form_and_nothing_unseen(text):
    clean = forms.clean(text)
    assert forms.clean(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert not [each for each in clean if unicodedata.category(each) in {"Cc", "Cf", "Cn", "Co", "Cs"}]


@given(st.text("aăâđêôơưáàảãạấầẩẫậ ̣́̀̉̃ĐẤ", max_size=30))
def test_vietnamese_stays_as_it_is(text):
    assert forms.clean(text) == unicodedata.normalize("NFC", text)


@given(ODD)
def test_a_line_is_one_line(text):
    line = Form({"x": text}).line("x", 10_000)
    assert line == " ".join(line.split())


@given(ODD)
def test_a_text_keeps_its_lines_and_nothing_around_them(text):
    read = Form({"x": text}).text("x", 10_000)
    assert read == read.strip()
    assert "\r" not in read


def test_what_is_not_there_is_empty_and_what_is_too_long_refused():
    assert Form().line("x") == Form().text("x", 1) == ""
    with pytest.raises(InvalidError):
        Form({"x": "ab"}).line("x", 1)


FIELDS = ("code", "number", "digits", "text", "email", "back", "question", "form_id")
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; DROP TABLE question; --", "{{ 7*7 }}",
    "\u202e0912345678", "\u0660\u0661\u0662", "\uff10\uff19\uff11\uff12", "\u0345" * 200, "9" * 5000, "-1",
    "%00", "\0", "a\r\nSet-Cookie: x=y", "\U0001f4a9" * 50, "email", "..%2f", "\ufdfa" * 90,
)  # fmt: skip


@pytest.mark.anyio
async def test_whatever_is_typed_is_answered_by_a_page(walker):
    token = token_in(await walker.http.get("/help"))
    letters = "".join(HOSTILE)
    lot = random.Random(1)
    samples = [dict.fromkeys(FIELDS, each) for each in HOSTILE]
    samples += [
        {name: "".join(lot.choices(letters, k=lot.randint(0, 60))) for name in FIELDS} for _ in range(20)
    ]
    for fields in samples:
        for path in ("/", "/code", "/help", "/help/look"):
            answer = await walker.http.post(path, data={**fields, "form_token": token})
            assert answer.status_code < 500, (path, fields)
            assert answer.status_code == 303 or answer.headers["content-type"].startswith("text/html")
            assert "x=y" not in str(answer.headers)
            for markup in ("<script>alert", "<img src=x", ">49<"):
                assert markup not in answer.text, (path, fields)
