"""Access tokens: short-lived signed JWTs (RFC 9068), and the keys that sign them.

Private keys stand sealed in the database, so that every process signs and knows the same. The newest signs;
a retired one is known for as long as a token that it signed can live.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access.models import SigningKey
from simcheck.errors import NotAuthenticatedError, UnavailableError
from simcheck.privacy import Keyring

ALGORITHM = "Ed25519"
TYPE = "at+jwt"
LONGEST = 4096  # characters of a token that is looked at at all
KEPT = timedelta(hours=2)  # how long a retired key is known: longer than any token lives


@dataclass(frozen=True)
class Claims:
    """What a good token says: whose it is, what it allows, until when (seconds since 1970)."""

    client: str
    scopes: frozenset[str]
    expires: int


@dataclass(frozen=True)
class TokenKeys:
    """The keys of one moment: `current` signs, each of `known` (by key id) verifies."""

    issuer: str
    current: OKPKey | None
    known: Mapping[str, OKPKey]

    def issue(self, client: str, scopes: Iterable[str], seconds: int) -> str:
        """A token for `client` that is good for so many seconds. Raises `UnavailableError` without a key."""
        if self.current is None:
            raise UnavailableError("there is no signing key yet. Run `simcheck keys rotate --tokens`.")
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.issuer, "aud": self.issuer, "sub": client, "client_id": client, "iat": now,
            "exp": now + seconds, "jti": secrets.token_urlsafe(12), "scope": " ".join(sorted(scopes)),
        }  # fmt: skip
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self.current.kid}
        return jwt.encode(header, claims, self.current, algorithms=[ALGORITHM])

    def read(self, token: str) -> Claims:
        """What a token says, if we signed it and it is good now. Raises `NotAuthenticatedError`."""
        try:
            if len(token) > LONGEST:
                raise ValueError
            read = jwt.decode(token, lambda guest: self._key(guest.headers()), algorithms=[ALGORITHM])
            claims = read.claims
            if read.header.get("typ") != TYPE or (claims["iss"], claims["aud"]) != (self.issuer, self.issuer):
                raise ValueError
            if not claims["iat"] - 30 <= clock.now().timestamp() < claims["exp"]:
                raise ValueError
            return Claims(str(claims["sub"]), frozenset(str(claims["scope"]).split()), int(claims["exp"]))
        except (JoseError, ValueError, KeyError, TypeError):
            raise NotAuthenticatedError("the access token is not good. Ask for a new one.") from None

    def _key(self, header: Mapping[str, Any]) -> OKPKey:
        key = self.known.get(str(header.get("kid")))
        if key is None:
            raise ValueError("a key that is not known")
        return key


async def load_keys(session: AsyncSession, keyring: Keyring, issuer: str) -> TokenKeys:
    """The keys as they stand in the database."""
    rows = list(await session.scalars(sa.select(SigningKey).order_by(SigningKey.made_at, SigningKey.kid)))
    signing = [row for row in rows if row.retired_at is None]
    current = None
    if signing:
        current = OKPKey.import_key(json.loads(keyring.open(signing[-1].private, _place(signing[-1].kid))))
    return TokenKeys(issuer, current, {row.kid: OKPKey.import_key(row.public) for row in rows})


async def rotate(session: AsyncSession, keyring: Keyring) -> str:
    """A new signing key takes over; the others retire. Gives its id."""
    await session.execute(
        sa.update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=clock.now())
    )
    kid = f"t{secrets.token_hex(4)}"
    key = OKPKey.generate_key("Ed25519", {"kid": kid, "alg": ALGORITHM, "use": "sig"})
    private = json.dumps(key.as_dict(private=True)).encode()
    session.add(
        SigningKey(
            kid=kid,
            private=keyring.seal(private, _place(kid)),
            public=key.as_dict(private=False),
            made_at=clock.now(),
        )
    )
    audit.record(session, "signing_key.made", f"signing_key/{kid}")
    return kid


async def ensure_key(session: AsyncSession, keyring: Keyring) -> None:
    """Make the first signing key, if there is none."""
    if not await session.scalar(sa.select(sa.exists().where(SigningKey.retired_at.is_(None)))):
        await rotate(session, keyring)


async def forget_retired(session: AsyncSession) -> None:
    """Drop keys that no living token was signed with."""
    await session.execute(sa.delete(SigningKey).where(SigningKey.retired_at < clock.now() - KEPT))


def _place(kid: str) -> str:
    return f"signing_key/{kid}"
