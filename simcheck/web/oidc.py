"""OpenID Connect: who somebody is, as an identity provider vouches for it (authorization code with PKCE).

    provider = Provider(Registration("https://id.example.vn", "simcheck", secret, "openid", "id_number"))
    url, pending = await provider.start("https://…/my/return")
    ... the browser comes back with code and state ...
    id_number = await provider.finish(query, pending)

OpenID Connect Core 1.0 (3.1 code flow, 5.3 userinfo), Discovery 1.0, RFC 7636 (PKCE, S256), RFC 9207 (`iss`
of the return). The provider is whoever the settings name: VNeID for holders, a ministry's for its staff, or
any other.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import AnyHttpUrl, BaseModel, SecretStr, ValidationError
from starlette.datastructures import State

from simcheck import clock
from simcheck.errors import NotAuthenticatedError, NotFoundError, UnavailableError
from simcheck.tls import trusted

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
REMEMBERED = 3600.0  # seconds that what the provider says of itself is good
PATIENCE = 10.0  # seconds for one answer of it
LEEWAY = 60  # seconds that its clock and ours may differ
_MOST_BYTES = 1 << 20
_VERIFIER_BYTES = 48


class SignInError(NotAuthenticatedError):
    """The provider did not vouch for anybody: refused there, too late, or not what was asked for."""

    code = "sign_in"


class Metadata(BaseModel):
    """What a provider says of itself (Discovery 1.0, section 3): the part that we use."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True)
