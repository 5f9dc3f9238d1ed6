import csv
import datetime
from importlib.resources import files

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.normalise import phones
from simcheck.reasons import Reason

INVALID, NOT_MOBILE, OLD = (
    Reason.MSISDN_INVALID.mask,
    Reason.MSISDN_NOT_MOBILE.mask,
    Reason.MSISDN_OLD_PREFIX.mask,
)
# The change of 2018 once more, from the announcement, apart from the product's table.
RENUMBERED = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip


def read(cell: str | None) -> tuple[int, int]:
    result = phones.normalise(pa.array([cell], pa.string()))
    return int(result.national[0]), int(result.flags[0])


@pytest.mark.parametrize(
    "cell",
    [
        "0912345678", "912345678", "84912345678", "+84912345678", "0084912345678",
        "+84 (0) 912 345 678", "(+84) 912-345-678", "+840912345678", "840912345678", "00840912345678",
        "0912.345.678", "0912 345 678", "0912-345-678", "(0912) 345678", "0912/345678", "84.912.345.678",
        "0912\u00a0345\u00a0678", " 0912345678\t", "\ufeff0912345678", "0912\u2013345\u2013678",
        "'0912345678", "\u20190912345678", '="0912345678"', "912345678.0", "912345678.00", "912345678,0",
        "0912345678.0", "84912345678.0", "9.12345678E8", "9.12345678e+08", "9,12345678E8", "8.4912345678E+10",
        "912,345,678", "０９１２３４５６７８", "＋８４９１２３４５６７８",
    ],
)  # fmt: skip
def test_every_writing_of_one_number(cell):
    assert read(cell) == (912345678, 0)


@pytest.mark.parametrize(
    "cell",
    [
        None, "", " ", "0", "00", "84", "+84", "+", "()", "091234567", "09123456789", "9123456789",
        "0123456789",
        "+85512345678", "0085512345678", "14155552671", "+912345678", "+0912345678",
        "++84912345678", "84+912345678",
        "0531234567", "0571234567", "0711234567", "0751234567", "0801234567", "0992345678", "0412345678",
        "abc", "0912345678a", "O912345678", "tel 0912345678", "0912345678;", "null", "-912345678x",
        "0912345678, 0987654321", "0912345678/0987654321", "0912345678 0987654321", "0912345678/79",
        "9.12E+08", "9.1234567E8", "8.49123E+10", "9.123456785E8", "9E8", "91234567.0", "09123456.00",
        "٠٩١٢٣٤٥٦٧٨", "0" * 70, "9" * 18, "9" * 19, "9" * 5000,
    ],
)  # fmt: skip
def test_no_number_or_no_vietnamese_one(cell):
    assert read(cell) == (0, INVALID)


@pytest.mark.parametrize(
    "cell",
    [
        "02412345678", "2412345678", "842412345678", "+842812345678", "0236 3 123 456", "113",
        "1414", "18001091",
        "1800 1091", "19001900", "1900123456", "+8418001091", "01712345678", "0140123456", "0121012345",
    ],
)  # fmt: skip
def test_fixed_lines_services_and_machines_are_not_mobile(cell):
    assert read(cell) == (0, NOT_MOBILE)


@pytest.mark.parametrize(("old", "new"), RENUMBERED.items())
@pytest.mark.parametrize("before", ["0", "", "84", "+84", "0084", "+84 0 ", "'0"])
def test_numbers_of_before_2018_become_todays(old, new, before):
    assert read(f"{before}{old}2345678") == (int(f"{new}2345678"), OLD)


def test_a_range_that_begins_with_the_country_code_keeps_its_digits():
    assert (
        read("841234567")
        == read("0841234567")
        == read("84841234567")
        == read("+84841234567")
        == (841234567, 0)
    )


def oracle(number: str) -> int:
    """The national number if phonenumbers calls `number` a Vietnamese mobile one, else 0."""
    try:
        parsed = phonenumbers.parse(number, "VN")
    except phonenumbers.NumberParseException:
        return 0
    kind = phonenumbers.number_type(parsed)
    return (
        int(parsed.national_number)
        if parsed.country_code == 84 and kind == phonenumbers.PhoneNumberType.MOBILE
        else 0
    )


def blocks(*prefixes: str) -> set[str]:
    """The four-digit beginnings under prefixes of two to four digits."""
    return {
        each + f"{rest:0{4 - len(each)}}"[: 4 - len(each)]
        for each in prefixes
        for rest in range(10 ** (4 - len(each)))
    }


# Beginnings (without the trunk zero) of which only we, or only phonenumbers, say that they are mobile.
ONLY_OURS = {
    "the whole of 52 is allotted to one network; phonenumbers knows the blocks opened first": blocks(
        "520", "521", "524", "525", "526", "527", "529"
    ),
    "the range of a virtual network, of which phonenumbers knows one block": blocks("55") - blocks("559"),
    "allotted as a whole; phonenumbers knows the blocks in use": blocks(
        "890", "891", "892", "893", "894", "895"
    ),
}
ONLY_THEIRS = {
    "codes beginning with 1 belong to machines, which no person registers": blocks(
        "140", "160", "1210", "1211", "1212", "1213"
    )
}


