import calendar
import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.normalise import dates
from simcheck.reasons import Reason

AS_OF = datetime.date(2026, 11, 23)
MISSING, MALFORMED, IMPOSSIBLE = (
    Reason.DOB_MISSING.mask,
    Reason.DOB_MALFORMED.mask,
    Reason.DOB_IMPOSSIBLE.mask,
)


def read(cell: str | None, as_of: datetime.date = AS_OF) -> tuple[int, int, int]:
    result = dates.normalise(pa.array([cell], pa.string()), as_of)
    return int(result.ymd[0]), int(result.other[0]), int(result.flags[0])


@pytest.mark.parametrize(
    "cell",
    [
        "1990-05-25", "1990-5-25", "1990/05/25", "1990.05.25", "1990 05 25", "25/05/1990",
        "25/5/1990", "25-05-1990",
        "25.05.1990", "25 05 1990", "25 / 5 / 1990", "25/05-1990", "05/25/1990", "5/25/1990",
        "19900525", "25051990",
        "19900525.0", "25/05/90", "25-5-90", "90-05-25", "1990-05-25T00:00:00", "1990-05-25 00:00:00",
        "1990-05-25T00:00:00.000Z", "1990-05-25 00:00:00.000", "1990-05-25t07:30+07:00",
        "25/05/1990 12:00:00 AM",
        "5/25/1990 0:00", "25/05/1990 12:00:00 SA", " 1990-05-25 ", "\u00a025/05/1990", "'25/05/1990",
        "２５／０５／１９９０", "25\u201305\u20131990", "25-May-1990", "25 May 1990", "25MAY1990",
        "May 25, 1990", "25-May-90",
        "1990-May-25", "ngày 25 tháng 5 năm 1990", "Ngày 25 Tháng 05, 1990", "ngay 25 thang 05 nam 1990",
        "nga\u0300y 25 tha\u0301ng 5 na\u0306m 1990", "33018", "33018.0", "33018.00",
    ],
)  # fmt: skip
def test_every_writing_of_one_certain_date(cell):
    assert read(cell) == (19900525, 0, 0)


@pytest.mark.parametrize(
    ("cell", "ymd", "other"),
    [
        ("03/07/1990", 19900703, 19900307),
        ("3-7-1990", 19900703, 19900307),
        ("03071990", 19900703, 19900307),
        ("3071990", 19900703, 19900307),  # the first zero was lost
        ("03/07/90", 19900703, 19900307),
        ("07/07/1990", 19900707, 0),
        ("13/07/1990", 19900713, 0),
        ("1990-03-07", 19900307, 0),
        ("19900307", 19900307, 0),
        ("3 Jul 1990", 19900703, 0),
        ("ngày 3 tháng 7 năm 1990", 19900703, 0),
        ("ngày 3/7/1990", 19900703, 0),
    ],
)
def test_only_a_writing_that_allows_two_orders_has_another_reading(cell, ymd, other):
    assert read(cell) == (ymd, other, 0)


@pytest.mark.parametrize(
    ("cell", "ymd"),
    [
        ("1990", 19900000), ("1990.0", 19900000), ("năm 1990", 19900000), ("00/00/1990", 19900000),
        ("19900000", 19900000), ("00001990", 19900000), ("1990-00-00", 19900000), ("12/00/1990", 19900000),
        ("1990-05", 19900500), ("1990/5", 19900500), ("05/1990", 19900500), ("5.1990", 19900500),
        ("00/05/1990", 19900500),
        ("19900500", 19900500), ("00051990", 19900500), ("1990-05-00", 19900500), ("May 1990", 19900500),
        ("tháng 5 năm 1990", 19900500), ("00/00/90", 19900000),
    ],
)  # fmt: skip
def test_partial_dates_are_read_and_not_flagged(cell, ymd):
    assert read(cell) == (ymd, 0, 0)


@pytest.mark.parametrize(
    "cell",
    [None, "", "  ", "-", "--", "0", "0.0", "null", "N/A", "NaT", "00000000", "00/00/0000", "0000-00-00",
     "0000-00-00 00:00:00", "0000-00-00T00:00:00"],
)  # fmt: skip
def test_missing(cell):
    assert read(cell) == (0, 0, MISSING)


@pytest.mark.parametrize(
    "cell",
    [
        "abc", "1990-13-01", "32/01/1990", "13/13/1990", "1990-01-32", "12/5", "05/90", "1/2/3",
        "1/2/199", "1990-05-12-01",
        "12//05/1990", "/12/05/1990", "12/05/1990/", "-33018", "120590", "123", "46350", "99999", "99999999",
        "25-Foo-1990", "25 Mayday 1990", "1990-05-25 noon", "1990-05-25T", "1990-05-25 1",
        "1990-05-25 00:00 đ", "1990-05-2ă",
        "12+05+1990", "1e5", "33018.5", "May", "ngày", "x" * 500, "1" * 30, "12 May Jun 1990",
        "May 1990 12 3",
    ],
)  # fmt: skip
def test_malformed(cell):
    assert read(cell) == (0, 0, MALFORMED)