class Pending:
    """What we keep while somebody is at the provider. All are secrets of this browser's sign-in."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str

    @property
    def challenge(self) -> str:
        """What the provider is shown of the verifier (RFC 7636, 4.2)."""
        digest = sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True)
class Registration:
    """A provider, and what we are there. `claim` is the one that says who somebody is to us."""

    issuer: str
    client_id: str
    client_secret: SecretStr
    scope: str
    claim: str

    @classmethod
    def of(
        cls, issuer: AnyHttpUrl | None, client_id: str | None, secret: SecretStr | None, scope: str,
        claim: str,
    ) -> Registration | None:  # fmt: skip
        """A registration as settings hold one: all of it, or (None) nothing."""
        if issuer is None or client_id is None or secret is None:
            return None
        return cls(str(issuer), client_id, secret, scope, claim)


def provider_of(state: State, ours: Registration | None, *, name: str) -> Provider:
    """The provider of this registration, kept in an application's state under a name: one a process, so that
    what it remembers serves all requests. Raises `NotFoundError` without a registration.
    """
    if ours is None:
        raise NotFoundError("Nobody signs in at a provider here.")
    if not hasattr(state, name):
        setattr(state, name, Provider(ours))
    provider: Provider = getattr(state, name)
    return provider


class Provider:
    """A provider. One a process and registration; it remembers the provider's metadata and keys."""

    def __init__(self, ours: Registration, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.issuer = ours.issuer.rstrip("/")
        self.client_id, self.scope = ours.client_id, ours.scope
        self._secret, self.claim = ours.client_secret, ours.claim
        self._transport = transport
        self._metadata: Metadata | None = None
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def start(self, redirect_uri: str) -> tuple[str, Pending]:
        """Where to send the browser, and what to keep until it is back. Raises `UnavailableError`."""
        metadata = await self._known()
        pending = Pending(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(_VERIFIER_BYTES),
            redirect_uri,
        )  # fmt: skip
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": redirect_uri,
            "scope": self.scope, "state": pending.state, "nonce": pending.nonce,
            "code_challenge": pending.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}", pending

    async def finish(self, returned: Mapping[str, str], pending: Pending) -> str:
        """What the claim says of who has signed in. `returned` is the query that the browser came back with.

        Raises `SignInError` where the provider vouches for nobody, `UnavailableError` where it is away.
        """
        metadata = await self._known()
        if not secrets.compare_digest(returned.get("state", "").encode(), pending.state.encode()):
            raise SignInError("This sign-in was not begun in this browser.")
        told = returned.get("iss")
        if told != metadata.issuer and (told or metadata.authorization_response_iss_parameter_supported):
            raise SignInError("Another provider answered.")
        if not returned.get("code"):
            raise SignInError("The provider let nobody in.")
        tokens = await self._tokens(metadata, returned["code"], pending)
        claims = await self._claims(metadata, str(tokens.get("id_token", "")), pending.nonce)
        if self.claim not in claims and metadata.userinfo_endpoint:
            claims |= await self._userinfo(metadata.userinfo_endpoint, tokens, str(claims["sub"]))
        who = claims.get(self.claim)
        if not isinstance(who, str) or not who:
            raise SignInError("The provider did not say who it is.")
        return who

    async def _known(self) -> Metadata:
        """What the provider says of itself, not older than `REMEMBERED`."""
        async with self._reading:
            if self._metadata is None or time.monotonic() - self._read_at >= REMEMBERED:
                await self._read()
            assert self._metadata is not None
            return self._metadata

    async def _read(self) -> None:
        content = await self._ask("GET", f"{self.issuer}/.well-known/openid-configuration")
        try:
            metadata = Metadata.model_validate(content)
        except ValidationError:
            raise UnavailableError("The identity provider says nothing usable of itself.") from None
        if metadata.issuer.rstrip("/") != self.issuer:
            raise UnavailableError("The identity provider says that it is another one.")
        self._keys = await self._read_keys(metadata)
        self._metadata, self._read_at = metadata, time.monotonic()

    async def _read_keys(self, metadata: Metadata) -> KeySet:
        try:
            return KeySet.import_key_set(await self._ask("GET", metadata.jwks_uri))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            raise UnavailableError("The identity provider's keys cannot be used.") from None

    async def _tokens(self, metadata: Metadata, code: str, pending: Pending) -> dict[str, Any]:
        """What the code is good for, once (Core, 3.1.3)."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.verifier,
        }  # fmt: skip
        # Both are form-encoded inside a Basic header (RFC 6749, 2.3.1).
        basic = httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self._secret.get_secret_value()))
        return await self._ask("POST", metadata.token_endpoint, data=form, auth=basic)

    async def _claims(self, metadata: Metadata, id_token: str, nonce: str) -> dict[str, Any]:
        """What an ID token says, when it is for us, of this sign-in and in time (Core, 3.1.3.7)."""
        registry = jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()), leeway=LEEWAY,
            iss={"essential": True, "value": metadata.issuer}, sub={"essential": True},
            aud={"essential": True, "value": self.client_id}, exp={"essential": True},
            iat={"essential": True}, nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            claims = dict((await self._decoded(metadata, id_token)).claims)
            registry.validate(claims)
        except (JoseError, ValueError):
            raise SignInError("The provider's answer is not good.") from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.client_id:
            raise SignInError("The provider's answer is for somebody else.")
        return claims

    async def _decoded(self, metadata: Metadata, id_token: str) -> jwt.Token:
        """The token, by the keys that we know; with a key that we do not know, by those of now."""
        assert self._keys is not None
        try:
            return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            self._keys = await self._read_keys(metadata)
            return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)

    async def _userinfo(self, where: str, tokens: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """What the provider says beside the ID token, of the same person (Core, 5.3.4)."""
        bearer = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        said = await self._ask("GET", where, headers=bearer)
        if said.get("sub") != subject:
            raise SignInError("The provider speaks of two people.")
        return said

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """One JSON answer of the provider. Raises `SignInError` for a refusal, else `UnavailableError`."""
        try:
            async with (
                httpx.AsyncClient(
                    transport=self._transport, timeout=PATIENCE, trust_env=False, verify=trusted()
                ) as client,
                client.stream(method, url, headers={"Accept": "application/json"} | more.pop("headers", {}),
                              **more) as response,
            ):  # fmt: skip
                if method == "POST" and 400 <= response.status_code < 500:
                    raise SignInError("The provider does not take this sign-in (any more).")
                if response.status_code != httpx.codes.OK:
                    raise UnavailableError("The identity provider does not answer.")
                read = b""
                async for piece in response.aiter_bytes():
                    read += piece
                    if len(read) > _MOST_BYTES:
                        raise UnavailableError("The identity provider's answer is too long.")
            content = httpx.Response(200, content=read).json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError("The identity provider does not answer. Try again.") from error
        if not isinstance(content, dict):
            raise UnavailableError("The identity provider's answer cannot be read.")
        return content
