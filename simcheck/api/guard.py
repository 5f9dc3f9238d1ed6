"""Who asks: the access token becomes a principal, within its scope and its rate. Every route has a guard.

    @router.get("/v1/batches/{batch}")
    async def batch(batch: UUID, acting: Annotated[Acting, acts("batches:read")]) -> BatchState:
        ... acting.session ... acting.principal.carrier ...

`acts(scope)` also opens the request's transaction, committed before the answer is sent; `asks(scope)`
gives the principal alone, for routes that stream. The wiring test looks for `Guard` in every route.
"""
# No postponed annotations here: FastAPI could not read those of a closure.

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock, log
from simcheck.access import clients, limits, tokens
from simcheck.access.scopes import SCOPES
from simcheck.errors import NotAllowedError, NotAuthenticatedError, TooManyError
from simcheck.service import Service

FRESH = 5.0  # seconds that what is known of clients and keys may be old: a revoked client is out after them
CHUNK = 0.1  # seconds of a client's rate that a process takes at once
_REMEMBERED = 10_000  # tokens

SCHEME = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token", scopes={scope: meaning for scope, (_, meaning) in SCOPES.items()}
        )
    ),
    scheme_name="client",
    auto_error=False,
)


@dataclass(frozen=True)
class Principal:
    """Who asks: a client, of a carrier or (without one) a relying service, with the token's scopes."""

    client: str
    carrier: str | None
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """The name that stands behind what it does, in the audit chain too."""
        return f"client:{self.client}"

    def transaction(self, service: Service) -> AbstractAsyncContextManager[AsyncSession]:
        """The edge for this principal: a carrier's client sees its carrier's rows, a relying service none."""
        return service.database.transaction(self.actor, self.carrier)


@dataclass(frozen=True)
class Acting:
    """A principal, and its request's transaction."""

    principal: Principal
    session: AsyncSession


@dataclass
class Doorkeeper:
    """What a process remembers of keys, clients, tokens and rates, so that most requests cost no query."""

    service: Service
    _keys: tokens.TokenKeys | None = None
    _clients: dict[str, clients.Standing] = field(default_factory=dict)
    _read_at: float = -FRESH
    _tokens: dict[str, tokens.Claims] = field(default_factory=dict)
    _allowances: dict[str, tuple[float, float]] = field(default_factory=dict)
    _under_way: dict[str | None, asyncio.Task[None]] = field(default_factory=dict)

    async def keys(self) -> tokens.TokenKeys:
        """The signing keys, not older than `FRESH`."""
        if self._keys is None or time.monotonic() - self._read_at >= FRESH:
            await self._once(None, self.refresh)
        assert self._keys is not None
        return self._keys

    async def refresh(self) -> None:
        """Read keys and clients anew."""
        service = self.service
        async with service.database.transaction("guard", ministry=True) as session:
            keys = await tokens.load_keys(session, service.keyring, service.settings.issuer)
            self._clients = await clients.standing(session)
        if self._keys is None or keys.known.keys() != self._keys.known.keys():
            self._tokens.clear()
        self._keys, self._read_at = keys, time.monotonic()

    async def principal(self, authorization: str | None) -> Principal:
        """Who shows this header. Raises `NotAuthenticatedError`; `TooManyError` above the client's rate."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise NotAuthenticatedError("Send an access token: Authorization: Bearer …")
        keys = await self.keys()
        claims = self._tokens.get(token)
        if claims is None:
            claims = keys.read(token)
            if len(self._tokens) >= _REMEMBERED:
                self._tokens.clear()
            self._tokens[token] = claims
        client = self._clients.get(claims.client)
        if client is None or claims.expires <= clock.now().timestamp():
            raise NotAuthenticatedError("the access token is not good. Ask for a new one.")
        await self._spend(claims.client, client.rate or self.service.settings.client_rate)
        return Principal(claims.client, client.carrier, claims.scopes & client.scopes)

    async def _spend(self, client: str, rate: float) -> None:
        """One request of the client's rate. A process takes some at once, good for about half a second."""
        while not self._has(client):
            await self._once(client, partial(self._take, client, rate))
        left, until = self._allowances[client]
        self._allowances[client] = (left - 1, until)

    def _has(self, client: str) -> bool:
        left, until = self._allowances.get(client, (0.0, 0.0))
        return left >= 1 and time.monotonic() < until

    async def _take(self, client: str, rate: float) -> None:
        limit = limits.Limit("requests", rate, max(2 * rate, 1))
        some = max(1.0, rate * CHUNK)
        async with self.service.database.transaction("guard") as session:
            [grant] = await limits.take(session, limit, [client], some)
        if not grant.granted:
            self._allowances.pop(client, None)
            raise TooManyError("More requests than this client may make. Wait a little.", grant.wait)
        self._allowances[client] = (some, time.monotonic() + CHUNK + 0.5)

    async def _once(self, name: str | None, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it once for all who want it now; `name` is a client's, None for the keys. Raises what it raises.

        All go on together: behind a lock each waits for the one before to have its turn of the loop.
        """
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(do())
            task.add_done_callback(partial(self._done, name))
        await asyncio.shield(task)  # who leaves does not end it for the others

    def _done(self, name: str | None, task: asyncio.Task[None]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # seen, even where all who waited are gone


@dataclass(frozen=True)
class Guard:
    """Lets in who holds a good token with the scope."""

    scope: str

    async def __call__(self, request: Request, shown: Annotated[str | None, Depends(SCHEME)]) -> Principal:
        """The principal. Raises `NotAuthenticatedError`, `NotAllowedError`, `TooManyError`."""
        principal = await doorkeeper(request).principal(shown)
        log.bind(client=principal.client, carrier=principal.carrier)
        if self.scope not in principal.scopes:
            raise NotAllowedError(f"The access token has not the scope {self.scope}.")
        return principal


def asks(scope: str) -> Any:
    """The dependency of a route that opens its transactions itself: gives the `Principal`."""
    assert scope in SCOPES, scope
    return Security(Guard(scope), scopes=[scope])


def acts(scope: str) -> Any:
    """The dependency of a route that is one transaction: gives `Acting`."""
    principal = asks(scope)

    async def acting(request: Request, principal: Annotated[Principal, principal]) -> AsyncIterator[Acting]:
        async with principal.transaction(service_of(request)) as session:
            yield Acting(principal, session)

    return Depends(acting, scope="function")  # ends, and commits, before the answer is sent


def service_of(request: Request) -> Service:
    """What this process holds."""
    service: Service = request.app.state.service
    return service


def doorkeeper(request: Request) -> Doorkeeper:
    """What this process remembers of clients."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    return keeper
