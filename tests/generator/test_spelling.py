from __future__ import annotations

import numpy as np
import pytest

from generator import spelling
from generator.names import SLOTS, stock


@pytest.mark.parametrize(
    ("form", "word", "written"),
    [
        ("unmarked", "Đặng", "Dang"),
        ("unmarked", "Ƀăng", "Bang"),
        ("toneless", "Nguyễn", "Nguyên"),
        ("tone_new", "Hòa", "Hoà"),
        ("tone_new", "THÚY", "THUÝ"),
        ("tone_new", "Hoàng", "Hoàng"),
        ("tone_new", "Quý", "Quý"),
        ("tone_misplaced", "Quý", "Qúy"),
        ("i_y", "Lý", "Lí"),
        ("i_y", "MỸ", "MĨ"),
        ("i_y", "Quý", "Quí"),
        ("i_y", "Vy", "Vi"),
        ("i_y", "Thúy", "Thúy"),
        ("i_y", "Thi", "Thi"),
        ("hook_tilde", "Nguyễn", "Nguyển"),
        ("hook_tilde", "Thủy", "Thũy"),
        ("onset_by_ear", "Sơn", "Xơn"),
        ("onset_by_ear", "TRUNG", "CHUNG"),
        ("onset_by_ear", "Thanh", "Thanh"),
        ("telex", "Nguyễn", "Nguyeenx"),
        ("telex", "Đường", "Dduwowngf"),
        ("telex", "VĂN", "VAWN"),
        ("telex_inside", "Nguyễn", "Nguyeexn"),
        ("vni_keys", "Nguyễn", "Nguye6n4"),
        ("vni_keys", "Đức", "D9u7c1"),
        ("initial", "Văn", "V."),
        ("onset", "Nguyễn", "Ng."),
        ("onset", "Trần", "Tr."),
        ("onset", "Đặng", "Đ."),
        ("unmarked_onset", "Đặng", "D."),
        ("slip_double", "Nam", "Namm"),
        ("slip_double", "Thi", "Tthi"),
        ("slip_double", "HÙNG", "HÙNGG"),
        ("slip_swap", "Trung", "Trugn"),
        ("slip_swap", "Lan", "Lan"),
        ("split", "Nguyễn", "Ngu yễn"),
        ("curly", "H'Maryam", "H’Maryam"),
        ("modifier", "K'Brẻo", "KʼBrẻo"),
        ("spaced", "H'Maryam", "H' Maryam"),
        ("no_apostrophe", "H'Maryam", "HMaryam"),
        ("eth", "Đỗ", "Ðỗ"),
    ],
)
def test_forms(form: str, word: str, written: str) -> None:
    assert spelling.FORMS[form](word) == written


def test_a_slip_never_makes_a_syllable_of_the_language() -> None:
    endings = {"c", "ch", "m", "n", "ng", "nh", "p", "t"}
    for word in stock().vocabulary.words:
        slipped = spelling.unmarked(spelling.slip_swap(word)).lower()
        if slipped != spelling.unmarked(word).lower():
            assert slipped[-2:] in {"gn", "hn"}
            assert slipped[-2:] not in endings


def test_names_are_written_out_of_syllables_forms_and_separators() -> None:
    words = stock().vocabulary
    syllables = np.zeros((2, SLOTS), np.int32)
    syllables[0, :3] = [words["Nguyễn"], words["Văn"], words["An"]]
    syllables[1, :2] = [words["Lê"], words["Hoa"]]
    forms, gaps = np.zeros((2, SLOTS), np.int8), np.zeros((2, SLOTS), np.int8)
    forms[0, 0] = spelling.FORM["onset"]
    gaps[1, 0] = spelling.SEPARATOR["\u00a0"]
    gaps[1, 1] = spelling.SEPARATOR["  "]
    assert spelling.write(syllables, forms, gaps).to_pylist() == ["Ng. Văn An", "Lê\u00a0Hoa  "]
    assert spelling.plain(syllables).to_pylist() == ["Nguyễn Văn An", "Lê Hoa"]
    assert spelling.folded(syllables, np.array([0, 1])).to_pylist() == ["nguyen", "hoa"]
