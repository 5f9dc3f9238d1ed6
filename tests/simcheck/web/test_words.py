from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from simcheck.messages.words import Language
from simcheck.web.words import Words, read, table_of

VI, EN = (Words(language, {}) for language in (Language.VI, Language.EN))


def test_days_are_written_as_people_read_them():
    assert VI.day(date(2026, 12, 5)) == "05/12/2026"
    assert EN.day(date(2026, 12, 5)) == "5 December 2026"


def test_moments_are_those_of_viet_nam():
    at = datetime(2026, 12, 5, 18, 4, tzinfo=UTC)
    assert VI.moment(at) == "01:04, 06/12/2026"
    assert EN.moment(at) == "01:04, 6 December 2026"


@pytest.mark.parametrize(
    ("number", "vi", "en"),
    [(0, "0", "0"), (1234567, "1.234.567", "1,234,567"), (-12.5, "-12,5", "-12.5"), (2.04, "2", "2")],
)
def test_numbers_are_written_as_people_read_them(number, vi, en):
    assert (VI.number(number), EN.number(number)) == (vi, en)


def test_shares_are_written_as_people_read_them():
    assert [VI.percent(each) for each in (0, 0.9871, 1)] == ["0%", "98,7%", "100%"]
    assert EN.percent(0.9871) == "98.7%"


def test_words_of_two_packages_are_one_and_none_is_said_twice():
    whole = read(Words, "simcheck.public")
    assert set(whole) == set(Language)
    assert whole[Language.VI]("site.step", at=1, of=3) == "Bước 1 trong 3"
    assert len(table_of("simcheck.public")) == 2 * len(whole[Language.EN].texts)
    with pytest.raises(ValueError, match="another package's"):
        read(Words, "simcheck.public", "simcheck.public")
