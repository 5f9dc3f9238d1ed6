from __future__ import annotations

import string
from datetime import date, timedelta

from simcheck.cases.models import Acts
from simcheck.cases.states import Closed
from simcheck.cases.states import State as CaseState
from simcheck.helpdesk.models import Back, QuestionState
from simcheck.holders.models import Outcome
from simcheck.messages.words import Channel, Kind, Language
from simcheck.normalise.statuses import Status
from simcheck.reasons import Reason, Verdict
from simcheck.reports.document import Share
from simcheck.reports.kinds import BANDS, KINDS
from simcheck.reports.words import WORDS
from simcheck.sending.models import State

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


def test_every_code_of_a_list_has_its_words():
    kinds = (Acts, Closed, CaseState, Back, QuestionState, Outcome, Channel, Kind, State)
    codes = [each.value for kind in kinds for each in kind]
    for words in WORDS.values():
        assert all(words.code(code) for code in [*codes, *(each.name.lower() for each in Status)])


def test_numbers_and_days_as_readers_write_them():
    assert (VI.cell(1234567), EN.cell(1234567)) == ("1.234.567", "1,234,567")
    assert (VI.cell(Share(0.1234)), EN.cell(Share(0.1234))) == ("12,3%", "12.3%")
    assert (VI.cell(date(2026, 10, 5)), EN.cell(date(2026, 10, 5))) == ("05/10/2026", "5 Oct 2026")
    assert VI.cell(timedelta(hours=1, minutes=30)) == "1,5 giờ"
    assert (VI.cell(None), VI.cell("=x")) == ("ẩn", "=x")
    assert (VI.month(date(2026, 10, 1)), EN.month(date(2026, 10, 1))) == ("tháng 10 năm 2026", "October 2026")
    assert (VI.province(""), VI.province("001"), VI.province(None)) == ("Không rõ", "Hà Nội", "Tất cả")
    assert (EN.carrier(""), EN.carrier("itel")) == ("Of no carrier", "itel")
