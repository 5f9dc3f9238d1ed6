from __future__ import annotations

import pytest
import sqlalchemy as sa

from simcheck.cases.states import State, holders_reasons
from simcheck.enforcement.triggers import TRIGGER
from simcheck.enforcement.words import Trigger
from simcheck.matching import rules
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict

pytestmark = pytest.mark.anyio
R, V, S, T = Reason, Verdict, State, Trigger
CASES = [
    (S.WITH_HOLDER, V.MISMATCH, [R.NAME_DIFFERENT], T.NOT_COMPLIANT),
    (S.WITH_HOLDER, V.MISMATCH, [R.NAME_DIFFERENT, R.ID_SUPERSEDED], T.NOT_COMPLIANT),
    (S.WITH_CARRIER, V.MISMATCH, [R.MSISDN_CLAIMED_BY_OTHER_CARRIER], None),
    (S.WITH_HOLDER, V.VARIANT, [R.ID_SUPERSEDED], T.OLD_ID),
    (S.WITH_HOLDER, V.VARIANT, [R.NAME_DIACRITICS], None),
    (S.WITH_HOLDER, V.UNVERIFIABLE, [R.ID_TYPE_UNSUPPORTED], T.FOREIGN_PASSPORT),
    (S.WITH_HOLDER, V.UNVERIFIABLE, [R.FACE_NOT_VERIFIED], T.NOT_VERIFIED),
    (S.WITH_STAFF, V.UNVERIFIABLE, [R.REGISTER_UNANSWERED], None),
    (S.WITH_HOLDER, V.MISMATCH, [R.NAME_DIFFERENT, R.REGISTER_UNANSWERED], None),
    (S.DISOWNED, V.VERIFIED, [], T.DISOWNED),
    (S.DISOWNED, V.MISMATCH, [R.NAME_DIFFERENT], T.DISOWNED),
    (S.SUSPENSION, V.VARIANT, [R.NAME_TYPO], T.SUSPENSION),
]
ASKED = sa.text(f"""
SELECT {TRIGGER} FROM (
    SELECT CAST(:state AS text) AS state, CAST(:verdict AS smallint) AS verdict,
           CAST(:reasons AS bigint) AS reasons
) AS made
""")


async def test_what_brings_a_case_onto_which_track(service):
    """What only a carrier can settle, and what a register did not say, counts against nobody."""
    async with service.database.transaction("test", ministry=True) as session:
        for state, verdict, reasons, expected in CASES:
            words = {
                "state": state.value, "verdict": VERDICTS.index(verdict),
                "reasons": sum(each.mask for each in reasons), "holders": holders_reasons(rules.load()),
            }  # fmt: skip
            assert await session.scalar(ASKED, words) == expected, (state, verdict, reasons)
