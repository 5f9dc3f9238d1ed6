"""One declared row against one citizen, through the whole check: what each kind of difference is called."""

from __future__ import annotations

import datetime

import pytest

from tests.building import AS_OF, File, check, citizen, row

AN = citizen(123456, "Nguyễn Văn An", "1990-05-25")


def judge(tmp_path, holder=AN, register=(), **changed):
    return check(tmp_path, [holder, *register], File("viettel", [row(1, holder, **changed)]))[0]


FINE = ("verified", set())


@pytest.mark.parametrize(
    "changed",
    [
        {"msisdn": "+84 900 000 001"}, {"msisdn": "84900000001"}, {"msisdn": "0084900000001"},
        {"msisdn": "900000001"},
        {"msisdn": "0900.000.001"}, {"msisdn": "900000001.0"}, {"id_number": "001 090 123456"},
        {"id_number": "001.090.123.456"}, {"id_number": "'001090123456"},
        {"id_number": "００１０９０１２３４５６"},
        {"date_of_birth": "25/05/1990"}, {"date_of_birth": "25-5-1990"}, {"date_of_birth": "19900525"},
        {"date_of_birth": "25051990"}, {"date_of_birth": "33018"}, {"date_of_birth": "1990-05-25T00:00:00"},
        {"full_name": "NGUYỄN  VĂN AN"}, {"full_name": "nguye\u0302\u0303n va\u0306n an"}, {"gender": None},
        {"id_type": None}, {"id_type": "CCCD"}, {"gender": "Nam"},
    ],
    ids=lambda each: "=".join(map(str, next(iter(each.items())))),
)  # fmt: skip
def test_spelling_without_information_is_verified(tmp_path, changed):
    assert judge(tmp_path, **changed) == FINE


@pytest.mark.parametrize(
    ("changed", "verdict", "reasons"),
    [
        ({"msisdn": ""}, "rejected", {"MSISDN_INVALID"}),
        ({"msisdn": "abc"}, "rejected", {"MSISDN_INVALID"}),
        ({"msisdn": "02838221234"}, "rejected", {"MSISDN_NOT_MOBILE"}),
        ({"msisdn": "01234567890"}, "variant", {"MSISDN_OLD_PREFIX"}),
        ({"id_number": ""}, "mismatch", {"ID_MISSING"}),
        ({"id_number": "12345"}, "mismatch", {"ID_MALFORMED"}),
        ({"id_number": "1090123456"}, "variant", {"ID_FORMAT_REPAIRED"}),
        ({"id_number": "OO1O9O123456"}, "variant", {"ID_FORMAT_REPAIRED"}),
        ({"id_number": "001099999999"}, "mismatch", {"ID_NOT_FOUND", "ID_STRUCTURE_CONFLICT"}),
        ({"id_number": "B1234567", "id_type": "passport"}, "unverifiable", {"ID_TYPE_UNSUPPORTED"}),
        ({"full_name": ""}, "mismatch", {"NAME_MISSING"}),
        ({"full_name": None}, "mismatch", {"NAME_MISSING"}),
        ({"full_name": "NGUYEN VAN AN"}, "variant", {"NAME_DIACRITICS"}),
        ({"full_name": "Nguyễn Văn Anh"}, "mismatch", {"NAME_DIFFERENT"}),
        ({"full_name": "Nguyễn Văn Ann"}, "mismatch", {"NAME_TYPO"}),
        ({"date_of_birth": ""}, "mismatch", {"DOB_MISSING"}),
        ({"date_of_birth": "yesterday"}, "mismatch", {"DOB_MALFORMED"}),
        ({"date_of_birth": "1990"}, "variant", {"DOB_PARTIAL"}),
        ({"date_of_birth": "05/1990"}, "variant", {"DOB_PARTIAL"}),
        ({"date_of_birth": "1990-05-26"}, "mismatch", {"DOB_TYPO"}),
        ({"gender": "F"}, "verified", {"ID_STRUCTURE_CONFLICT"}),
        ({"face_verified_at": ""}, "verified", {"FACE_NOT_VERIFIED"}),
        ({"face_verified_at": "2026-01-02"}, "verified", set()),
        (
            {"full_name": "Lê Thị Tám", "date_of_birth": "1971-01-02"},
            "mismatch",
            {"NAME_DIFFERENT", "DOB_DIFFERENT", "ID_STRUCTURE_CONFLICT"},
        ),
        (
            {"msisdn": "", "full_name": "NGUYEN VAN AN", "date_of_birth": ""},
            "rejected",
            {"MSISDN_INVALID", "NAME_DIACRITICS", "DOB_MISSING"},
        ),
        (
            {"id_number": "", "full_name": "", "date_of_birth": ""},
            "mismatch",
            {"ID_MISSING", "NAME_MISSING", "DOB_MISSING"},
        ),
    ],
    ids=lambda each: " ".join(sorted(each)) if isinstance(each, set) else str(each),
)
def test_every_reason_that_applies_is_named(tmp_path, changed, verdict, reasons):
    assert judge(tmp_path, **changed) == (verdict, reasons)


