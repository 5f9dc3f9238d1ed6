from __future__ import annotations

import pytest

from simcheck.crosscheck import run
from tests.building import BatchReading, File, check, citizen, decided, register, request, row
from tests.simcheck.mangling import misread, tcvn3

AN = citizen(1, "Nguyễn Văn An")
BINH = citizen(2, "Trần Thị Bình", gender="F", old_id_number="012345678")
CHI = citizen(3, "Lê Chi", gender="F")
REGISTER = [AN, BINH, CHI]
FLAG = ("verified", {"MSISDN_DUPLICATE_IN_CARRIER"})
DISPUTED = ("mismatch", {"MSISDN_DUPLICATE_IN_CARRIER"})
CLAIMED = ("mismatch", {"MSISDN_CLAIMED_BY_OTHER_CARRIER"})
FINE = ("verified", set())


def test_the_same_person_twice_is_a_flag(tmp_path):
    rows = [row(1, AN), row(2, AN), row(1, AN, msisdn="+84 900 000 001")]
    assert check(tmp_path, REGISTER, File("viettel", rows)) == [FLAG, FINE, FLAG]


def test_different_persons_with_one_number_contradict_each_other(tmp_path):
    rows = [row(1, AN), row(1, BINH), row(2, CHI)]
    assert check(tmp_path, REGISTER, File("viettel", rows)) == [DISPUTED, DISPUTED, FINE]


def test_a_third_row_of_another_person_disputes_all_three(tmp_path):
    rows = [row(1, AN), row(1, AN), row(1, BINH)]
    assert check(tmp_path, REGISTER, File("viettel", rows)) == [DISPUTED] * 3


def test_an_old_and_a_new_number_of_one_person_are_one_person(tmp_path):
    rows = [row(1, BINH), row(1, BINH, id_number="012345678", id_type="cmnd")]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert found == [FLAG, ("variant", {"ID_SUPERSEDED", "MSISDN_DUPLICATE_IN_CARRIER"})]


def test_nobody_known_on_either_row_is_a_dispute(tmp_path):
    rows = [row(1, AN, id_number=""), row(1, AN, id_number=""), row(2, AN)]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert [verdict for verdict, _ in found] == ["mismatch", "mismatch", "verified"]
    assert all("MSISDN_DUPLICATE_IN_CARRIER" in reasons for _, reasons in found[:2])


def test_nobody_known_on_one_row_disputes_the_other(tmp_path):
    rows = [row(1, AN), row(1, AN, id_number="")]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert found[0] == DISPUTED


def test_two_files_of_one_carrier_are_one_carrier(tmp_path):
    files = [File("viettel", [row(1, AN)], "a.rows"), File("viettel", [row(1, BINH)], "b.rows")]
    assert check(tmp_path, REGISTER, *files) == [DISPUTED] * 2


def test_two_carriers_claim_one_number(tmp_path):
    """Whatever the holders: a number is in one network only."""
    files = [File("viettel", [row(1, AN), row(2, AN)]), File("itel", [row(1, AN), row(3, AN)])]
    assert check(tmp_path, REGISTER, *files) == [CLAIMED, FINE, CLAIMED, FINE]


def test_a_number_that_is_both_doubled_and_claimed(tmp_path):
    files = [File("viettel", [row(1, AN), row(1, AN)]), File("itel", [row(1, AN)])]
    both = {"MSISDN_CLAIMED_BY_OTHER_CARRIER", "MSISDN_DUPLICATE_IN_CARRIER"}
    assert check(tmp_path, REGISTER, *files) == [("mismatch", both), ("mismatch", both), CLAIMED]


@pytest.mark.parametrize("word", ["terminated", "CANCELLED", " Thu hồi ", "đã hủy", "Đã huỷ", "thanh lý"])
def test_a_subscription_that_is_over_claims_nothing(tmp_path, word):
    files = [
        File("viettel", [row(1, AN, status=word), row(1, BINH), row(2, AN)]),
        File("itel", [row(2, CHI, status=word), row(1, AN, status=word)]),
    ]
    assert check(tmp_path, REGISTER, *files) == [FINE] * 5


@pytest.mark.parametrize("word", ["active", "", None, "đang hoạt động", "2"])
def test_any_other_status_claims(tmp_path, word):
    rows = [row(1, AN, status=word), row(1, BINH, status="active")]
    assert check(tmp_path, REGISTER, File("viettel", rows)) == [DISPUTED] * 2


@pytest.mark.parametrize("bad", ["", "12", "02838221234"])
def test_rows_without_a_mobile_number_claim_nothing(tmp_path, bad):
    files = [File("viettel", [row(bad, AN), row(bad, BINH)]), File("itel", [row(bad, CHI)])]
    found = check(tmp_path, REGISTER, *files)
    assert {verdict for verdict, _ in found} == {"rejected"}
    assert not any(reason.startswith(("MSISDN_D", "MSISDN_C")) for _, r in found for reason in r)


def test_an_old_11_digit_number_and_its_new_form_are_one(tmp_path):
    rows = [row("01234567890", AN), row("0834567890", BINH)]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert found == [("mismatch", {"MSISDN_OLD_PREFIX", "MSISDN_DUPLICATE_IN_CARRIER"}), DISPUTED]


@pytest.mark.parametrize(("count", "flagged"), [(1, False), (3, False), (4, True), (9, True)])
def test_more_than_three_at_one_carrier(tmp_path, count, flagged):
    rows = [row(at, AN) for at in range(count)] + [row(100, BINH)]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert found == [("verified", {"SIM_LIMIT_PER_CARRIER"} if flagged else set())] * count + [FINE]


