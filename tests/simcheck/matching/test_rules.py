from __future__ import annotations

import functools
import itertools
import re
import tomllib
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.matching import rules
from simcheck.matching.rules import GRAVER, VERDICTS, told
from simcheck.reasons import Reason, Verdict

RULES = rules.load()
GRAVITY = ["verified", "variant", "mismatch", "unverifiable", "rejected"]
# The table of effects as it was decided; the rule file is held to it.
EFFECTS = {
    "rejected": "ROW_MALFORMED MSISDN_INVALID MSISDN_NOT_MOBILE",
    "unverifiable": "ID_TYPE_UNSUPPORTED REGISTER_UNANSWERED",
    "mismatch": """
        MSISDN_CLAIMED_BY_OTHER_CARRIER HOLDER_DECEASED
        ID_MISSING ID_MALFORMED ID_NOT_FOUND ID_REVOKED ID_LIKELY_TYPO
        NAME_MISSING NAME_TYPO NAME_DIFFERENT
        DOB_MISSING DOB_MALFORMED DOB_DAY_MONTH_SWAPPED DOB_TYPO DOB_DIFFERENT
    """,
    "variant": """
        MSISDN_OLD_PREFIX ID_FORMAT_REPAIRED ID_SUPERSEDED
        NAME_DIACRITICS NAME_ENCODING NAME_KEYSTROKES NAME_ABBREVIATED NAME_ORDER NAME_SPACING NAME_I_Y
        DOB_IMPOSSIBLE DOB_PARTIAL
    """,
    "flag": """
        MSISDN_DUPLICATE_IN_CARRIER HOLDER_UNDERAGE ID_STRUCTURE_CONFLICT
        SIM_LIMIT_PER_CARRIER SIM_LIMIT_TOTAL FACE_NOT_VERIFIED
    """,
}


def verdict(mask: int) -> str:
    return VERDICTS[int(RULES.verdicts(np.array([mask], np.uint64))[0])].value


def mask_of(*reasons: Reason) -> int:
    return functools.reduce(int.__or__, (reason.mask for reason in reasons), 0)


def test_every_reason_has_its_decided_effect():
    decided = {code: effect for effect, codes in EFFECTS.items() for code in codes.split()}
    assert {reason.name: RULES.of[reason].effect for reason in Reason} == decided


def test_the_graver_forms():
    assert RULES.graver == dict.fromkeys(GRAVER, "mismatch")
    assert set(GRAVER) == {Reason.MSISDN_DUPLICATE_IN_CARRIER, Reason.HOLDER_UNDERAGE}
    assert len(set(GRAVER.values())) == len(GRAVER)
    assert min(GRAVER.values()) >= len(Reason)


def test_every_rule_speaks_both_languages():
    for reason, rule in RULES.of.items():
        assert rule.reason is reason
        for text in (rule.vi, rule.en):
            assert text.endswith(".")
            assert "\n" not in text
            assert len(text) > 10
        assert not rule.vi.isascii()
        assert rule.en.isascii()
        assert re.fullmatch("[a-z_]+", rule.compares)
    for texts in zip(*((rule.vi, rule.en) for rule in RULES.of.values()), strict=True):
        assert len(set(texts)) == len(texts)


def test_the_masks_of_the_verdicts_are_disjoint_and_flags_belong_to_none():
    masks = [RULES.mask(each) for each in Verdict]
    for one, other in itertools.combinations(masks, 2):
        assert one & other == 0
    flags = mask_of(*(reason for reason in Reason if RULES.of[reason].effect == "flag"))
    everything = sum(masks)
    assert everything & flags == 0
    assert everything | flags == mask_of(*Reason) | sum(1 << bit for bit in GRAVER.values())


def test_gravity_ascends_in_the_order_of_the_contract():
    assert [each.value for each in VERDICTS] == GRAVITY


@given(st.lists(st.sampled_from(list(Reason)), unique=True))
def test_the_gravest_effect_decides(reasons):
    effects = [RULES.of[reason].effect for reason in reasons]
    worst = max((effect for effect in effects if effect != "flag"), key=GRAVITY.index, default="verified")
    assert verdict(mask_of(*reasons)) == worst


@pytest.mark.parametrize("reason", GRAVER)
def test_a_graver_form_weighs_as_such_and_is_told_as_its_code(reason):
    grave = 1 << GRAVER[reason]
    assert verdict(reason.mask) == "verified"
    assert verdict(grave) == verdict(grave | reason.mask) == "mismatch"
    masks = np.array([grave, grave | reason.mask, reason.mask, 0], np.uint64)
    assert told(masks).tolist() == [reason.mask, reason.mask, reason.mask, 0]


@given(st.integers(0, 2**64 - 1))
def test_only_codes_are_told(mask):
    inner = int(told(np.array([mask], np.uint64))[0])
    assert inner < 1 << len(Reason)
    assert inner & mask & ((1 << len(Reason)) - 1) == mask & ((1 << len(Reason)) - 1)


def test_limits_are_the_laws():
    """Decree 163/2024 Art. 17 (3 numbers), the campaigns' 10, Decree 174/2026 Art. 34 (6 and 15 years)."""
    assert (RULES.sims_per_carrier, RULES.sims_total) == (3, 10)
    assert (RULES.guardian_registers_under, RULES.guardian_consents_under) == (6, 15)
    assert 0 < RULES.minimum_information < 1
    assert 0 < RULES.file_encoding_minimum_share < 1
    assert re.fullmatch(r"\d{4}\.\d{1,2}\.\d+", RULES.version)


SHIPPED = files("simcheck.matching").joinpath("rules.toml").read_text("utf-8")


@pytest.mark.parametrize(
    "broken",
    [
        SHIPPED.replace("[reasons.DOB_TYPO]", "[reasons.DOB_SLIP]"),
        SHIPPED.replace('effect = "unverifiable"', 'effect = "perhaps"'),
        SHIPPED.replace('HOLDER_UNDERAGE = "mismatch"\n', "", 1),
    ],
)
def test_a_rule_file_that_is_not_whole_is_refused(broken, tmp_path, monkeypatch):
    assert broken != SHIPPED
    assert tomllib.loads(broken)
    (tmp_path / "rules.toml").write_text(broken, "utf-8")
    monkeypatch.setattr(rules, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"rules\.toml"):
        rules.load.__wrapped__()
