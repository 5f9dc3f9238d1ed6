"""The words of the service: verdicts and reason codes. Stable for ever; new codes go at the end.

A row's reasons travel as one 64-bit mask, one bit a code in the order below, so that a column of
reasons is a column of integers. What each code does to the verdict is data: `matching/rules.toml`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """One for every row. See the public contract, section 2."""

    VERIFIED = "verified"
    VARIANT = "variant"
    MISMATCH = "mismatch"
    UNVERIFIABLE = "unverifiable"
    REJECTED = "rejected"


class Reason(IntEnum):
    """A reason code; its value is its bit in a mask of reasons."""

    ROW_MALFORMED = 0
    MSISDN_INVALID = 1
    MSISDN_NOT_MOBILE = 2
    MSISDN_OLD_PREFIX = 3
    MSISDN_DUPLICATE_IN_CARRIER = 4
    MSISDN_CLAIMED_BY_OTHER_CARRIER = 5
    ID_MISSING = 6
    ID_MALFORMED = 7
    ID_FORMAT_REPAIRED = 8
    ID_SUPERSEDED = 9
    ID_NOT_FOUND = 10
    ID_REVOKED = 11
    ID_STRUCTURE_CONFLICT = 12
    ID_LIKELY_TYPO = 13
    ID_TYPE_UNSUPPORTED = 14
    HOLDER_DECEASED = 15
    HOLDER_UNDERAGE = 16
    NAME_MISSING = 17
    NAME_DIACRITICS = 18
    NAME_ENCODING = 19
    NAME_KEYSTROKES = 20
    NAME_ABBREVIATED = 21
    NAME_ORDER = 22
    NAME_SPACING = 23
    NAME_TYPO = 24
    NAME_DIFFERENT = 25
    DOB_MISSING = 26
    DOB_MALFORMED = 27
    DOB_IMPOSSIBLE = 28
    DOB_PARTIAL = 29
    DOB_DAY_MONTH_SWAPPED = 30
    DOB_TYPO = 31
    DOB_DIFFERENT = 32
    SIM_LIMIT_PER_CARRIER = 33
    SIM_LIMIT_TOTAL = 34
    FACE_NOT_VERIFIED = 35
    NAME_I_Y = 36
    REGISTER_UNANSWERED = 37

    @property
    def mask(self) -> int:
        """The mask of this reason alone."""
        return 1 << self.value
