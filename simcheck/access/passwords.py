"""Passwords: which are good enough, how they are kept (argon2id, RFC 9106), whether one is right."""

from __future__ import annotations

import asyncio
import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from simcheck.config import Settings
from simcheck.errors import InvalidError

LEAST, MOST = 12, 200  # characters
_LEAST_DIFFERENT = 5
_DRAWN = "abcdefghijkmnpqrstuvwxyz23456789"
_HASHING = asyncio.Semaphore(2)  # so that a flood of wrong passwords cannot take the whole machine


class WeakPasswordError(InvalidError):
    """The password is too easy to guess."""

    code = "weak_password"
    http_status = 422


def require_good(password: str, username: str) -> None:
    """Raise `WeakPasswordError` for a password that is short, of few letters, or made of the user name."""
    simple = len(set(password.casefold())) < _LEAST_DIFFERENT or username.casefold() in password.casefold()
    if not LEAST <= len(password) <= MOST or simple:
        raise WeakPasswordError(
            f"Choose a password of {LEAST} to {MOST} characters, of more than a few different ones, "
            "without the user name."
        )


def draw() -> str:
    """A password that a machine chose, for the first sign-in: 80 bits, in groups that can be read out."""
    letters = [secrets.choice(_DRAWN) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


async def hashed(settings: Settings, password: str) -> str:
    """What is kept of a password."""
    async with _HASHING:
        return await asyncio.to_thread(_hasher(settings).hash, password)


async def is_right(settings: Settings, kept: str | None, password: str) -> bool:
    """Whether it is the password. Without anything kept the answer is no, and takes as long."""
    async with _HASHING:
        right = await asyncio.to_thread(_matches, settings, kept, password)
    return right and kept is not None


def is_old(settings: Settings, kept: str) -> bool:
    """Whether it was hashed with other parameters than those of now."""
    return _hasher(settings).check_needs_rehash(kept)


def _matches(settings: Settings, kept: str | None, password: str) -> bool:
    hasher = _hasher(settings)
    try:
        return hasher.verify(kept or _nobodys(hasher), password[: MOST + 1])
    except (Argon2Error, InvalidHashError):
        return False


def _hasher(settings: Settings) -> PasswordHasher:
    return _hasher_of(settings.password_rounds, settings.password_kib)


@lru_cache
def _hasher_of(rounds: int, kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=rounds, memory_cost=kib, parallelism=1)


@lru_cache
def _nobodys(hasher: PasswordHasher) -> str:
    """What the password of an unknown account is held against."""
    return hasher.hash(secrets.token_urlsafe(32))