@pytest.mark.parametrize(
    ("cell", "ymd"),
    [
        ("30/02/1990", 19900230), ("31/04/1960", 19600431), ("1960-04-31", 19600431), ("19600431", 19600431),
        ("31041960", 19600431), ("29/02/1990", 19900229), ("29/02/1900", 19000229), ("2/30/1990", 19900230),
        ("31-Nov-1990", 19901131), ("2026-11-24", 20261124), ("2026-12", 20261200), ("2027",
        20270000), ("9999", 99990000),
        ("01/01/9999", 99990101), ("1899-12-31", 0), ("31/12/1899", 0), ("0001-01-01", 0), ("1850",
        0), ("18501231", 0),
    ],
)  # fmt: skip
def test_impossible_dates_keep_what_was_written_from_1900_on(cell, ymd):
    found, _, flags = read(cell)
    assert (found, flags) == (ymd, IMPOSSIBLE)


@pytest.mark.parametrize(
    ("cell", "ymd"),
    [
        ("23/11/26", 20261123),
        ("24/11/26", 19261124),
        ("01/01/27", 19270101),
        ("31/12/99", 19991231),
        ("15/06/00", 20000615),
        ("26/11/24", 20241126),
    ],
)
def test_two_digit_years_are_never_in_the_future(cell, ymd):
    assert read(cell) == (ymd, 0, 0)


def test_each_reading_of_a_two_digit_year_has_its_own_pivot():
    assert read("11/12/26") == (19261211, 20261112, 0)


def test_the_calendar_is_the_real_one():
    """Every day number of every month from 1900 to 2026 against the standard library's calendar."""
    days = [
        (year, month, day) for year in range(1900, 2027) for month in range(1, 13) for day in range(1, 32)
    ]
    result = dates.normalise(pa.array([f"{year}-{month:02}-{day:02}" for year, month, day in days]), AS_OF)
    for (year, month, day), ymd, flags in zip(days, result.ymd.tolist(), result.flags.tolist(), strict=True):
        real = day <= calendar.monthrange(year, month)[1] and datetime.date(year, month, day) <= AS_OF
        assert ymd == year * 10_000 + month * 100 + day
        assert flags == (0 if real else IMPOSSIBLE)


def test_workbook_serials_are_the_days_of_the_1900_system():
    start = datetime.date(1899, 12, 30)
    today = (AS_OF - start).days
    serials = range(dates.FIRST_SERIAL, today + 1)
    for tail in ("", ".0"):
        result = dates.normalise(pa.array([f"{each}{tail}" for each in serials]), AS_OF)
        assert result.ymd.tolist() == [
            int((start + datetime.timedelta(each)).strftime("%Y%m%d")) for each in serials
        ]
        assert not result.flags.any()
    assert read(str(today + 1)) == (0, 0, MALFORMED)


def test_compact_dates_are_never_both_year_first_and_day_first():
    """The claim in the module's docstring, over every day of two centuries."""
    day, last = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
    year_first, day_first = set(), set()
    while day <= last:
        year_first.add(day.strftime("%Y%m%d"))
        day_first.add(day.strftime("%d%m%Y"))
        day += datetime.timedelta(1)
    assert not year_first & day_first


BIRTHS = st.dates(datetime.date(1900, 1, 1), AS_OF)
RECENT = st.dates(datetime.date(1927, 5, 18), AS_OF)
YEAR_FIRST = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y %m %d",
    "%Y%m%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d 00:00:00.000",
    "%Y-%b-%d",
]
SPELLED = ["%d-%b-%Y", "%d %B %Y", "%B %d, %Y", "%b %d %Y", "ngày %d tháng %m năm %Y"]
DAY_FIRST = [
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d %m %Y",
    "%d%m%Y",
    "%-d/%-m/%Y",
    "%-d-%-m-%Y",
    "%d/%m/%Y %H:%M",
]


