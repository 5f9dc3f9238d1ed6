from __future__ import annotations

import string
from datetime import date, timedelta

from simcheck.messages.words import Language
from simcheck.reasons import Reason, Verdict
from simcheck.reports.document import Share
from simcheck.reports.kinds import BANDS, KINDS
from simcheck.reports.words import WORDS

VI, EN = WORDS[Language.VI], WORDS[Language.EN]


def test_every_text_stands_in_both_languages_with_the_same_values():
    assert VI.texts.keys() == EN.texts.keys()
    for key, text in VI.texts.items():
        fields = [
            {each[1] for each in string.Formatter().parse(one) if each[1]} for one in (text, EN.texts[key])
        ]
        assert fields[0] == fields[1] or key == "month", key


def test_everything_that_is_counted_has_a_name():
    for words in WORDS.values():
        assert all(words.reason(reason) for reason in Reason)
        assert all(words(f"kind.{kind}") for kind in KINDS)
        assert all(words(f"band.{band}") for band in BANDS)
        assert all(words(f"verdict.{verdict}") for verdict in Verdict)


def test_numbers_and_days_as_readers_write_them():
    assert (VI.cell(1234567), EN.cell(1234567)) == ("1.234.567", "1,234,567")
    assert (VI.cell(Share(0.1234)), EN.cell(Share(0.1234))) == ("12,3%", "12.3%")
    assert (VI.cell(date(2026, 10, 5)), EN.cell(date(2026, 10, 5))) == ("05/10/2026", "5 Oct 2026")
    assert VI.cell(timedelta(hours=1, minutes=30)) == "1,5 giờ"
    assert (VI.cell(None), VI.cell("=x")) == ("ẩn", "=x")
    assert (VI.month(date(2026, 10, 1)), EN.month(date(2026, 10, 1))) == ("tháng 10 năm 2026", "October 2026")
    assert (VI.province(""), VI.province("001"), VI.province(None)) == ("Không rõ", "Hà Nội", "Tất cả")
    assert (EN.carrier(""), EN.carrier("itel")) == ("Of no carrier", "itel")
