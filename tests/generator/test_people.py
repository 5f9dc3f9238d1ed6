from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from generator import people, spelling
from generator.names import KINH, stock
from generator.people import BLOCK, DAY, citizens, provinces

TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def block() -> people.Citizens:
    return citizens(3, 0, BLOCK, TODAY)


def test_a_citizen_depends_on_the_seed_and_on_his_place_alone(block: people.Citizens) -> None:
    small = citizens(3, 0, 500, TODAY)
    for name in ("id_number", "year", "month", "day", "men", "status", "cmnd", "previous", "known"):
        assert (getattr(small, name) == getattr(block, name)[:500]).all()
    assert (small.names.syllables == block.names.syllables[:500]).all()
    assert (citizens(4, 0, 500, TODAY).id_number != small.id_number).all()


def test_no_number_is_given_out_twice(block: people.Citizens) -> None:
    blocks = [block, *(citizens(3, place, 20_000, TODAY) for place in (1, 2, 700))]
    numbers = np.concatenate(
        [part for one in blocks for part in (one.id_number, one.previous[one.previous >= 0])]
    )
    assert len(np.unique(numbers)) == len(numbers)
    old = np.concatenate([one.cmnd[one.cmnd >= 0] for one in blocks])
    assert len(np.unique(old)) == len(old)
    assert old.min() >= 10**7
    assert old.max() < 4 * 10**8


def test_an_id_says_place_sex_and_year(block: people.Citizens) -> None:
    place, code = block.id_number // 10**9, block.id_number // 10**8 % 10
    year = 1900 + code // 2 * 100 + block.id_number // 10**6 % 100
    assert (place == provinces().codes[block.province]).all()
    agrees = (code % 2 == ~block.men) & (year == block.year)
    assert (~agrees).mean() == pytest.approx(people.STRUCTURE_CONFLICT, rel=0.25)
    assert (block.previous >= 0).mean() == pytest.approx(people.REISSUED, rel=0.25)


def test_the_country_has_viet_nams_shape(block: people.Citizens) -> None:
    share = np.bincount(block.province, minlength=len(provinces().codes)) / BLOCK
    assert share == pytest.approx(provinces().people / provinces().people.sum(), abs=0.003)
    age = people.age_on(TODAY, block.year, block.month, block.day)
    assert age.min() >= 0
    assert (age < 15).mean() == pytest.approx(0.23, abs=0.03)
    assert (age >= 65).mean() == pytest.approx(0.10, abs=0.03)
    assert block.men.mean() == pytest.approx(0.49, abs=0.02)
    assert (block.cmnd[block.year > 2006] == -1).all()
    assert (block.cmnd[block.year <= 2000] >= 0).mean() == pytest.approx(0.75, abs=0.01)


def test_names_have_the_published_frequencies(block: people.Citizens) -> None:
    words, names = stock().vocabulary, block.names
    kinh = names.people == KINH
    first = names.syllables[kinh, 0]
    for family, share in (("Nguyễn", 0.32), ("Trần", 0.10), ("Lê", 0.083)):
        assert (first == words[family]).mean() == pytest.approx(share, abs=0.02)
    south, north = (provinces().region[block.province] == region for region in (2, 0))
    for usual, other in (("Võ", "Vũ"), ("Huỳnh", "Hoàng")):
        assert (names.syllables[south, 0] == words[usual]).sum() > (
            names.syllables[south, 0] == words[other]
        ).sum()
        assert (names.syllables[north, 0] == words[other]).sum() > (
            names.syllables[north, 0] == words[usual]
        ).sum()
    young, single = kinh & (block.year >= 2000), names.family_length == 1
    for men, shares in ((True, (0.009, 0.73, 0.26)), (False, (0.002, 0.35, 0.645))):
        length = names.length[young & single & (block.men == men)]
        assert [(length == n).mean() for n in (2, 3, 4)] == pytest.approx(shares, abs=0.05)
    elder = kinh & (block.year < 1960)
    assert (names.syllables[elder & ~block.men, 1] == words["Thị"]).mean() > 0.75
    assert (names.syllables[elder & block.men, 1] == words["Văn"]).mean() > 0.45


def test_minority_names_have_their_own_order(block: people.Citizens) -> None:
    texts = np.array(spelling.plain(block.names.syllables).to_pylist())
    peoples = [people.order for people in stock().others]
    ede, bana = peoples.index("pgf") + 1, peoples.index("pg") + 1
    men = texts[(block.names.people == ede) & block.men]
    women = texts[(block.names.people == ede) & ~block.men]
    assert len(men) > 50
    assert all(name.startswith("Y ") for name in men)
    assert all(name.startswith("H'") for name in women)
    assert (block.names.family_at[block.names.people == ede] > 0).all()
    assert (block.names.family_length[block.names.people == bana] == 0).all()
    letters = set("".join(texts))
    assert letters >= set("Ƀčŏŭ'")


def test_the_register_is_as_the_contract_has_it(block: people.Citizens) -> None:
    table = people.table(block, spelling.plain(block.names.syllables))
    assert table.schema.names == [
        "id_number", "full_name", "date_of_birth", "gender", "status", "old_id_number", "previous_id_number",
    ]  # fmt: skip
    assert set(map(len, table["id_number"].to_pylist())) == {12}
    assert set(map(len, table["date_of_birth"].to_pylist())) == {4, 7, 10}
    assert set(table["gender"].to_pylist()) == {"M", "F"}
    assert set(table["status"].to_pylist()) == {"active", "deceased", "revoked"}
    partial = np.array([len(cell) < 10 for cell in table["date_of_birth"].to_pylist()])
    assert (partial == (block.known != DAY)).all()
    impossible = {
        cell[5:]
        for cell, ok in zip(table["date_of_birth"].to_pylist(), block.possible, strict=True)
        if not ok
    }
    assert impossible
    assert impossible <= {"02-29", "02-30", "04-31", "06-31", "09-31", "11-31"}
    for name in table["full_name"].to_pylist():
        assert name == " ".join(name.split())


def test_siblings_share_their_family_name_and_place(block: people.Citizens) -> None:
    younger = np.flatnonzero(block.sibling)
    assert len(younger) > 0.1 * BLOCK
    assert (block.province[younger] == block.province[younger - 1]).all()
    same = block.names.syllables[younger, 0] == block.names.syllables[younger - 1, 0]
    assert same[block.names.people[younger] == KINH].mean() > 0.98
    twins = (block.year == np.roll(block.year, 1)) & (block.month == np.roll(block.month, 1))
    assert (twins & (block.day == np.roll(block.day, 1)))[younger].sum() > 50


def test_ages_change_on_the_birthday() -> None:
    year, month, day = (np.array(part) for part in ([2020, 2020, 2020], [6, 7, 7], [30, 1, 2]))
    assert list(people.age_on(TODAY, year, month, day)) == [6, 6, 5]
