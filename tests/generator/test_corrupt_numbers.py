from __future__ import annotations

from datetime import date

import numpy as np
import phonenumbers
import pytest

from generator import corrupt_numbers, errors, people
from generator.corrupt_numbers import Documents, written_ids, written_msisdns

HELD = Documents(np.array([79090012345]), np.array([1090555555]), np.array([24378606]))
NO_OTHER = Documents(np.array([231090012345]), np.array([-1]), np.array([-1]))
SEED = 4


def one_id(kind: str, held: Documents = HELD, uniform: float = 0.5) -> tuple[str | None, int]:
    cells, said, got = written_ids(held, np.array([errors.number(f"id.{kind}")]), np.array([uniform]), SEED)
    return ("unable", -2) if got[0] < 0 else (cells[0].as_py(), int(said[0]))


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        ("spaced", "079 090 012345", 79090012345),
        ("dotted", "079.090.012345", 79090012345),
        ("dashed", "079-090-012345", 79090012345),
        ("trailing_space", "079090012345 ", 79090012345),
        ("text_mark", "'079090012345", 79090012345),
        ("lost_zero", "79090012345", 79090012345),
        ("float_tail", "79090012345.0", 79090012345),
        ("letter_o", "O79090012345", 79090012345),
        ("cmnd", "024378606", -1),
        ("cmnd_lost_zero", "24378606", -1),
        ("previous", "001090555555", 1090555555),
        ("scientific", "7.9090E+10", -1),
        ("missing", None, -1),
    ],
)
def test_id_recipes(kind: str, cell: str | None, said: int) -> None:
    assert one_id(kind) == (cell, said)


@pytest.mark.parametrize(
    "kind", ["lost_zero", "letter_o", "cmnd", "cmnd_lost_zero", "previous", "scientific"]
)
def test_an_id_of_a_birth_abroad_has_no_zero_to_lose(kind: str) -> None:
    assert one_id(kind, NO_OTHER) == ("unable", -2)


def test_slips_are_one_slip_away_and_belong_to_nobody() -> None:
    block = people.citizens(SEED, 0, 4000, date(2026, 7, 1))
    held = Documents(block.id_number, block.previous, block.cmnd)
    taken = set(block.id_number) | set(block.previous)
    for kind, most in (("slip", 1), ("transposed", 2), ("not_found", 6)):
        kinds = np.full(4000, errors.number(f"id.{kind}"))
        cells, said, got = written_ids(held, kinds, np.random.default_rng(0).random(4000), SEED)
        done = got >= 0
        assert done.mean() > 0.85
        assert not taken & set(said[done])
        apart = [
            sum(one != other for one, other in zip(cell, f"{number:012d}", strict=True))
            for cell, number in zip(np.array(cells.to_pylist())[done], block.id_number[done], strict=True)
        ]
        assert set(apart) <= ({most} if most < 3 else set(range(3, 7)))


def test_unknown_old_numbers_belong_to_nobody() -> None:
    block = people.citizens(SEED, 0, 20_000, date(2026, 7, 1))
    held = Documents(block.id_number, block.previous, block.cmnd)
    kinds = np.full(20_000, errors.number("id.cmnd_unknown"))
    cells, _, _ = written_ids(held, kinds, np.random.default_rng(0).random(20_000), SEED)
    everyone = people.cmnds(SEED, np.arange(200_000))
    assert not set(map(int, cells.to_pylist())) & set(everyone)
    assert {len(cell) for cell in cells.to_pylist()} == {9}


@pytest.mark.parametrize("uniform", [0.05, 0.5, 0.75, 0.99])
def test_malformed_ids_have_no_length_that_could_be_mended(uniform: float) -> None:
    cell, said = one_id("malformed", uniform=uniform)
    assert said == -1
    assert cell is not None
    assert not cell.isdigit() or len(cell) in {7, 14}


def one_number(kind: str, number: int = 912345678, uniform: float = 0.5) -> str | None:
    kinds = np.array([errors.number(f"msisdn.{kind}")])
    cells, got = written_msisdns(np.array([number]), kinds, np.array([uniform]))
    return "unable" if got[0] < 0 else cells[0].as_py()


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("zero", "0912345678"),
        ("plus_84", "+84912345678"),
        ("0084", "0084912345678"),
        ("dotted", "0912.345.678"),
        ("spaced", "0912 345 678"),
        ("dashed", "0912-345-678"),
        ("lost_zero", "912345678"),
        ("float_tail", "912345678.0"),
        ("scientific", "8.4912345678E+10"),
        ("brackets", "(+84) 912345678"),
        ("old_prefix", "unable"),
        ("landline", "02832345678"),
        ("too_short", "091234567"),
        ("too_long", "091234567855"),
        ("missing", None),
    ],
)
def test_msisdn_recipes(kind: str, cell: str | None) -> None:
    assert one_number(kind) == cell


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (701234567, "01201234567"),
        (791234567, "01211234567"),
        (321234567, "01621234567"),
        (591234567, "01991234567"),
    ],
)
def test_numbers_of_before_2018(new: int, old: str) -> None:
    assert one_number("old_prefix", new) == old


def test_refused_numbers_are_no_mobile_numbers_for_others_either() -> None:
    for kind in ("landline", "too_short", "too_long", "no_such_prefix"):
        for uniform in (0.1, 0.5, 0.9):
            cell = one_number(kind, uniform=uniform)
            assert cell
            parsed = phonenumbers.parse(cell, "VN")
            mobile = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
            assert not (mobile and phonenumbers.is_valid_number(parsed))


def test_every_kind_of_number_in_the_table_is_made() -> None:
    for place in errors.of_part("id"):
        assert one_id(errors.kinds()[place].name.removeprefix("id."))
    for place in errors.of_part("msisdn"):
        one_number(errors.kinds()[place].name.removeprefix("msisdn."), 321234567)
    with pytest.raises(ValueError, match="nothing makes"):
        corrupt_numbers._msisdn("unheard_of", np.array([1]), np.array([0.5]))
