"""What was typed, cleaned; and whose form it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from simcheck.errors import InvalidError
from simcheck.privacy import Keyring
from simcheck.web import forms
from simcheck.web.forms import Form, FormExpiredError

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


def test_a_password_stays_as_it_was_typed_but_for_its_unicode_form():
    assert Form({"x": "  mo\u0323\u0302t\u200b "}).secret("x") == "  một\u200b "
    with pytest.raises(InvalidError):
        Form({"x": "a" * 201}).secret("x")


def sent_from(site: str | None) -> Request:
    headers = [] if site is None else [(b"sec-fetch-site", site.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("site", [None, "same-origin", "none"])
def test_a_form_with_its_token_is_ours(site):
    token = forms.token(Keyring.make(), "here")
    forms.require_ours(sent_from(site), Form({"form_token": token}), token)


def test_a_form_is_good_for_what_it_was_bound_to():
    ring = Keyring.make()
    assert (
        len({forms.token(ring, "here"), forms.token(ring, "there"), forms.token(Keyring.make(), "here")}) == 3
    )
    for site, fields in (
        (None, {}), (None, {"form_token": forms.token(ring, "there")}), (None, {"form_token": "ă"}),
        ("cross-site", {"form_token": forms.token(ring, "here")}),
        ("same-site", {"form_token": forms.token(ring, "here")}),
    ):  # fmt: skip
        with pytest.raises(FormExpiredError):
            forms.require_ours(sent_from(site), Form(fields), forms.token(ring, "here"))
