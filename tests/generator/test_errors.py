from __future__ import annotations

import numpy as np
import pytest

from generator import errors
from generator.errors import GRAVITY, NONE, PARTS, Rates, kinds, of_part
from simcheck.reasons import Reason, Verdict

GRAVE = {
    Verdict.REJECTED: {"ROW_MALFORMED", "MSISDN_INVALID", "MSISDN_NOT_MOBILE"},
    Verdict.UNVERIFIABLE: {"ID_TYPE_UNSUPPORTED"},
    Verdict.VARIANT: {
        "MSISDN_OLD_PREFIX", "ID_FORMAT_REPAIRED", "ID_SUPERSEDED", "NAME_DIACRITICS", "NAME_ENCODING",
        "NAME_KEYSTROKES", "NAME_ABBREVIATED", "NAME_ORDER", "NAME_SPACING", "NAME_I_Y", "DOB_PARTIAL",
        "DOB_IMPOSSIBLE",
    },
}  # fmt: skip
FLAGS = {"ID_STRUCTURE_CONFLICT", "FACE_NOT_VERIFIED", "MSISDN_DUPLICATE_IN_CARRIER"}


def test_every_kind_belongs_to_a_part_once() -> None:
    numbers = [place for part in PARTS for place in of_part(part)]
    assert sorted(numbers) == list(range(len(kinds())))
    assert len({kind.name for kind in kinds()}) == len(kinds())


def test_verdicts_are_what_the_reasons_weigh() -> None:
    for kind in kinds():
        codes = {reason.name for reason in Reason if kind.reasons & reason.mask}
        verdict = GRAVITY[kind.gravity]
        if verdict is Verdict.VERIFIED:
            assert codes <= FLAGS, kind.name
        elif verdict is Verdict.MISMATCH:
            light = GRAVE[Verdict.VARIANT] | FLAGS - {"MSISDN_DUPLICATE_IN_CARRIER"}
            assert codes - light, kind.name
        else:
            assert codes <= GRAVE[verdict], kind.name
            assert codes
        assert not kind.reasons & kind.optional, kind.name


def test_every_reason_that_one_row_can_show_has_a_kind() -> None:
    shown = 0
    for kind in kinds():
        shown |= kind.reasons
    of_register = {"ID_STRUCTURE_CONFLICT", "ID_REVOKED", "HOLDER_DECEASED", "HOLDER_UNDERAGE"}
    of_register |= {"SIM_LIMIT_PER_CARRIER", "SIM_LIMIT_TOTAL", "REGISTER_UNANSWERED"}
    assert {reason.name for reason in Reason if not shown & reason.mask} == of_register


@pytest.mark.parametrize("part", PARTS)
def test_kinds_are_drawn_at_their_rates(part: str) -> None:
    rates = Rates(["viettel", "mobifone"], 1.0, [frozenset(), frozenset({"id.lost_zero"})])
    uniform = (np.arange(200_000) + 0.5) / 200_000
    for carrier in (0, 1):
        drawn = rates.draw(part, np.full(200_000, carrier), uniform)
        for place in of_part(part):
            wanted = rates.rates[carrier, place] / kinds()[place].able
            assert (drawn == place).mean() == pytest.approx(wanted, abs=1e-4)
        assert set(drawn) <= {NONE, *of_part(part)}
    assert rates.rates[1, errors.number("id.lost_zero")] == 0
    assert rates.rates[1, errors.number("case.upper")] == 0.6


def test_the_parts_leave_room_for_rows_that_show_nothing() -> None:
    for part in PARTS:
        for carrier in ("viettel", "gmobile", "mobifone", "wintel"):
            rates = Rates([carrier], 1.0, [frozenset()])
            chance = sum(rates.rates[0, place] / kinds()[place].able for place in of_part(part))
            assert chance < 0.95, (part, carrier)


def test_scaling_leaves_harmless_spelling_alone() -> None:
    none = Rates(["viettel"], 0.0, [frozenset()])
    for place, kind in enumerate(kinds()):
        assert none.rates[0, place] == (0 if kind.gravity else kind.at.get("viettel", kind.rate))
