"""The carrier's client systems at the programming interface: added, given new keys, switched off."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck.access import clients, scopes
from simcheck.access.clients import ID
from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError, UsageError
from simcheck.messages.words import Language

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

MOST_NAME, MOST_KEYS = 100, 8000  # characters
_TICK = "scope-"
Manager = Annotated[Visit, needs(Permission.OWN_CLIENTS)]


class _KeysError(UsageError):
    """The public keys cannot be read."""


@router.get("/portal/systems")
async def listed(visit: Manager) -> Response:
    """All systems of the carrier, and the form for another one."""
    return await _listed(visit)


@router.post("/portal/systems")
async def add(visit: Manager) -> Response:
    """Add a system. Its secret is on the page that answers, and nowhere else."""
    form, carrier, say = visit.form, telling.carrier_of(visit), visit.words
    suffix, name = form.line("suffix", 64).lower(), form.line("name", MOST_NAME)
    typed = {"typed": {"suffix": suffix, "name": name, "jwks": form.text("keys", MOST_KEYS)}}
    client, chosen = f"{carrier.replace('_', '-')}-{suffix}", _ticked(visit)
    faults = {}
    if not suffix or not ID.fullmatch(client):
        faults["suffix"] = say("portal.systems.wrong_id")
    if not name:
        faults["name"] = say("portal.systems.no_name")
    if not chosen:
        faults["scopes"] = say("portal.systems.no_scope")
    if faults:
        return await _listed(visit, 422, faults=faults, **typed)
    try:
        keys = _keys(visit)
        async with visit.acting() as session:
            secret = await clients.add(
                session, client, name, carrier=carrier, scopes=chosen, public_keys=keys
            )
    except ConflictError:
        return await _listed(visit, 409, faults={"suffix": say("portal.systems.taken")}, **typed)
    except UsageError:
        return await _listed(visit, 422, faults={"keys": say("portal.systems.wrong_keys")}, **typed)
    return _secret(visit, client, secret, new=True)


@router.get("/portal/systems/{client}")
async def one(visit: Manager, client: str) -> Response:
    """A system: what it may do, and what can be changed."""
    return await _one(visit, client)


@router.post("/portal/systems/{client}/scopes")
async def set_scopes(visit: Manager, client: str) -> Response:
    """Let a system do what is ticked, and nothing else."""
    chosen = _ticked(visit)
    if not chosen:
        return await _one(visit, client, 422, faults={"scopes": visit.words("portal.systems.no_scope")})
    async with visit.acting() as session:
        rate = (await clients.find(session, client)).rate  # the ministry's to change
        await clients.change(session, client, scopes=chosen, rate=rate)
    visit.note("portal.systems.changed")
    return visit.go(f"/portal/systems/{client}")


@router.post("/portal/systems/{client}/rotate")
async def rotate(visit: Manager, client: str) -> Response:
    """Give a system another secret, or other public keys."""
    try:
        keys = _keys(visit)
        async with visit.acting() as session:
            secret = await clients.rotate(session, client, keys)
    except UsageError:
        return await _one(visit, client, 422, faults={"keys": visit.words("portal.systems.wrong_keys")})
    return _secret(visit, client, secret, new=False)


@router.post("/portal/systems/{client}/end")
async def end(visit: Manager, client: str) -> Response:
    """Switch a system off, for good."""
    async with visit.acting() as session:
        await clients.revoke(session, client)
    visit.note("portal.systems.ended_now")
    return visit.go("/portal/systems")


def _ticked(visit: Visit) -> list[str]:
    """The scopes that are ticked, of those that a carrier's system can have."""
    return [each for each in scopes.of_carriers() if visit.form.fields.get(_TICK + each)]


def _keys(visit: Visit) -> dict[str, Any] | None:
    """The public keys of the form; None where there are none. Raises `UsageError`."""
    text = visit.form.text("keys", MOST_KEYS)
    if not text:
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise _KeysError("The keys are no JSON.") from None
    if not isinstance(read, dict):
        raise _KeysError("The keys are no JWK set.")
    return read


def _secret(visit: Visit, client: str, secret: str | None, *, new: bool) -> Response:
    """The secret, this once; for a system with keys of its own there is none to be shown."""
    if secret is None:
        visit.note("portal.systems.added" if new else "portal.systems.changed")
        return visit.go(f"/portal/systems/{client}")
    minutes = visit.service.settings.token_seconds // 60
    return visit.page(
        "portal/secret", at="/portal/systems", client=client, secret=secret, new=new, minutes=minutes,
        token_url=f"{visit.service.settings.issuer}/oauth/token",
    )  # fmt: skip


async def _listed(visit: Visit, status: int = 200, **values: Any) -> Response:
    carrier = telling.carrier_of(visit)
    async with visit.acting() as session:
        found = await clients.listed(session, revoked=True)
    return visit.page(
        "portal/systems", status, at="/portal/systems", clients=found, prefix=f"{carrier.replace('_', '-')}-",
        scopes=_scopes(visit), prefix_of_ticks=_TICK, ticked=_ticked(visit), most_keys=MOST_KEYS,
        **{"typed": {}, **values},
    )  # fmt: skip


async def _one(visit: Visit, client: str, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        found = await clients.find(session, client)
    return visit.page(
        "portal/system", status, at=f"/portal/systems/{found.id}", client=found, scopes=_scopes(visit),
        prefix_of_ticks=_TICK, ticked=found.scopes, minutes=visit.service.settings.token_seconds // 60,
        most_keys=MOST_KEYS, **values,
    )  # fmt: skip


def _scopes(visit: Visit) -> list[tuple[str, str]]:
    """The scopes that a carrier's system can have, with their words."""
    if visit.words.language is Language.EN:
        return [(each, scopes.SCOPES[each][1]) for each in scopes.of_carriers()]
    return [
        (each, visit.words(f"portal.scope.{each.replace(':', '_').replace('-', '_')}"))
        for each in scopes.of_carriers()
    ]
