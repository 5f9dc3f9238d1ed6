"""Who acted, as pages name them."""

from __future__ import annotations


def whose(actor: str | None) -> str:
    """The user name of a person; of a holder that it was one; what a job, a command or a carrier's system is
    called. Empty where nobody acted.
    """
    kind, _, name = (actor or "").partition(":")
    if kind == "person":
        return name
    return kind if kind == "holder" else actor or ""
