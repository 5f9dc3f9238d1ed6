"""Client systems, carriers' and relying services': the list, adding one, its secret, scopes, rate and end."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck.access import clients, scopes
from simcheck.access.models import Client
from simcheck.access.roles import Permission
from simcheck.access.scopes import SCOPES, For
from simcheck.desks.admin import asked
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import ConflictError, UsageError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Manager = Annotated[Visit, needs(Permission.CLIENT_MANAGE)]
LIST, ADD = "/desk/clients", "/desk/clients/_add"
ONE = LIST + "/{client}"
SERVICES = "services"  # in place of a carrier's code
_MOST_KEYS, _MOST_RATE, _MOST_NAME = 20_000, 100_000, 100


class State(StrEnum):
    """Which clients are shown."""

    ALL = "all"


@dataclass(frozen=True)
class Typed:
    """What a form says of a client, and what is wrong with it by field."""

    scopes: list[str]
    rate: float | None
    faults: dict[str, str] = field(default_factory=dict)


@router.get(LIST)
async def listed(visit: Manager) -> Response:
    """All clients, those that ended only when asked for."""
    everything = asked.word(visit, "state", State) is State.ALL
    async with visit.acting() as session:
        codes = await asked.carriers(session)
        found = await clients.listed(session, revoked=everything)
    whose = asked.one_of(visit, "whose", [SERVICES, *codes])
    wanted = None if whose == SERVICES else whose
    rows = [each for each in found if whose is None or each.carrier == wanted]
    return visit.page(
        "admin/clients", clients=rows, carriers=codes, whose=whose or "", everything=everything,
        usual=visit.service.settings.client_rate,
    )  # fmt: skip


@router.get(ADD)
async def form(visit: Manager) -> Response:
    """The form for a new client."""
    return await _form(visit)


@router.post(ADD)
async def add(visit: Manager) -> Response:
    """Add a client, and show its secret, once; none for one with public keys."""
    told, name = visit.form.line("id"), visit.form.line("name")
    carrier = visit.form.line("carrier") or None
    typed = _typed(visit, carrier)
    keys, faults = _keys(visit, typed.faults)
    if not clients.ID.fullmatch(told):
        faults["id"] = visit.words("admin.clients.fault.id")
    if len(name) > _MOST_NAME:
        faults["name"] = visit.words("admin.clients.fault.name")
    async with visit.acting() as session:
        if carrier is not None and carrier not in await asked.carriers(session):
            faults["carrier"] = visit.words("admin.people.fault.carrier")
    if faults:
        return await _form(visit, 422, faults=faults)
    try:
        async with visit.acting() as session:
            secret = await clients.add(
                session, told, name or told, carrier=carrier, scopes=typed.scopes, public_keys=keys,
                rate=typed.rate,
            )  # fmt: skip
    except ConflictError:
        return await _form(visit, 409, faults={"id": visit.words("admin.clients.fault.taken")})
    except UsageError:
        return await _form(visit, 422, faults={"keys": visit.words("admin.clients.fault.keys")})
    return _done(visit, told, secret, "admin.clients.added")


@router.get(ONE)
async def one(visit: Manager, client: str) -> Response:
    """One client."""
    return await _shown(visit, client)


@router.post(ONE + "/change")
async def change(visit: Manager, client: str) -> Response:
    """Other scopes, another rate."""
    async with visit.acting() as session:
        carrier = (await clients.find(session, client)).carrier
    typed = _typed(visit, carrier)
    if typed.faults:
        return await _shown(visit, client, 422, faults=typed.faults)
    async with visit.acting() as session:
        await clients.change(session, client, scopes=typed.scopes, rate=typed.rate)
    visit.note("admin.clients.changed", client=client)
    return visit.go(f"{LIST}/{client}")


@router.post(ONE + "/rotate")
async def rotate(visit: Manager, client: str) -> Response:
    """A new secret, shown once; or other public keys."""
    keys, faults = _keys(visit, {})
    if faults:
        return await _shown(visit, client, 422, faults=faults)
    try:
        async with visit.acting() as session:
            secret = await clients.rotate(session, client, keys)
    except UsageError:
        return await _shown(visit, client, 422, faults={"keys": visit.words("admin.clients.fault.keys")})
    return _done(visit, client, secret, "admin.clients.rotated")


@router.post(ONE + "/revoke")
async def revoke(visit: Manager, client: str) -> Response:
    """End the client."""
    async with visit.acting() as session:
        await clients.revoke(session, client)
    visit.note("admin.clients.is_revoked", client=client)
    return visit.go(f"{LIST}/{client}")


def _done(visit: Visit, client: str, secret: str | None, what: str) -> Response:
    if secret is not None:
        return visit.page(
            "admin/secret", at=LIST, what="client", whose=client, secret=secret, onward=f"{LIST}/{client}"
        )
    visit.note(what, client=client)
    return visit.go(f"{LIST}/{client}")


def _typed(visit: Visit, carrier: str | None) -> Typed:
    """Scopes and rate of a form."""
    say, faults = visit.words, dict[str, str]()
    chosen = [scope for scope in SCOPES if visit.form.fields.get(f"scope_{scope}") == "yes"]
    if not chosen or not set(chosen) <= set(scopes.of_carriers() if carrier else scopes.of_services()):
        faults["scopes"] = say("admin.clients.fault.scopes")
    told, rate = visit.form.line("rate"), None
    if told:
        rate = _number(told)
        if rate is None:
            faults["rate"] = say("admin.clients.fault.rate")
    return Typed(chosen, rate, faults)


def _number(told: str) -> float | None:
    """A rate as people write it, with a comma or a point; None for what is none."""
    try:
        rate = float(told.replace(",", "."))
    except ValueError:
        return None
    return rate if math.isfinite(rate) and 0 < rate <= _MOST_RATE else None


def _keys(visit: Visit, faults: dict[str, str]) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """The JWK set of a form, if there is one, and the faults with its own."""
    told = visit.form.text("keys", _MOST_KEYS)
    if not told:
        return None, faults
    try:
        read = json.loads(told)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        return None, faults | {"keys": visit.words("admin.clients.fault.keys")}
    return read, faults


async def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        codes = await asked.carriers(session)
    typed = {name: visit.form.fields.get(name, "")[:_MOST_KEYS] for name in
             ("id", "name", "carrier", "rate", "keys")}  # fmt: skip
    ticked = [scope for scope in SCOPES if visit.form.fields.get(f"scope_{scope}") == "yes"]
    return visit.page(
        "admin/clients_add", status, at=ADD, carriers=codes, typed=typed, ticked=ticked,
        for_carriers=scopes.of_carriers(), for_services=scopes.of_services(),
        both=[scope for scope, (whose, _) in SCOPES.items() if whose is For.BOTH], scopes=list(SCOPES),
        usual=visit.service.settings.client_rate, **values,
    )  # fmt: skip


async def _shown(visit: Visit, client: str, status: int = 200, **values: Any) -> Response:
    async with visit.acting() as session:
        found: Client = await clients.find(session, client)
    possible = scopes.of_carriers() if found.carrier else scopes.of_services()
    return visit.page(
        "admin/client", status, at=f"{LIST}/{client}", client=found, possible=possible,
        typed_rate=visit.form.fields.get("rate", "" if found.rate is None else f"{found.rate:g}")[:20],
        usual=visit.service.settings.client_rate, **values,
    )  # fmt: skip