@pytest.mark.parametrize(
    ("status", "reasons"), [("deceased", {"HOLDER_DECEASED"}), ("revoked", {"ID_REVOKED"})]
)
def test_a_holder_who_is_none_any_more(tmp_path, status, reasons):
    assert judge(tmp_path, citizen(1, "Trần An", status=status)) == ("mismatch", reasons)


YOUNG = {"HOLDER_UNDERAGE"}


@pytest.mark.parametrize(
    ("years", "days", "verdict", "reasons"),
    [
        (6, 1, "mismatch", YOUNG), (6, 0, "verified", YOUNG), (15, 1, "verified", YOUNG),
        (15, 0, "verified", set()),
        (5, 0, "mismatch", YOUNG), (16, 0, "verified", set()),
    ],
)  # fmt: skip
def test_ages_on_the_day_of_the_check(tmp_path, years, days, verdict, reasons):
    """Under 6 a guardian registers, under 15 one must consent; on the birthday one is of age."""
    born = AS_OF.replace(year=AS_OF.year - years) + datetime.timedelta(days=days)
    assert judge(tmp_path, citizen(1, "Trần An", str(born))) == (verdict, reasons)


def test_a_structure_that_disagrees_is_a_soft_sign(tmp_path):
    """Numbers were issued with errors: where the register has the number so, it is right."""
    odd = citizen(1, "Trần An")._replace(date_of_birth="1985-01-02", gender="F")
    assert judge(tmp_path, odd) == ("verified", {"ID_STRUCTURE_CONFLICT"})


def test_a_register_that_knows_less(tmp_path):
    assert judge(tmp_path, citizen(1, "Trần An", "1990"), date_of_birth="25/05/1990") == (
        "variant",
        {"DOB_PARTIAL"},
    )
    assert judge(tmp_path, citizen(1, "Trần An", "1990"), date_of_birth="1990") == FINE


ODD = {"DOB_IMPOSSIBLE", "DOB_DIFFERENT"}


@pytest.mark.parametrize(
    ("declared", "held", "expected"),
    [
        ("31/04/1990", "1990-04-31", FINE),
        ("31/04/1990", "1990-05-01", ("variant", {"DOB_IMPOSSIBLE"})),
        ("01/05/1990", "1990-04-31", ("variant", {"DOB_IMPOSSIBLE"})),
        ("30/02/1990", "1990-03-02", ("variant", {"DOB_IMPOSSIBLE"})),
        ("31/04/1990", "1985-12-12", ("mismatch", {*ODD, "ID_STRUCTURE_CONFLICT"})),
    ],
)  # fmt: skip
def test_days_that_never_were(tmp_path, declared, held, expected):
    holder = citizen(1, "Trần An", held)
    if expected == FINE:  # the same on both sides: at most a variant
        verdict, reasons = judge(tmp_path, holder, date_of_birth=declared)
        assert (verdict, reasons) in [FINE, ("variant", {"DOB_IMPOSSIBLE"})]
    else:
        assert judge(tmp_path, holder, date_of_birth=declared) == expected


def test_a_name_without_a_known_holder_is_only_missing_or_not(tmp_path):
    assert judge(tmp_path, id_number="", full_name="x") == ("mismatch", {"ID_MISSING"})
    assert judge(tmp_path, id_number="001090999999", full_name=None, gender=None) == (
        "mismatch", {"ID_NOT_FOUND", "NAME_MISSING"},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["\u200b", "\u00a0", "\ufeff", "-"])
def test_an_invisible_name_is_missing_whether_the_holder_is_known_or_not(tmp_path, name):
    assert judge(tmp_path, full_name=name) == ("mismatch", {"NAME_MISSING"})
    assert judge(tmp_path, full_name=name, id_number="") == ("mismatch", {"NAME_MISSING", "ID_MISSING"})


@pytest.mark.parametrize("cell", ["\u00a0", "  ", "\u200b"])
def test_a_blank_face_verification_is_none(tmp_path, cell):
    assert judge(tmp_path, face_verified_at=cell) == ("verified", {"FACE_NOT_VERIFIED"})


def test_the_column_of_face_verification_may_be_absent(tmp_path):
    with_it = row(1, AN, face_verified_at=None)
    assert check(tmp_path, [AN], File("viettel", [with_it, row(2, AN, face_verified_at="2026-01-01")])) == [
        ("verified", {"FACE_NOT_VERIFIED"}), FINE,
    ]  # fmt: skip
    assert judge(tmp_path) == FINE
