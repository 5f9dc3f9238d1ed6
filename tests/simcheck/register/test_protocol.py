from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simcheck.matching.birth_dates import one_digit_slip
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.register.protocol import slips

PERSONAL = st.integers(1, 10**12 - 1)


@given(PERSONAL)
def test_slips_are_what_the_rule_calls_a_slip(number):
    near = slips(np.array([number]))
    assert (np.diff(near) > 0).all()
    assert all(one_digit_slip(number, int(each)) for each in near)
    assert ((near > 0) & (near < 10**12)).all()


@given(PERSONAL, st.integers(0, 11), st.integers(0, 9), st.integers(0, 10))
def test_no_slip_is_missed(number, place, digit, left):
    digits = list(f"{number:012}")
    digits[place] = str(digit)
    swapped = list(f"{number:012}")
    swapped[left : left + 2] = swapped[left + 1], swapped[left]
    near = set(slips(np.array([number])).tolist())
    for other in (int("".join(digits)), int("".join(swapped))):
        assert other in near or other in (0, number)


def test_slips_of_several_and_of_none():
    some = np.array([1_090_000_001, 1_090_000_002, 0, CMND_BASE + 12345678])
    assert set(slips(some)) == set(slips(some[:1])) | set(slips(some[1:2]))
    assert len(slips(some[2:])) == 0
    assert len(slips(np.zeros(0, np.int64))) == 0
