from __future__ import annotations

from simcheck.reasons import Reason, Verdict

# The public contract's codes in its order, and what has been added since. Never reorder, never rename.
CONTRACT = """
ROW_MALFORMED MSISDN_INVALID MSISDN_NOT_MOBILE MSISDN_OLD_PREFIX MSISDN_DUPLICATE_IN_CARRIER
MSISDN_CLAIMED_BY_OTHER_CARRIER ID_MISSING ID_MALFORMED ID_FORMAT_REPAIRED ID_SUPERSEDED
ID_NOT_FOUND ID_REVOKED
ID_STRUCTURE_CONFLICT ID_LIKELY_TYPO ID_TYPE_UNSUPPORTED HOLDER_DECEASED HOLDER_UNDERAGE NAME_MISSING
NAME_DIACRITICS NAME_ENCODING NAME_KEYSTROKES NAME_ABBREVIATED NAME_ORDER NAME_SPACING NAME_TYPO
NAME_DIFFERENT
DOB_MISSING DOB_MALFORMED DOB_IMPOSSIBLE DOB_PARTIAL DOB_DAY_MONTH_SWAPPED DOB_TYPO DOB_DIFFERENT
SIM_LIMIT_PER_CARRIER SIM_LIMIT_TOTAL FACE_NOT_VERIFIED
""".split()
ADDED = ["NAME_I_Y", "REGISTER_UNANSWERED"]


def test_codes_stand_in_the_order_of_the_contract():
    assert [reason.name for reason in Reason] == CONTRACT + ADDED
    assert [reason.value for reason in Reason] == list(range(len(Reason)))


def test_a_mask_is_one_bit():
    assert [reason.mask for reason in Reason] == [1 << at for at in range(len(Reason))]


def test_verdicts_are_the_contracts():
    assert {each.value for each in Verdict} == {"verified", "variant", "mismatch", "unverifiable", "rejected"}
