"""The rule file, and verdicts from masks of reasons.

`rules.toml` says what every reason code does to a verdict; this module turns it into five masks, so that
a column of verdicts is a few bitwise operations over a column of reasons.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from simcheck.reasons import Reason, Verdict

U64 = npt.NDArray[np.uint64]

# Graver forms of a reason: bits of their own while a row is decided, the same code when it is told.
GRAVER = {Reason.MSISDN_DUPLICATE_IN_CARRIER: 40, Reason.HOLDER_UNDERAGE: 41}
_BY_GRAVITY = (Verdict.REJECTED, Verdict.UNVERIFIABLE, Verdict.MISMATCH, Verdict.VARIANT)
VERDICTS = (Verdict.VERIFIED, *reversed(_BY_GRAVITY))
CODES = (1 << len(Reason)) - 1


@dataclass(frozen=True)
class Rule:
    """One reason: the column it is about, its effect (a verdict or "flag"), and what to do about it."""

    reason: Reason
    compares: str
    effect: str
    vi: str
    en: str


@dataclass(frozen=True)
class Rules:
    """The rule set. Limits in numbers of subscriptions, ages in completed years, shares 0 to 1."""

    version: str
    sims_per_carrier: int
    sims_total: int
    guardian_registers_under: int
    guardian_consents_under: int
    minimum_information: float
    file_encoding_minimum_share: float
    of: dict[Reason, Rule]
    graver: dict[Reason, str]

    def mask(self, verdict: Verdict) -> int:
        """All bits whose effect is `verdict`."""
        plain = sum(reason.mask for reason, rule in self.of.items() if rule.effect == verdict)
        return plain + sum(1 << GRAVER[reason] for reason, effect in self.graver.items() if effect == verdict)

    def verdicts(self, reasons: U64) -> npt.NDArray[np.uint8]:
        """The verdict of each mask, as an index into VERDICTS (ascending gravity)."""
        out = np.zeros(len(reasons), np.uint8)
        for gravity, verdict in enumerate(VERDICTS):
            if gravity:
                out[(reasons & np.uint64(self.mask(verdict))) != 0] = gravity
        return out


@cache
def load() -> Rules:
    """The rule set that is shipped. Raises ValueError where it is not complete."""
    data = tomllib.loads(files("simcheck.matching").joinpath("rules.toml").read_text("utf-8"))
    missing = {reason.name for reason in Reason} ^ set(data["reasons"])
    if missing:
        raise ValueError(f"rules.toml and the reason codes differ in {sorted(missing)}")
    of = {Reason[code]: Rule(Reason[code], **rule) for code, rule in data["reasons"].items()}
    allowed = {*_BY_GRAVITY, "flag"}
    if any(rule.effect not in allowed for rule in of.values()):
        raise ValueError(f"an effect in rules.toml is none of {sorted(allowed)}")
    graver = {Reason[code]: effect for code, effect in data["graver"].items()}
    if set(graver) != set(GRAVER):
        raise ValueError(
            "rules.toml must name a graver effect for exactly " + ", ".join(r.name for r in GRAVER)
        )
    return Rules(data["version"], **data["limits"], **data["ages"], **data["names"], of=of, graver=graver)


def told(reasons: U64) -> U64:
    """Masks as the world sees them: graver forms become their plain code, inner bits are dropped."""
    out = reasons & np.uint64(CODES)
    for reason, bit in GRAVER.items():
        out |= (reasons >> np.uint64(bit) & np.uint64(1)) << np.uint64(reason.value)
    return out
