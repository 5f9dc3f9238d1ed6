from __future__ import annotations

import pytest

from tests.building import File, check, citizen, row

AN = citizen(123456, "Nguyễn Văn An", "1990-05-25", old_id_number="012345678")
BINH = citizen(777777, "Trần Thị Bình", "1985-12-01", "F", previous_id_number="001185000042")
OTHERS = [
    citizen(at, f"Lê {name} Minh", "1990-05-25") for at, name in enumerate(["Thu", "Hà", "Kim", "Đức"], 1)
]
REGISTER = [AN, BINH, *OTHERS]


def look(tmp_path, holder, register=REGISTER, **changed):
    return check(tmp_path, register, File("viettel", [row(1, holder, **changed)]))[0]


def test_a_cmnd_leads_to_its_bearer(tmp_path):
    assert look(tmp_path, AN, id_number="012345678", id_type="cmnd") == ("variant", {"ID_SUPERSEDED"})


def test_a_cancelled_number_leads_to_its_bearer(tmp_path):
    assert look(tmp_path, BINH, id_number="001185000042") == ("variant", {"ID_SUPERSEDED"})


def test_an_older_number_of_somebody_else(tmp_path):
    verdict, reasons = look(tmp_path, BINH, id_number="012345678", id_type="cmnd")
    assert verdict == "mismatch"
    assert {"ID_SUPERSEDED", "NAME_DIFFERENT", "DOB_DIFFERENT"} <= reasons


def test_an_older_number_with_a_badly_written_name(tmp_path):
    found = look(tmp_path, AN, id_number="012345678", id_type="cmnd", full_name="NGUYEN VAN AN")
    assert found == ("variant", {"ID_SUPERSEDED", "NAME_DIACRITICS"})


def test_an_older_number_whose_lost_zero_is_put_back(tmp_path):
    found = look(tmp_path, AN, id_number="12345678", id_type="cmnd")
    assert found == ("variant", {"ID_SUPERSEDED", "ID_FORMAT_REPAIRED"})


@pytest.mark.parametrize(("status", "reason"), [("deceased", "HOLDER_DECEASED"), ("revoked", "ID_REVOKED")])
def test_an_older_number_of_somebody_who_is_no_holder_any_more(tmp_path, status, reason):
    gone = citizen(5, "Võ Văn Tám", status=status, old_id_number="200000001")
    found = look(tmp_path, gone, [gone], id_number="200000001", id_type="cmnd")
    assert found == ("mismatch", {"ID_SUPERSEDED", reason})


@pytest.mark.parametrize("turn", [1, -1])
def test_of_several_bearers_the_one_who_agrees_is_meant(tmp_path, turn):
    """Provinces issued CMND numbers twice; the order of the register must not decide."""
    twin = citizen(222222, "Phạm Thị Hoa", "1970-01-09", "F", old_id_number="012345678")
    register = [AN, twin, *OTHERS][::turn]
    for holder in (AN, twin):
        found = look(tmp_path, holder, register, id_number="012345678", id_type="cmnd")
        assert found == ("variant", {"ID_SUPERSEDED"})


def test_a_bearer_now_counts_before_a_bearer_of_old(tmp_path):
    """A number in force is looked up as such, even if somebody else once bore it."""
    other = citizen(9, "Đỗ Văn Chín", previous_id_number=AN.id_number)
    assert look(tmp_path, AN, [AN, other]) == ("verified", frozenset())


def slips() -> list[str]:
    digits = AN.id_number
    changed = {
        digits[:at] + str((int(digits[at]) + step) % 10) + digits[at + 1 :]
        for at in range(12)
        for step in (1, 5)
    }
    swapped = {digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(11)}
    return sorted((changed | swapped) - {digits, "0" * 12})


def test_every_slip_of_one_digit_and_every_swap_of_neighbours(tmp_path):
    rows = [row(at, AN, id_number=number) for at, number in enumerate(slips())]
    assert len(rows) > 30
    for number, (verdict, reasons) in zip(
        slips(), check(tmp_path, REGISTER, File("viettel", rows)), strict=True
    ):
        assert verdict == "mismatch"
        assert reasons - {"ID_STRUCTURE_CONFLICT"} == {"ID_NOT_FOUND", "ID_LIKELY_TYPO"}, number


def test_a_slip_with_another_name_or_date_is_nobodys(tmp_path):
    number = AN.id_number[:-1] + "9"
    for changed in (
        {"full_name": "Trần Văn Tám"},
        {"date_of_birth": "1990-05-26"},
        {"full_name": "Nguyễn Văn Anh"},
    ):
        verdict, reasons = look(tmp_path, AN, id_number=number, **changed)
        assert (verdict, reasons) == ("mismatch", {"ID_NOT_FOUND"})


def test_a_slip_with_a_badly_written_name(tmp_path):
    number = AN.id_number[:-1] + "9"
    found = look(tmp_path, AN, id_number=number, full_name="NGUYEN VAN AN")
    assert found[0] == "mismatch"
    assert found[1] >= {"ID_NOT_FOUND", "ID_LIKELY_TYPO"}


@pytest.mark.parametrize("number", [AN.id_number[:-2] + "00", AN.id_number[:6] + "654321", "001090999999"])
def test_two_slips_are_another_number(tmp_path, number):
    assert look(tmp_path, AN, id_number=number) == ("mismatch", {"ID_NOT_FOUND"})


def test_neighbours_that_are_not_adjacent_and_exchanged(tmp_path):
    digits = AN.id_number
    number = digits[:6] + digits[8] + digits[7] + digits[6] + digits[9:]
    assert number != digits
    assert look(tmp_path, AN, id_number=number) == ("mismatch", {"ID_NOT_FOUND"})


def test_an_unknown_cmnd(tmp_path):
    assert look(tmp_path, AN, id_number="999999999", id_type="cmnd") == ("mismatch", {"ID_NOT_FOUND"})


@pytest.mark.parametrize("buckets", [1, 5])
@pytest.mark.parametrize("threads", [1, 3])
def test_buckets_threads_and_batches_change_nothing(tmp_path, buckets, threads):
    rows = [row(at, AN, id_number=number) for at, number in enumerate(slips())]
    rows += [row(500, AN, id_number="012345678"), row(501, BINH, id_number="001185000042"), row(502, BINH)]
    expected = check(tmp_path, REGISTER, File("viettel", rows))
    found = check(tmp_path, REGISTER, File("viettel", rows), buckets=buckets, threads=threads, size=3)
    assert found == expected
    assert [verdict for verdict, _ in found[-3:]] == ["variant", "variant", "verified"]


def test_the_flag_of_a_birth_date_is_settled_by_the_bearer(tmp_path):
    """31 April, and the register holds 1 May: explained; told once the bearer is known."""
    may = citizen(8, "Hồ Văn Tư", "1990-05-01", old_id_number="300000003")
    found = look(tmp_path, may, [may], id_number="300000003", id_type="cmnd", date_of_birth="31/04/1990")
    assert found == ("variant", {"ID_SUPERSEDED", "DOB_IMPOSSIBLE"})
