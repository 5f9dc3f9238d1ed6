"""What a client may be allowed to do: one table."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from simcheck.errors import UsageError


class For(Enum):
    """Who a scope can be given to."""

    CARRIER = "a carrier's clients"
    SERVICE = "relying services"
    BOTH = "carriers' clients and relying services"


SCOPES: dict[str, tuple[For, str]] = {
    "batches:write": (For.CARRIER, "send subscriber files"),
    "batches:read": (For.CARRIER, "see the state and the counts of one's own batches"),
    "feedback:read": (For.CARRIER, "fetch and acknowledge feedback files"),
    "cases:read": (For.CARRIER, "see one's own cases"),
    "cases:write": (For.CARRIER, "act on one's own cases"),
    "corrections": (For.CARRIER, "fetch and acknowledge what holders said of their records"),
    "questions": (For.CARRIER, "read and answer holders' questions"),
    "orders:read": (For.CARRIER, "fetch orders to suspend, end or restore subscriptions"),
    "orders:write": (For.CARRIER, "acknowledge orders, and say what became of them"),
    "appeals": (For.CARRIER, "object to orders about one's own numbers, and see what became of that"),
    "events:write": (For.CARRIER, "tell that a SIM or a handset was changed"),
    "webhooks": (For.CARRIER, "be told of events"),
    "otp-checks": (For.SERVICE, "ask whether a SIM is really a person's, now"),
    "kyc-match:match": (For.BOTH, "ask CAMARA KYC Match"),
}


def of_carriers() -> list[str]:
    """Every scope that a carrier's client can have."""
    return [scope for scope, (whose, _) in SCOPES.items() if whose is not For.SERVICE]


def of_services() -> list[str]:
    """Every scope that a relying service can have."""
    return [scope for scope, (whose, _) in SCOPES.items() if whose is not For.CARRIER]


def chosen(wanted: Iterable[str], carrier: str | None) -> list[str]:
    """The wanted scopes, sorted. Raises `UsageError` for one that is unknown or not for such a client."""
    possible = of_carriers() if carrier else of_services()
    scopes = sorted(set(wanted))
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f"{scope}: there is no such scope. There are {', '.join(SCOPES)}")
        if scope not in possible:
            raise UsageError(f"{scope}: only for {SCOPES[scope][0].value}")
    return scopes