def number(day: datetime.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


@settings(deadline=None)  # the first call compiles
@given(BIRTHS, st.sampled_from(YEAR_FIRST + SPELLED))
def test_round_trip_of_certain_writings(day, form):
    assert read(day.strftime(form)) == (number(day), 0, 0)


@settings(deadline=None)
@given(BIRTHS, st.sampled_from(DAY_FIRST))
def test_round_trip_of_day_first_writings(day, form):
    two_ways = day.day <= 12 and day.day != day.month
    other = day.year * 10_000 + day.day * 100 + day.month if two_ways else 0
    assert read(day.strftime(form)) == (number(day), other, 0)


@settings(deadline=None)
@given(
    st.dates(AS_OF.replace(year=AS_OF.year - 100) + datetime.timedelta(1), AS_OF),
    st.sampled_from(["%d/%m/%y", "%-d-%-m-%y", "%d.%m.%y"]),
)
def test_round_trip_of_two_digit_years_within_a_century(day, form):
    ymd, _, flags = read(day.strftime(form))
    assert (ymd, flags) == (number(day), 0)


@settings(deadline=None)
@given(BIRTHS.filter(lambda day: day.day > 12), st.sampled_from(["%m/%d/%Y", "%-m-%-d-%Y", "%m%d%Y"]))
def test_month_first_is_read_where_it_is_certain(day, form):
    assert read(day.strftime(form)) == (number(day), 0, 0)


@settings(deadline=None)
@given(RECENT)
def test_dates_and_timestamps_of_arrow(day):
    at_midnight = datetime.datetime.combine(day, datetime.time())
    for column in (
        pa.array([day]),
        pa.array([at_midnight], pa.timestamp("us")),
        pa.array([at_midnight], pa.timestamp("s")),
    ):
        assert dates.normalise(column, AS_OF).ymd.tolist() == [number(day)]


@settings(deadline=None)
@given(st.lists(st.text(max_size=30) | st.text("0123456789/-. :TMay", max_size=20) | st.none(), max_size=20))
def test_any_text_is_read_or_flagged(column):
    result = dates.normalise(pa.array(column, pa.string()), AS_OF)
    for row, (ymd, other, flags) in enumerate(
        zip(result.ymd.tolist(), result.other.tolist(), result.flags.tolist(), strict=True)
    ):
        assert flags in (0, MISSING, MALFORMED, IMPOSSIBLE)
        assert ymd > 0 or flags
        assert ymd == 0 or flags in (0, IMPOSSIBLE)
        assert ymd == 0 or (ymd // 10_000 >= 1900 and ymd // 100 % 100 <= 12 and ymd % 100 <= 31)
        assert other == 0 or sorted((other // 100 % 100, other % 100)) == sorted(
            (ymd // 100 % 100, ymd % 100)
        )
        assert read(column[row]) == (ymd, other, flags)
    again = dates.normalise(pa.array([f"{each:08}" for each in result.ymd]), AS_OF)
    assert (again.ymd == result.ymd).all()
    assert not again.other.any()


def test_age_counts_completed_years():
    born = np.array([20001123, 20001124, 20080229, 19600431, 20261123, 20261124, 0], np.int32)
    assert dates.age(born, AS_OF).tolist() == [26, 25, 18, 66, 0, -1, -1]
    leap = np.array([20080229], np.int32)
    assert dates.age(leap, datetime.date(2026, 2, 28)).tolist() == [17]
    assert dates.age(leap, datetime.date(2026, 3, 1)).tolist() == [18]
    assert dates.age(leap, datetime.date(2028, 2, 29)).tolist() == [20]
    never = np.array([19600431], np.int32)
    assert dates.age(never, datetime.date(2026, 4, 30)).tolist() == [65]
    assert dates.age(never, datetime.date(2026, 5, 1)).tolist() == [66]


@settings(deadline=None)
@given(
    st.dates(datetime.date(1900, 1, 1), datetime.date(2030, 12, 31)),
    st.dates(datetime.date(2000, 1, 1), datetime.date(2030, 12, 31)),
)
def test_age_of_a_whole_date_and_the_least_age_of_a_partial_one(born, as_of):
    def years(day: datetime.date) -> int:
        return (
            -1 if day > as_of else as_of.year - day.year - ((as_of.month, as_of.day) < (day.month, day.day))
        )

    month_end = born.replace(day=calendar.monthrange(born.year, born.month)[1])
    for ymd, latest, earliest in (
        (number(born), born, born),
        (born.year * 10_000 + born.month * 100, month_end, born.replace(day=1)),
        (born.year * 10_000, born.replace(month=12, day=31), born.replace(month=1, day=1)),
    ):
        least = years(min(latest, as_of)) if earliest <= as_of else -1
        assert dates.age(np.array([ymd], np.int32), as_of).tolist() == [least]


WRITTEN = st.one_of(
    st.none(), st.sampled_from(["", "1990-05-25", "03/07/90", "31/4/1990", "x", "1990", "33018"])
)


@given(st.lists(WRITTEN), st.lists(WRITTEN), st.data())
def test_codes_of_dates_are_read_as_the_dates(values, more, data):
    """Whatever stands in a dictionary: values that no row has, the same one twice, null."""
    dictionary = pa.array([*values, *more], pa.string())
    places = st.one_of(st.none(), st.integers(0, len(dictionary) - 1)) if len(dictionary) else st.none()
    codes = pa.array(data.draw(st.lists(places)), pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, dictionary)
    text = pa.array([None if at is None else dictionary[at].as_py() for at in codes.to_pylist()], pa.string())
    for as_codes, as_text in zip(dates.normalise(column, AS_OF), dates.normalise(text, AS_OF), strict=True):
        assert as_codes.tolist() == as_text.tolist()
        assert as_codes.dtype == as_text.dtype