def test_three_at_each_of_three_carriers_are_within_both_limits(tmp_path):
    files = [
        File(carrier, [row(10 * at + each, AN) for each in range(3)])
        for at, carrier in enumerate(["viettel", "itel", "gmobile"])
    ]
    assert check(tmp_path, REGISTER, *files) == [FINE] * 9


@pytest.mark.parametrize(("count", "flagged"), [(9, False), (10, True)])
def test_ten_in_all(tmp_path, count, flagged):
    carriers = ["viettel", "itel", "gmobile", "wintel"]
    files = [
        File(carrier, [row(at, AN) for at in range(count) if at % 4 == number])
        for number, carrier in enumerate(carriers)
    ]
    expected = ("verified", {"SIM_LIMIT_TOTAL"} if flagged else set())
    assert check(tmp_path, REGISTER, *files) == [expected] * count


def test_numbers_that_are_over_do_not_count(tmp_path):
    rows = [row(at, AN) for at in range(3)] + [row(at, AN, status="terminated") for at in range(10, 20)]
    assert check(tmp_path, REGISTER, File("viettel", rows)) == [FINE] * 13


def test_the_same_number_twice_is_one_sim(tmp_path):
    """A limit counts numbers, not rows: a number that stands there twice is held once."""
    rows = [row(at, AN) for at in range(3)] + [row(2, AN)]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert all("SIM_LIMIT_PER_CARRIER" not in reasons for _, reasons in found)


def test_numbers_under_an_old_and_a_new_id_count_together(tmp_path):
    rows = [row(at, BINH) for at in range(2)]
    rows += [row(at, BINH, id_number="012345678", id_type="cmnd") for at in range(10, 12)]
    found = check(tmp_path, REGISTER, File("viettel", rows))
    assert all("SIM_LIMIT_PER_CARRIER" in reasons for _, reasons in found)


class Growing(BatchReading):
    """A reading that learns of its columns as it goes, as one of JSON lines does."""

    def __iter__(self):
        self.present = frozenset()
        for batch in super().__iter__():
            self.present |= {name for name in batch.schema.names if batch[name].null_count < len(batch)}
            yield batch


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("buckets", [1, 3])
def test_a_column_that_shows_late_counts_for_the_whole_file(tmp_path, size, buckets):
    """Whether a file has faces at all is known at its end; where it was cut into batches must not show."""
    rows = [row(1, AN), row(2, BINH), row(3, CHI, face_verified_at="2026-01-02"), row(4, AN)]
    asked = request(tmp_path, register(tmp_path / "r.csv", REGISTER), File("viettel", rows), buckets=buckets)
    files = [("viettel", asked.files[0][1], lambda columns: Growing(rows, columns, size))]
    run.check(run.Request(**{**vars(asked), "files": files}))
    missing = ("verified", {"FACE_NOT_VERIFIED"})
    assert decided(asked.out) == [missing, missing, FINE, missing]


# In TCVN3, ã is the letter ó: "Phãng" is Phóng, and reads as a syllable as it stands
PHONG = citizen(11, "Lê Văn Phóng")
CROWD = [citizen(100 + at, f"Nguyễn Thị {name}") for at, name in enumerate(["Hằng", "Thuỷ", "Đào", "Phượng"])]


def dead(person):
    return misread(tcvn3(person.full_name), "latin-1")


def test_a_doubtful_name_is_settled_by_its_file(tmp_path):
    doubtful = row(1, PHONG, full_name="Lê Văn Phãng")
    mostly_dead = [row(10 + at, each, full_name=dead(each)) for at, each in enumerate(CROWD)]
    mostly_fine = [row(20 + at, each) for at, each in enumerate(CROWD)]
    written = row(1, PHONG, full_name=dead(PHONG))
    register = [PHONG, *CROWD]
    alone = check(tmp_path, register, File("viettel", [doubtful, *mostly_fine]))
    assert alone[0][0] == "mismatch"
    assert alone[1:] == [FINE] * 4
    found = check(tmp_path, register, File("viettel", [written, *mostly_dead]))
    assert found == [("variant", {"NAME_ENCODING"})] * 5


def test_a_name_that_only_a_dead_file_explains(tmp_path):
    """`Phãng` alone: every word a syllable; in a TCVN3 file it is Phóng, in any other it is Phãng."""
    phong = citizen(12, "Phóng")
    doubtful = row(1, phong, full_name="Phãng")
    register = [phong, *CROWD]
    dead_file = File(
        "viettel", [doubtful, *(row(10 + at, each, full_name=dead(each)) for at, each in enumerate(CROWD))]
    )
    fine_file = File(
        "itel", [row(2, phong, full_name="Phãng"), *(row(30 + at, each) for at, each in enumerate(CROWD))]
    )
    found = check(tmp_path, register, dead_file, fine_file, size=2)
    assert found[0] == ("variant", {"NAME_ENCODING"})
    assert found[5][0] == "mismatch"
    assert "NAME_DIFFERENT" in found[5][1]


def test_a_dead_file_does_not_excuse_another_name(tmp_path):
    rows = [row(1, PHONG, full_name=misread(tcvn3("Lê Văn Hùng"), "latin-1"))]
    rows += [row(10 + at, each, full_name=dead(each)) for at, each in enumerate(CROWD)]
    found = check(tmp_path, [PHONG, *CROWD], File("viettel", rows))
    assert found[0][0] == "mismatch"
    assert "NAME_DIFFERENT" in found[0][1]