def test_the_whole_plan_against_phonenumbers():
    beginnings = [f"{each:04}" for each in range(10_000)]
    numbers = [f"0{each}{tail}" for each in beginnings for tail in ("00000", "86420")]
    ours = phones.normalise(pa.array(numbers)).national
    theirs = np.array([oracle(each) for each in numbers])
    only_ours = {
        number[1:5] for number, our, their in zip(numbers, ours, theirs, strict=True) if our and not their
    }
    only_theirs = {
        number[1:5] for number, our, their in zip(numbers, ours, theirs, strict=True) if their and not our
    }
    assert only_ours == set().union(*ONLY_OURS.values())
    assert only_theirs == set().union(*ONLY_THEIRS.values())
    both = (ours > 0) & (theirs > 0)
    assert both.sum() > 6000
    assert (ours[both] == theirs[both]).all()


def test_the_whole_plan_of_eleven_digits_against_phonenumbers():
    """phonenumbers forgot the old form: it refuses each old number and knows the one that replaced it."""
    numbers = [f"0{each:04}135790" for each in range(10_000)]
    result = phones.normalise(pa.array(numbers))
    for number, national, flags in zip(numbers, result.national.tolist(), result.flags.tolist(), strict=True):
        new = RENUMBERED.get(number[1:4])
        assert oracle(number) == 0
        if new is None:
            assert national == 0
            assert flags in (INVALID, NOT_MOBILE)
        else:
            assert (national, flags) == (int(new + number[4:]), OLD)
            assert oracle(f"0{national}") == national


def test_fixed_lines_that_phonenumbers_knows_are_not_mobile():
    numbers = [f"0{each}1234567" for each in range(200, 300)]
    known = [each for each in numbers if phonenumbers.is_valid_number(phonenumbers.parse(each, "VN"))]
    result = phones.normalise(pa.array(known))
    assert len(known) > 50
    assert set(result.flags.tolist()) == {NOT_MOBILE}


MOBILE = st.sampled_from(["32", "39", "52", "55", "70", "84", "87", "90", "98"]).flatmap(
    lambda prefix: st.integers(0, 10**7 - 1).map(lambda rest: int(f"{prefix}{rest:07}"))
)


@settings(deadline=None)  # the first call compiles
@given(
    MOBILE,
    st.sampled_from(["0", "", "84", "+84", "0084", "+84 (0) ", "84 0", "'0", "\u00a00"]),
    st.lists(st.sampled_from(["", " ", "-", "(", ")", "/", "\u2009", "\u200b"]), min_size=8, max_size=8),
    st.booleans(),
)
def test_round_trip_over_every_writing(national, before, between, wide):
    digits = str(national)
    cell = before + digits[0] + "".join(gap + digit for gap, digit in zip(between, digits[1:], strict=True))
    if wide:
        cell = cell.translate({ord("0") + each: 0xFF10 + each for each in range(10)})
    assert read(cell) == (national, 0)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.text(max_size=30) | st.text("0123456789+-(). /E'", max_size=20) | st.none(), max_size=20))
def test_any_text_is_read_or_flagged_and_what_is_read_stays(column):
    array = pa.array(column, pa.string())
    result = phones.normalise(array)
    assert len(result.national) == len(result.flags) == len(column)
    read_at_all = result.national > 0
    refused = (result.flags & np.uint64(INVALID | NOT_MOBILE)) > 0
    assert (read_at_all ^ refused).all()
    again = phones.normalise(phones.e164(result.national))
    assert (again.national == result.national).all()
    assert not again.flags[read_at_all].any()
    alone = [read(cell) for cell in column]
    assert alone == list(zip(result.national.tolist(), result.flags.tolist(), strict=True))


def test_e164():
    strings = phones.e164(np.array([912345678, 0, 841234567], np.int64))
    strings.validate(full=True)
    assert strings.to_pylist() == ["+84912345678", None, "+84841234567"]
    assert phones.e164(np.zeros(0, np.int64)).to_pylist() == []


def test_chunks_slices_and_other_types_read_the_same():
    cells = ["0912345678", None, "+84 987 654 321", "x"]
    expected = [912345678, 0, 987654321, 0]
    assert phones.normalise(pa.array(cells)).national.tolist() == expected
    assert phones.normalise(pa.array(["?", *cells, "?"])[1:-1]).national.tolist() == expected
    assert phones.normalise(pa.chunked_array([cells[:1], cells[1:]])).national.tolist() == expected
    assert phones.normalise(pa.array(cells, pa.large_string())).national.tolist() == expected
    assert phones.normalise(pa.array([912345678])).national.tolist() == [912345678]
    assert phones.normalise(pa.array([912345678.0, None])).national.tolist() == [912345678, 0]
    assert phones.normalise(pa.array([], pa.string())).national.tolist() == []
    assert phones.normalise(pa.nulls(2, pa.string())).flags.tolist() == [INVALID, INVALID]


def test_the_plan_states_its_versions_and_sources():
    with files("simcheck.normalise").joinpath("numbering_plan.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["prefix"], row["digits_least"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["source"]
        assert row["confidence"] in set("HML")
        assert row["kind"] in {"mobile", "old_mobile", "machine", "service", "fixed", "unassigned"}
        assert (row["kind"] == "old_mobile") == bool(row["becomes"])
        assert len(row["prefix"]) <= phones.KEY_DIGITS
        for column in ("valid_from", "valid_to"):
            assert not row[column] or datetime.date.fromisoformat(row[column])
