"""What KYC Match compares: what a service was told by a person, with what the person's carrier holds.

Pure: cells in, `true`, `false` or `not_available` out, and for names a score with a `false`. The notes on the
implementation that the specification asks for are `docs/kyc-match.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from simcheck.matching import birth_dates, names, rules
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import citizen_ids, dates
from simcheck.normalise.citizen_ids import CMND_BASE, FEMALE, MALE
from simcheck.normalise.words import Vocabulary
from simcheck.reasons import Reason, Verdict

TRUE, FALSE, NOT_AVAILABLE = "true", "false", "not_available"
Result = tuple[str, int | None]  # and the score, 0 to 99
_UNKNOWN: Result = (NOT_AVAILABLE, None)
_VARIANT = VERDICTS.index(Verdict.VARIANT)
_OUR_PAPERS = "national_id_card"
# Differences that do not contradict. Of what a service asks, less is accepted than of what a carrier wrote:
# holes, abbreviations and keystrokes would be wildcards in the hand of somebody who guesses.
_EXPLAINED = (
    Reason.NAME_DIACRITICS.mask | Reason.NAME_I_Y.mask | Reason.NAME_ORDER.mask | Reason.NAME_SPACING.mask
)
_GENDERS = {"MALE": MALE, "FEMALE": FEMALE}


class Record:
    """The declared cells of one subscription, read; only of one that the register confirms."""

    def __init__(self, cells: Mapping[str, str | None], as_of: date) -> None:
        def column(name: str) -> pa.StringArray:
            return pa.array([cells.get(name)], pa.string())

        self.as_of = as_of
        self.name = " ".join((cells.get("full_name") or "").split())
        self.email = (cells.get("email") or "").strip().lower()
        self.born = dates.normalise(column("date_of_birth"), as_of)
        ids = citizen_ids.normalise(
            column("id_number"), column("id_type"), self.born, column("gender"), as_of
        )
        self.key = int(ids.key[0])
        self.gender = int(citizen_ids.gender_codes(column("gender"))[0])
        if not self.gender and 0 < self.key < CMND_BASE:  # the number itself tells it
            self.gender = MALE + self.key // 10**8 % 2

    def compare(self, field: str, asked: str) -> Result:
        """The result for one field of the specification."""
        compare = _FIELDS.get(field)
        return compare(self, asked) if compare else _UNKNOWN

    def id_document(self, asked: str) -> Result:
        """The same number, however it is punctuated; nothing is repaired in what was asked."""
        if not self.key:
            return _UNKNOWN
        ids = citizen_ids.normalise(
            pa.array([asked]), None, dates.normalise(pa.nulls(1, pa.string()), self.as_of), None
        )
        repaired = np.uint64(Reason.ID_FORMAT_REPAIRED.mask)
        return _plain(int(ids.key[0]) == self.key and not ids.flags[0] & repaired)

    def id_document_type(self, asked: str) -> Result:
        """Both CCCD and CMND are national identity cards, and the register knows no other paper."""
        return _plain(asked == _OUR_PAPERS) if self.key else _UNKNOWN

    def full_name(self, asked: str) -> Result:
        """The whole name."""
        return _names(asked, self.name)

    def given_name(self, asked: str) -> Result:
        """The last word, or as many words from the end as are asked (Thu Hà of Nguyễn Thị Thu Hà)."""
        words, count = self.name.split(), max(1, len(asked.split()))
        return _names(asked, " ".join(words[max(1, len(words) - count) :] or words))

    def family_name(self, asked: str) -> Result:
        """The first word."""
        return _names(asked, self.name.partition(" ")[0])

    def middle_names(self, asked: str) -> Result:
        """What stands between the first word and the last."""
        words = self.name.split()
        if len(words) == 2:
            return FALSE, 0
        return _names(asked, " ".join(words[1:-1]))

    def birthdate(self, asked: str) -> Result:
        """The same day. What is held without a day or month can contradict, and never confirm."""
        if not self.born.ymd[0]:
            return _UNKNOWN
        day = np.array([int(asked.replace("-", ""))], np.int32)
        none = np.zeros(1, np.int32)
        mask = birth_dates.compare(day, none, np.zeros(1, np.uint64), self.born.ymd)
        if mask[0] & np.uint64(Reason.DOB_PARTIAL.mask):
            return _UNKNOWN
        return _plain(rules.load().verdicts(mask)[0] <= _VARIANT)

    def email_address(self, asked: str) -> Result:
        """The same address in any case."""
        return _plain(asked.strip().lower() == self.email) if self.email else _UNKNOWN

    def holder_gender(self, asked: str) -> Result:
        """As declared, else as the ID number tells."""
        return _plain(_GENDERS.get(asked) == self.gender) if self.gender else _UNKNOWN


# What we hold. Every other field of the specification is `not_available`.
_FIELDS = {
    "idDocument": Record.id_document,
    "idDocumentType": Record.id_document_type,
    "name": Record.full_name,
    "givenName": Record.given_name,
    "familyName": Record.family_name,
    "middleNames": Record.middle_names,
    "birthdate": Record.birthdate,
    "email": Record.email_address,
    "gender": Record.holder_gender,
}


def _plain(same: bool) -> Result:
    return (TRUE if same else FALSE), None


def _names(asked: str, held: str) -> Result:
    """Whether a process explains every difference of what was asked from what is held (decision 2).

    What is held without marks does not confirm marks: then it is `false`, with a high score.
    """
    if not held:
        return _UNKNOWN
    here, there = pa.array([asked, held]), pa.array([held, asked])
    limits = rules.load()
    compared = names.compare(here, there, Vocabulary(), limits.minimum_information)
    if not int(compared.reasons[0]) & rules.CODES & ~_EXPLAINED:
        return TRUE, None
    return FALSE, min(99, int(compared.score.max() * 100))
