from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.messages import compose, segments, templates
from simcheck.messages.words import NOTICES, Group, Kind, Language, Values

VALUES = Values(
    "***678", "K7M2P-9QXRT", date(2026, 11, 30), "simcheck.example.gov.vn", "1414", "0922789789",
    extra={"digits": "123456", "minutes": "5", "text": "Đã nhận.\nCảm ơn.", "question": "H-000123"},
)  # fmt: skip
EVERY = [(kind, group) for kind in Kind for group in (Group if kind in NOTICES else (None,))]


def test_everything_has_a_text_that_fits():
    assert compose.validate(VALUES) == []


def test_what_does_not_fit_is_named(monkeypatch):
    assert any(
        "4 parts, marks True" in fault for fault in compose.validate(replace(VALUES, address="a" * 40))
    )
    texts, english = templates.load(Language.VI), templates.load(Language.EN)
    wrong = replace(texts, sms={**texts.sms, Kind.THANKS: "Cảm ơn {name}"})
    monkeypatch.setattr(compose, "load", lambda language: wrong if language is Language.VI else english)
    assert compose.validate(VALUES) == ["vi/thanks/None: names name"]


@pytest.mark.parametrize(("kind", "group"), EVERY)
@pytest.mark.parametrize("language", Language)
def test_a_text_says_what_it_has_to(kind, group, language):
    for marks in (True, False):
        made = compose.sms(kind, group, language, marks, VALUES)
        assert made.segments_count == len(segments.segment(made.text, 1).parts)
        assert made.data_coding == segments.segment(made.text, 1).data_coding
        assert "{" not in made.text
        if kind in NOTICES:
            for said in (
                "***678",
                "30/11/2026",
                "K7M2P-9QXRT",
                "simcheck.example.gov.vn",
                "1414",
                "0922789789",
                "DUNG",
            ):
                assert said in made.text
    letter = compose.email(kind, group, language, VALUES)
    assert letter.template.startswith(f"{templates.version()}/{language}/{kind}")
    assert "\n" not in letter.subject
    assert f'<html lang="{language}">' in letter.html
    if kind in NOTICES:
        for said in ("***678", "30/11/2026", "K7M2P-9QXRT", "simcheck.example.gov.vn", "1414", "0922789789"):
            assert said in letter.text


@pytest.mark.parametrize(("kind", "group"), EVERY)
def test_nobody_is_asked_for_what_no_official_message_asks_for(kind, group):
    """No address to press, no password, no code of one's own, no photo."""
    for language in Language:
        texts = [compose.sms(kind, group, language, True, VALUES).text]
        letter = compose.email(kind, group, language, VALUES)
        texts += [letter.subject, letter.text.replace(templates.load(language).labels["safety"], "")]
        for text in texts:
            assert not re.search(r"https?:|www\.|mật khẩu|password|ảnh|photo|OTP", text, re.IGNORECASE), text
        assert "<a " not in letter.html


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.headings: list[str] = []
        self.skipped = False

    def handle_starttag(self, tag, attrs):
        self.skipped = tag in {"title", "style"}
        if re.fullmatch(r"h\d", tag):
            self.headings.append(tag)

    def handle_endtag(self, tag):
        self.skipped = False

    def handle_data(self, data):
        if not self.skipped:
            self.said += data.split()


@pytest.mark.parametrize(("kind", "group"), EVERY)
def test_text_and_html_say_the_same(kind, group):
    letter = compose.email(kind, group, Language.VI, VALUES)
    words = Words()
    words.feed(letter.html)
    plain = re.sub(r"^(-|\d\.) ", "", letter.text, flags=re.MULTILINE).split()
    assert words.said == plain
    assert words.headings == ["h1", "h2", "h2"] if kind in NOTICES else words.headings == ["h1"]


def test_an_answer_by_sms_is_told_to_the_number_itself_alone():
    """From another number, KHONG would disown that one."""
    for kind in NOTICES:
        for language in Language:
            other = replace(VALUES, own=False)
            text = compose.sms(kind, Group.NAME, language, True, other).text
            assert "KHONG" not in text
            assert "1414" not in text
            assert "KHONG" not in compose.email(kind, Group.NAME, language, other).text


def test_without_a_deadline_and_without_a_hotline():
    text = compose.sms(
        Kind.REMINDER, Group.NAME, Language.VI, True, replace(VALUES, deadline=None, hotline=None)
    ).text
    assert "sửa ngay tại" in text
    assert text.endswith("Hỏi nhà mạng.")


def test_a_notice_needs_a_group_and_a_code_its_digits():
    with pytest.raises(KeyError, match="tells what is wrong"):
        compose.sms(Kind.FIRST, None, Language.VI, True, VALUES)
    with pytest.raises(KeyError):
        compose.sms(Kind.CODE, None, Language.VI, True, replace(VALUES, extra={}))


HOSTILE = "N\u202eguy\r\nBcc: all@x.vn\u200b <script>alert(1)</script> & {address} {0} %s"


def test_values_cannot_break_out():
    values = replace(VALUES, code_shown=HOSTILE, extra={"text": HOSTILE, "question": HOSTILE})
    for kind, group in ((Kind.CORRECTED, None), (Kind.ANSWER, None), (Kind.FIRST, Group.NAME)):
        letter = compose.email(kind, group, Language.EN, values)
        text = compose.sms(kind, group, Language.EN, True, values).text
        for each in (letter.subject, letter.text, letter.html, text):
            assert not set("\u202e\u200b\r") & set(each)
        assert "\n" not in letter.subject
        assert "<script>" not in letter.html
        assert "&lt;script&gt;" in letter.html
        assert "{address}" in text
    assert "\n" not in compose.sms(Kind.FIRST, Group.NAME, Language.EN, True, values).text


@given(st.text(max_size=200), st.booleans())
def test_whatever_is_written_can_be_sent(text, marks):
    made = compose.sms(Kind.REPLY, None, Language.VI, marks, replace(VALUES, extra={"text": text}))
    assert made.segments_count == segments.count(made.text) >= 1


@given(
    st.text("0123456789", min_size=3, max_size=3), st.text("ABCDEFGHJKMNP23456789", min_size=11, max_size=11)
)
def test_parts_do_not_hang_on_whose_notice_it_is(digits, code):
    """So a campaign's parts are known from one text of each kind, group, language, carrier."""
    values = replace(VALUES, number_masked=f"***{digits}", code_shown=code)
    for marks in (True, False):
        for kind in NOTICES:
            made = compose.sms(kind, Group.NAME, Language.VI, marks, values)
            assert (
                made.segments_count
                == compose.sms(kind, Group.NAME, Language.VI, marks, VALUES).segments_count
            )
