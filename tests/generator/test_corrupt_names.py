"""Each way a name goes wrong, on names whose result can be read off the page."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from generator import corrupt_names, errors, spelling
from generator.names import KINH, SLOTS, Names, stock
from generator.spelling import KEEP, LOWER, UPPER


def name(text: str, family_at: int = 0, given_at: int | None = None, people: int = KINH) -> Names:
    words = text.split()
    syllables = np.zeros((1, SLOTS), np.int32)
    syllables[0, : len(words)] = [stock().vocabulary[word] for word in words]
    one = np.ones(1, np.int64)
    last = len(words) - 1 if given_at is None else given_at
    return Names(syllables, one * len(words), one * family_at, one, one * last, one, one * people)


def written(names: Names, kind: str, uniform: float = 0.4, case: int = KEEP) -> str | None:
    """The cell, or the word `unable`."""
    kinds = np.array([errors.number(f"name.{kind}")])
    cells, got, _ = corrupt_names.written(names, kinds, np.array([case]), np.array([uniform]))
    return str(cells[0].as_py()) if got[0] >= 0 and cells[0].is_valid else ("unable" if got[0] < 0 else None)


@pytest.mark.parametrize(
    ("kind", "text", "cell"),
    [
        ("unmarked", "Nguyễn Văn Đức", "Nguyen Van Duc"),
        ("unmarked", "Lan Anh", "unable"),
        ("nfd", "Lê Hùng", unicodedata.normalize("NFD", "Lê Hùng")),
        ("eth", "Đỗ Thị Lan", "Ðỗ Thị Lan"),
        ("eth", "Lê Thị Lan", "unable"),
        ("tone_new", "Lê Thị Hòa", "Lê Thị Hoà"),
        ("tone_misplaced", "Lê Văn Quý", "Lê Văn Qúy"),
        ("double_space", "Lê Thị Lan", "Lê  Thị  Lan"),
        ("trailing_space", "Lê Thị Lan", "Lê Thị Lan  "),
        ("no_break_space", "Lê Lan", "Lê\u00a0Lan"),
        ("i_y", "Lê Thị Mỹ", "Lê Thị Mĩ"),
        ("tcvn3", "Nguyễn Văn Nam", "NguyÔn V¨n Nam"),
        ("vni", "Trần Thị Linh", "Traàn Thò Linh"),
        ("question_marks", "Phan Thành Dũng", "Phan Thành D?ng"),
        ("telex", "Nguyễn Văn An", "Nguyeenx Vawn An"),
        ("vni_keys", "Nguyễn Văn An", "Nguye6n4 Va8n An"),
        ("abbreviated_family", "Nguyễn Văn An", "Ng. Văn An"),
        ("abbreviated_middle", "Nguyễn Thị Kim Lan", "Nguyễn T. K. Lan"),
        ("abbreviated_middle", "Nguyễn An", "unable"),
        ("abbreviated_all", "Nguyễn Văn An", "N. V. An"),
        ("abbreviated_bare", "Đặng Thị Hằng", "Đ T Hằng"),
        ("abbreviated_glued", "Nguyễn Văn An", "N.V.An"),
        ("abbreviated_unmarked", "Nguyễn Văn Hùng", "Ng. V. Hung"),
        ("abbreviated_unmarked", "Nguyễn Văn An", "unable"),
        ("order_given_first", "Nguyễn Văn An", "An Nguyễn Văn"),
        ("order_reversed", "Nguyễn Thị Kim Lan", "Lan Kim Thị Nguyễn"),
        ("order_family_last", "Nguyễn Văn An", "Văn An Nguyễn"),
        ("order_comma", "Nguyễn Văn An", "An, Nguyễn Văn"),
        ("glued", "Nguyễn Văn An", "NguyễnVănAn"),
        ("glued_unmarked", "Nguyễn Văn An", "NguyenVanAn"),
        ("glued_pair", "Nguyễn Văn An", "NguyễnVăn An"),
        ("cognate_family", "Vũ Văn An", "Võ Văn An"),
        ("cognate_family", "Huỳnh Văn An", "Hoàng Văn An"),
        ("cognate_family", "Lê Văn An", "unable"),
        ("missing_middle", "Nguyễn Thị Kim Lan", "Nguyễn Kim Lan"),
        ("missing_middle", "Nguyễn Lan", "unable"),
        ("extra_middle", "Nguyễn Lan", "Nguyễn Ngọc Lan"),
        ("middle_given_swapped", "Nguyễn Văn An", "Nguyễn An Văn"),
        ("hook_tilde", "Nguyễn Văn An", "Nguyển Văn An"),
        ("typo_swap", "Lê Hùng", "Lê Hùgn"),
        ("missing", "Lê Hùng", None),
    ],
)
def test_recipes(kind: str, text: str, cell: str | None) -> None:
    assert written(name(text), kind) == cell


def test_the_family_name_put_first() -> None:
    assert written(name("Y Bhăm Êban", family_at=2, given_at=0, people=5), "order_highland") == "Êban Y Bhăm"
    assert written(name("H'Maryam Niê", family_at=1, given_at=0, people=5), "no_apostrophe") == "HMaryam Niê"
    assert written(name("Nguyễn Văn An"), "order_highland") == "unable"


def test_case_comes_before_the_encoding() -> None:
    assert written(name("Nguyễn Văn An"), "tcvn3", case=UPPER) == "NGUYÔN V¡N AN"
    assert written(name("Nguyễn Văn An"), "telex", case=LOWER) == "nguyeenx vawn an"
    assert written(name("Nguyễn Văn An"), "viscii", case=UPPER) == "unable"


@pytest.mark.parametrize("uniform", [0.0, 0.3, 0.7, 0.999])
def test_a_partly_marked_name_keeps_a_mark(uniform: float) -> None:
    cell = written(name("Nguyễn Văn Hùng"), "partly_marked", uniform)
    assert cell in {"Nguyen Văn Hùng", "Nguyễn Van Hùng", "Nguyễn Văn Hung"}
    assert written(name("Lan Anh Hùng"), "partly_marked", uniform) == "unable"


def test_lookalikes_are_other_names_one_letter_away() -> None:
    words = stock().vocabulary
    table, count = corrupt_names.neighbours(False)

    def near(word: str) -> set[str]:
        return {words.words[place] for place in table[words[word], : count[words[word]]]}

    assert "Anh" in near("An")
    assert "Loan" in near("Lan")
    assert "Hưng" in near("Hùng")
    assert "Vy" not in near("Vi")  # open i and y may be one person
    for one in ("An", "Lan", "Hùng"):
        assert one not in near(one)
    folded, many = corrupt_names.neighbours(True)
    for place in folded[words["Hùng"], : many[words["Hùng"]]]:
        assert spelling.unmarked(words.words[place]) != "Hung"


@pytest.mark.parametrize(
    ("kind", "text", "doubtful"),
    [
        ("order_given_first", "Lê Văn Thái", True),  # Thái Lê Văn: a family name, a middle name, a given name
        ("order_given_first", "Lê Văn Bình", False),
        ("cp1258", "Lê Văn Sơn", True),  # Lê Vãn Sõn
        ("cp1258", "Nguyễn Văn Sơn", False),
        ("vni", "Phan Thị Oanh", True),  # Phan Thò Oanh
        ("vni", "Trần Thị Linh", False),
        ("viscii", "Phạm Công Anh", True),  # PhÕm Công Anh
        ("tcvn3", "Trần Thị Linh", False),
        ("unmarked", "Trần Thị Linh", False),
    ],
)
def test_what_could_be_another_name_is_doubtful(kind: str, text: str, doubtful: bool) -> None:
    kinds = np.array([errors.number(f"name.{kind}")])
    _, got, doubt = corrupt_names.written(name(text), kinds, np.array([KEEP]), np.array([0.5]))
    assert got[0] == kinds[0]
    assert bool(doubt[0]) is doubtful


def test_what_has_nothing_to_lose_is_left_alone() -> None:
    assert written(name("Vàng A Páo"), "abbreviated_middle") == "unable"
    assert written(name("Vàng A Páo"), "abbreviated_family") == "V. A Páo"
    assert written(name("Đinh Văn An"), "viscii") == "Ðinh Vån An"
    assert written(name("Đinh An"), "viscii") == "unable"


def test_every_kind_of_name_in_the_table_is_made() -> None:
    kinds = {errors.kinds()[place].name.removeprefix("name.") for place in errors.of_part("name")}
    assert kinds == set(corrupt_names.RECIPES) | {"placeholder", "missing"}
