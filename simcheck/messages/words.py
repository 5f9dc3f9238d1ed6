"""What messages are about: their kinds, what is wrong in groups of reasons, the values put into a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from simcheck.reasons import Reason


class Channel(StrEnum):
    """How a message reaches somebody."""

    SMS = "sms"
    EMAIL = "email"


class Language(StrEnum):
    """What a text is written in (BCP 47)."""

    VI = "vi"
    EN = "en"


class Kind(StrEnum):
    """The occasion of a message."""

    FIRST = "first"
    REMINDER = "reminder"
    BEFORE_SUSPENSION = "before_suspension"
    RESTORED = "restored"
    CORRECTED = "corrected"
    THANKS = "thanks"
    CODE = "code"
    REPLY = "reply"
    ANSWER = "answer"
    HANDSET = "handset"  # the SIM stands in another one


# Those that tell what is wrong. All others are the same for every group.
NOTICES = (Kind.FIRST, Kind.REMINDER, Kind.BEFORE_SUSPENSION)


class Group(StrEnum):
    """What is wrong, as a holder is told. Never what the register holds."""

    ID_MISSING = "id_missing"
    ID_OLD = "id_old"  # the 9-digit CMND
    ID_UNKNOWN = "id_unknown"
    ID_INVALID = "id_invalid"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    DECEASED = "deceased"
    CLAIMED = "claimed"  # two claim the number
    FACE = "face"
    UNDERAGE = "underage"
    UNSUPPORTED = "unsupported"
    SEVERAL = "several"


# Every reason that a holder can do something about. A probable slip is told as the thing that does not agree:
# that another number or name is near is the register's.
OF: dict[Reason, Group] = {
    Reason.ID_MISSING: Group.ID_MISSING,
    Reason.ID_SUPERSEDED: Group.ID_OLD,
    Reason.ID_NOT_FOUND: Group.ID_UNKNOWN,
    Reason.ID_LIKELY_TYPO: Group.ID_UNKNOWN,
    Reason.ID_MALFORMED: Group.ID_INVALID,
    Reason.ID_REVOKED: Group.ID_INVALID,
    Reason.ID_FORMAT_REPAIRED: Group.ID_INVALID,
    Reason.ID_STRUCTURE_CONFLICT: Group.ID_INVALID,
    Reason.ID_TYPE_UNSUPPORTED: Group.UNSUPPORTED,
    Reason.HOLDER_DECEASED: Group.DECEASED,
    Reason.HOLDER_UNDERAGE: Group.UNDERAGE,
    Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER: Group.CLAIMED,
    Reason.MSISDN_DUPLICATE_IN_CARRIER: Group.CLAIMED,
    Reason.FACE_NOT_VERIFIED: Group.FACE,
    **{reason: Group.NAME for reason in Reason if reason.name.startswith("NAME_")},
    **{reason: Group.BIRTH_DATE for reason in Reason if reason.name.startswith("DOB_")},
}
MASKS: dict[Group, int] = {
    group: sum(reason.mask for reason, its in OF.items() if its is group)
    for group in Group
    if group in OF.values()
}


def groups_of(reasons: int) -> list[Group]:
    """Everything that a mask of reasons says is wrong, in the order of `Group`."""
    return [group for group, mask in MASKS.items() if reasons & mask]


def group_of(reasons: int) -> Group:
    """The one group that a notice tells of: SEVERAL for more than one, and where none of them fits."""
    found = groups_of(reasons)
    return found[0] if len(found) == 1 else Group.SEVERAL


def group_sql(reasons: str) -> str:
    """The expression that makes `group_of` from a column of masks."""
    count = " + ".join(f"(({reasons}) & {mask} <> 0)::int" for mask in MASKS.values())
    cases = " ".join(f"WHEN ({reasons}) & {mask} <> 0 THEN '{group}'" for group, mask in MASKS.items())
    return f"CASE WHEN {count} <> 1 THEN '{Group.SEVERAL}' {cases} END"


@dataclass(frozen=True)
class Values:
    """What is put into a text.

    `number_masked` is the number with its last three digits, `code_shown` the case code as people read it,
    `address` the official address, `short_code` where answers by SMS go, `hotline` the carrier's (None: it is
    not named). `own`: the message goes to the number itself, which may answer by SMS. `extra`: `digits` and
    `minutes` of a code, `text` of a reply, `question` and `text` of an answer.
    """

    number_masked: str = ""
    code_shown: str = ""
    deadline: date | None = None
    address: str = ""
    short_code: str = ""
    hotline: str | None = None
    own: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)
