"""The other side's names of parts. A receipt may write one in another form than the answer did."""

from __future__ import annotations


def key_of(smsc_id: str) -> str:
    """The form in which an id is kept for look-ups: in small letters, without leading zeros."""
    return smsc_id.strip().casefold().lstrip("0") or "0"


def keys_like(smsc_id: str) -> list[str]:
    """The keys that an id may stand for, the likeliest first: itself; its number in hexadecimal where it is
    decimal; in decimal where it is hexadecimal.
    """
    key = key_of(smsc_id)
    found = [key]
    if len(key) <= 32:
        if key.isascii() and key.isdigit():
            found.append(f"{int(key):x}")
        if all(each in "0123456789abcdef" for each in key):
            found.append(str(int(key, 16)))
    return list(dict.fromkeys(found))
