"""Client systems (OAuth 2.0): adding and revoking them, and who proves to be one."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import scopes as known
from simcheck.access.models import Carrier, Client, ClientAssertion
from simcheck.errors import ConflictError, NotAuthenticatedError, NotFoundError, UsageError

ID = re.compile(r"(?!.*\d{7})[a-z][a-z0-9-]{1,63}")
CARRIER_CODE = re.compile(r"[a-z][a-z0-9_-]{1,31}")
ASSERTION_ALGORITHMS = ("ES256", "PS256", "RS256", "Ed25519", "EdDSA")
ASSERTION_LIFE = timedelta(minutes=5)  # the longest that an assertion may be good for
_MOST_RATE = 100_000  # requests a second
_LEEWAY = timedelta(seconds=30)  # between our clock and the client's
_WRONG = "the client is not known, or its proof is not right"

# OWASP's smallest setting: the secrets are 256 random bits, so this guards a stolen table, not a weak word.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_HASHING = asyncio.Semaphore(2)  # so that a flood of wrong secrets cannot take the whole machine
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))  # what an unknown client's secret is held against


@dataclass(frozen=True)
class Standing:
    """What a client that is not revoked may do: its carrier (None: a relying service), scopes, rate."""

    carrier: str | None
    scopes: frozenset[str]
    rate: float | None


@dataclass(frozen=True)
class Proof:
    """What a client showed: its id with a secret, or a signed assertion that names it."""

    client: str | None = None
    secret: str | None = None
    assertion: str | None = None


async def add(
    session: AsyncSession,
    client: str,
    name: str,
    *,
    carrier: str | None,
    scopes: Iterable[str],
    public_keys: dict[str, Any] | None = None,
    rate: float | None = None,
) -> str | None:
    """Add a client. Gives its secret, which is shown once; None for one with public keys (a JWK set).

    Raises `UsageError` for a wrong id, scope or key, `ConflictError` for an id that is taken.
    """
    if not ID.fullmatch(client):
        raise UsageError(f"{client}: a client's id is 2 to 64 of a-z, 0-9 and -, without a run of 7 digits")
    if carrier is not None and not CARRIER_CODE.fullmatch(carrier):
        raise UsageError(f"{carrier}: not a carrier's code")
    if public_keys is not None:
        _require_public(public_keys)
    secret = None if public_keys else secrets.token_urlsafe(32)
    if carrier:
        added = pg.insert(Carrier).values(code=carrier, added_at=clock.now()).on_conflict_do_nothing()
        await session.execute(added)
    row = {
        "id": client, "name": name, "carrier": carrier, "scopes": known.chosen(scopes, carrier),
        "secret_hash": _HASHER.hash(secret) if secret else None, "public_keys": public_keys or sa.null(),
        "rate": rate, "added_at": clock.now(),
    }  # fmt: skip
    inserted = pg.insert(Client).values(row).on_conflict_do_nothing().returning(Client.id)
    if await session.scalar(inserted) is None:
        raise ConflictError(f"{client}: there is such a client already. Choose another id.")
    audit.record(session, "client.added", f"client/{client}", {"carrier": carrier, "scopes": row["scopes"]})
    return secret


def _require_public(keys: dict[str, Any]) -> None:
    try:
        loaded = KeySet.import_key_set(keys)  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError):
        raise UsageError("the public keys are not a JWK set") from None
    if not loaded.keys or any(key.is_private or key.key_type == "oct" for key in loaded.keys):
        raise UsageError("the key set holds a private or shared key: give the public halves alone")


async def revoke(session: AsyncSession, client: str) -> None:
    """End a client: no more tokens, and those that it has are refused within seconds.

    Raises `NotFoundError`.
    """
    ended = (
        sa.update(Client)
        .where(Client.id == client, Client.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(Client.id)
    )
    if await session.scalar(ended) is None:
        raise NotFoundError(f"{client}: there is no such client, or it is revoked already")
    audit.record(session, "client.revoked", f"client/{client}")


async def find(session: AsyncSession, client: str) -> Client:
    """A client that this session may see, locked until it ends. Raises `NotFoundError`."""
    wanted = sa.select(Client).where(Client.id == client).with_for_update()
    found = await session.scalar(wanted) if ID.fullmatch(client) else None
    if found is None:
        raise NotFoundError(f"{client[:64]}: there is no such client")
    return found


async def listed(session: AsyncSession, *, revoked: bool = False) -> list[Client]:
    """The clients that this session may see, by carrier and id; with `revoked`, also those that ended."""
    wanted = sa.select(Client).order_by(Client.carrier.nulls_first(), Client.id)
    return list(await session.scalars(wanted if revoked else wanted.where(Client.revoked_at.is_(None))))


async def rotate(
    session: AsyncSession, client: str, public_keys: dict[str, Any] | None = None
) -> str | None:  # fmt: skip
    """Give a client another secret, or these public keys, in place of what it proved itself by. Gives the
    secret, which is shown once. Tokens that it has stay good for their few minutes.

    Raises `NotFoundError`, `ConflictError` for one that is revoked, `UsageError` for keys that are none.
    """
    found = await _living(session, client)
    if public_keys is not None:
        _require_public(public_keys)
    secret = None if public_keys else secrets.token_urlsafe(32)
    changed = sa.update(Client).where(Client.id == found.id)
    await session.execute(
        changed.values(
            secret_hash=_HASHER.hash(secret) if secret else None, public_keys=public_keys or sa.null()
        ),
        execution_options={"synchronize_session": False},
    )
    by = "keys" if public_keys else "secret"
    audit.record(session, "client.rotated", f"client/{client}", {"by": by})
    return secret


async def change(
    session: AsyncSession, client: str, *, scopes: Iterable[str], rate: float | None
) -> None:  # fmt: skip
    """Let a client do these things, so many a second (None: the service's own rate); in force within seconds.

    Raises `NotFoundError`, `ConflictError` for one that is revoked, `UsageError`.
    """
    found = await _living(session, client)
    chosen = known.chosen(scopes, found.carrier)
    if rate is not None and not 0 < rate <= _MOST_RATE:
        raise UsageError(f"rate: requests a second, more than 0 and at most {_MOST_RATE:,}")
    if (chosen, rate) != (found.scopes, found.rate):
        told = {"from": list(found.scopes), "to": chosen, "rate": "" if rate is None else f"{rate:g}"}
        found.scopes, found.rate = chosen, rate
        audit.record(session, "client.changed", f"client/{client}", told)


async def _living(session: AsyncSession, client: str) -> Client:
    found = await find(session, client)
    if found.revoked_at is not None:
        raise ConflictError(f"{client}: is revoked. Add another client.")
    return found


async def standing(session: AsyncSession) -> dict[str, Standing]:
    """All clients that are not revoked. The session needs the ministry's scope."""
    rows = await session.scalars(sa.select(Client).where(Client.revoked_at.is_(None)))
    return {row.id: Standing(row.carrier, frozenset(row.scopes), row.rate) for row in rows}


async def authenticate(session: AsyncSession, proof: Proof, audiences: Sequence[str]) -> Client:
    """The client that proves to be itself, by its secret or by `private_key_jwt` (RFC 7523).

    `audiences` are the names that an assertion may be made out to. The session needs the ministry's scope.
    Raises `NotAuthenticatedError`, in the same words whatever is wrong.
    """
    if proof.assertion is not None:
        return await _by_assertion(session, proof, audiences)
    client = await _find(session, proof.client)
    held = client.secret_hash if client else None
    async with _HASHING:
        right = await asyncio.to_thread(_matches, held or _NOBODY, proof.secret or "")
    if client is None or held is None or not right:
        raise NotAuthenticatedError(_WRONG)
    return client


async def _find(session: AsyncSession, client: str | None) -> Client | None:
    if not client or "\0" in client:
        return None
    return await session.scalar(sa.select(Client).where(Client.id == client, Client.revoked_at.is_(None)))


def _matches(hashed: str, secret: str) -> bool:
    try:
        return _HASHER.verify(hashed, secret)
    except (Argon2Error, InvalidHashError):
        return False


async def _by_assertion(session: AsyncSession, proof: Proof, audiences: Sequence[str]) -> Client:
    assert proof.assertion is not None
    try:
        named = json.loads(jws.extract_compact(proof.assertion.encode()).payload)["sub"]
        client = await _find(session, named if isinstance(named, str) else None)
        if client is None or client.public_keys is None or proof.client not in {None, client.id}:
            raise NotAuthenticatedError(_WRONG)
        keys = KeySet.import_key_set(client.public_keys)  # type: ignore[arg-type]
        claims = jwt.decode(proof.assertion, keys, algorithms=list(ASSERTION_ALGORITHMS)).claims
        jti, expires = _checked(claims, client.id, audiences)
    except (JoseError, ValueError, KeyError, TypeError, OverflowError):
        raise NotAuthenticatedError(_WRONG) from None
    used = (
        pg.insert(ClientAssertion)
        .values(client=client.id, jti=jti, expires_at=expires + _LEEWAY)
        .on_conflict_do_nothing()
        .returning(ClientAssertion.jti)
    )
    if await session.scalar(used) is None:
        raise NotAuthenticatedError(_WRONG)
    return client


def _checked(claims: dict[str, Any], client: str, audiences: Sequence[str]) -> tuple[str, datetime]:
    """The assertion's id and end. Raises `ValueError` when it is not good here and now."""
    now, audience = clock.now(), claims["aud"]
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    begins = datetime.fromtimestamp(claims.get("nbf", claims.get("iat", 0)), UTC)
    jti = claims["jti"]
    good = (
        claims["iss"] == client
        and not set(audiences).isdisjoint([audience] if isinstance(audience, str) else audience)
        and begins - _LEEWAY <= now < expires + _LEEWAY
        and expires <= now + ASSERTION_LIFE + _LEEWAY
        and isinstance(jti, str)
        and 0 < len(jti) <= 200
        and "\0" not in jti
    )
    if not good:
        raise ValueError("not good here and now")
    return jti, expires


async def forget_expired(session: AsyncSession) -> None:
    """Drop assertions that are no good any more anyhow."""
    await session.execute(sa.delete(ClientAssertion).where(ClientAssertion.expires_at < clock.now()))
