"""Every page of the desks has one door, which lets in whom the table of roles says: over every route."""

from __future__ import annotations

import contextlib
import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
from jinja2 import nodes

import simcheck
from simcheck.access.roles import MAY, Permission, Role, Side
from simcheck.app import whole_app
from simcheck.config import Settings
from simcheck.desks.doors import FILES, MENU, OPEN
from simcheck.desks.frame import menu
from simcheck.desks.frame.door import SIGN_IN, DeskRoute, Door, Token
from simcheck.desks.frame.pages import WORDS
from tests.desking import at_desk
from tests.serving import ISSUER
from tests.wiring.test_service import every, guards


def desks() -> list[DeskRoute]:
    """All routes of the desks."""
    routes = every(whole_app(Settings(), contextlib.nullcontext).routes)
    return [route for route in routes if isinstance(route, DeskRoute)]


ROUTES = [route for route in desks() if route.path != FILES]


def door_of(route: DeskRoute) -> Door:
    [door] = guards(route.dependant)
    assert isinstance(door, Door), route.path
    return door


def test_every_page_has_one_door_with_permissions_or_is_open():
    assert len(ROUTES) > 10
    for route in ROUTES:
        assert bool(door_of(route).permissions) is (route.path not in OPEN), route.path
        if door_of(route).token is not Token.HEADER:  # a script of ours knows more than a form
            assert route.methods <= {"GET", "POST"}, route.path
        assert not route.include_in_schema, route.path
        assert menu.side_of(route.path) is not None, route.path
    assert {route.path for route in ROUTES} >= OPEN


def test_everybody_can_open_what_their_menu_offers():
    pages = {route.path: door_of(route) for route in ROUTES if "GET" in route.methods}
    for entry in MENU:
        assert {entry.permission} == pages[entry.path].permissions, entry
        for words in WORDS.values():
            assert words.has(f"{entry.room}.menu"), entry
            assert words.has(f"{entry.room}.about"), entry


def test_every_permission_is_somebodys_and_of_one_side_or_of_both_knowingly():
    assert set(Permission) == frozenset().union(*MAY.values())
    assert set(MAY) == set(Role)
    of = {side: frozenset().union(*(MAY[role] for role in Role if role.side is side)) for side in Side}
    assert of[Side.MINISTRY] & of[Side.CARRIER] == {
        Permission.OWN_ACCOUNT, Permission.QUESTION_SEE, Permission.QUESTION_ANSWER,
    }  # fmt: skip


def filled(route: DeskRoute) -> str:
    """The route's path, with values that name nothing."""
    kinds = {each.name: each.field_info.annotation for each in route.dependant.path_params}

    def value(found: re.Match[str]) -> str:
        kind = kinds[found[1]]
        return str(uuid.UUID(int=1)) if kind is uuid.UUID else "1" if kind is int else "x"

    return re.sub(r"\{(\w+)(?::\w+)?\}", value, route.path)


def may(role: Role, route: DeskRoute) -> bool:
    """What the table says."""
    return menu.side_of(route.path) is role.side and door_of(route).permissions <= MAY[role]


async def ask(http: httpx.AsyncClient, route: DeskRoute, token: str) -> httpx.Response:
    [method] = route.methods
    if method == "POST":
        return await http.post(filled(route), data={"form_token": token}, headers={"X-Form-Token": token})
    return await http.request(method, filled(route), headers={"X-Form-Token": token})


def let_in(answer: httpx.Response) -> bool:
    assert answer.status_code < 500, answer.url
    led_away = answer.headers.get("location", "").startswith(SIGN_IN)
    return answer.status_code not in {401, 403} and not led_away


@pytest.mark.anyio
@pytest.mark.parametrize("role", Role)
async def test_a_role_over_every_route(app: Any, role: Role):
    """Whatever becomes of it: let in or not is what the table says."""
    async with at_desk(app, role) as desk:
        token = await desk.form_token()
        found = {}
        for route in ROUTES:
            if route.path not in OPEN:
                answer = await ask(desk.http, route, token)
                found[route.methods.copy().pop(), route.path] = let_in(answer)
    assert found == {
        (route.methods.copy().pop(), route.path): may(role, route)
        for route in ROUTES
        if route.path not in OPEN
    }
    assert any(found.values())
    assert not all(found.values())


@pytest.mark.anyio
async def test_nobody_over_every_route(app: Any):
    """Whoever has not signed in is led to do so, and nothing is done."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        for route in ROUTES:
            if route.path not in OPEN:
                answer = await ask(http, route, "")
                assert (answer.status_code, let_in(answer)) == (303, False), route.path


def test_pages_say_nothing_outside_their_blocks():
    """A template that extends another is only read for its blocks: what stands beside them is never done."""
    for path in sorted(Path(simcheck.__file__).parent.rglob("templates/**/*.html")):
        page = jinja2.Environment().parse(path.read_text("utf-8"))
        if page.find(nodes.Extends):
            beside = [each for each in page.body if not isinstance(each, nodes.Block | nodes.Macro)]
            said = [what for each in beside for what in [each, *each.find_all(nodes.Output)]
                    if isinstance(what, nodes.Output)]  # fmt: skip
            text = "".join(
                part.data if isinstance(part, nodes.TemplateData) else "{{"
                for each in said for part in each.nodes
            )  # fmt: skip
            assert not text.strip(), path.name
