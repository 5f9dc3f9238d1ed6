"""Who may open a page of the desks, and the check of every form. Every page has one door; a wiring test sees
to it.

    @router.get("/desk/queue")
    async def queue(visit: Annotated[Visit, needs(Permission.QUEUE_SEE)]) -> Response:
        async with visit.acting() as session:
            ...
        return visit.page("queue/list", rows=rows)

Whoever has not signed in is sent to do so. Pages under /desk are the ministry's, those under /portal
carriers', whatever somebody may otherwise. A form is taken only from a page of ours, in the same session.
"""

from __future__ import annotations

import math
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.params import Depends as Dependency
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, RedirectResponse

from simcheck.access import staff_sessions
from simcheck.access.roles import Permission, Side
from simcheck.access.staff_sessions import Person, Started
from simcheck.desks.frame import menu, pages
from simcheck.errors import NotAllowedError, NotAuthenticatedError, SimcheckError, TooManyError
from simcheck.messages.words import Language
from simcheck.service import Service
from simcheck.web import client, forms
from simcheck.web.cookies import Jar
from simcheck.web.forms import Form
from simcheck.web.pages import CONNECTING, HEADERS
from simcheck.web.routes import PagesRoute
from simcheck.web.words import Words

# Cookies of the desks: none of them is one of the holders' pages.
VISIT, SESSION, LANGUAGE = "desk_visit", "desk_session", "desk_language"
SIGN_IN = "/desk/sign-in"
_NOTED, _NOTED_SECONDS = "desk_noted", 600
_A_YEAR = 365 * 24 * 3600
# Where somebody may be led after signing in: a page of the desks, and nothing that could be another site.
_INSIDE = re.compile(r"/(desk|portal)(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?(\?[A-Za-z0-9_.~&=%+,:-]*)?")


class SignedOutError(NotAuthenticatedError):
    """The page needs somebody who has signed in, and there is nobody (any more)."""

    code = "signed_out"


class MustChangeError(NotAllowedError):
    """The password has to be changed before anything else."""

    code = "must_change"


@dataclass(frozen=True)
class Visit:
    """A request for a page of the desks: by whom, in which language, what was sent, how to answer it."""

    request: Request
    service: Service
    words: Words
    jar: Jar
    form: Form = field(default_factory=Form)
    somebody: Person | None = None

    @property
    def person(self) -> Person:
        """Who has signed in. Raises `SignedOutError`."""
        if self.somebody is None:
            raise SignedOutError("Nobody has signed in (any more).")
        return self.somebody

    @property
    def root(self) -> str:
        """Where the pages of this person stand: /desk or /portal."""
        return menu.ROOTS[self.somebody.side if self.somebody else Side.MINISTRY]

    @property
    def client(self) -> str:
        """What limits know the client's address by."""
        told = client.address(self.request, self.service.settings.proxies)
        return self.service.keyring.token("client", told).hex()

    @property
    def form_token(self) -> str:
        """The token that forms carry, as of this answer: bound to the session, before there is one to the
        browser.
        """
        held = self.jar.get(SESSION)
        return forms.token(
            self.service.keyring, f"desk/session/{held}" if held else f"desk/visit/{self.jar.visit}"
        )

    def can(self, *wanted: Permission) -> bool:
        """Whether the person may do all of this."""
        return self.somebody is not None and self.somebody.permissions.issuperset(wanted)

    def opened(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction for somebody who is not known yet: to sign in, nothing else."""
        return self.service.database.transaction("desks", ministry=True)

    def acting(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction of the person, who sees their carrier's rows, or the ministry's. Raises
        `SignedOutError`.
        """
        return self.person.transaction(self.service)

    async def welcome(self, started: Started) -> Visit:
        """Give the browser a session, in place of any that it had: forms from before it are good no more."""
        await self.end()
        return self.replaced(started)

    def replaced(self, started: Started) -> Visit:
        """Give the browser a session in place of one that is over already."""
        self.jar.renew()
        # Lax: whoever follows a link in a message stays signed in. Forms are held to their token.
        self.jar.put(SESSION, started.token, started.seconds, "lax")
        return replace(self, somebody=started.person)

    async def end(self) -> None:
        """End the browser's session, if it has one."""
        if self.somebody is not None:
            async with self.acting() as session:
                await staff_sessions.revoke(session, self.somebody.username, self.somebody.session_id)
        self.jar.drop(SESSION)

    def note(self, what: str, **values: str | int) -> None:
        """Keep for the next page what was done: a key of words, and the values that it needs."""
        self.jar.seal(
            _NOTED, {"what": what, "values": values}, _NOTED_SECONDS, bound_to=self._bound, same_site="lax"
        )

    def _noted(self) -> str | None:
        """What the page before has done, in words; said once."""
        kept = self.jar.unseal(_NOTED, bound_to=self._bound)
        self.jar.drop(_NOTED)
        return self.words(kept["what"], **kept["values"]) if kept else None

    @property
    def _bound(self) -> str:
        return self.jar.get(SESSION) or ""

    def page(
        self, name: str, status: int = 200, *, at: str | None = None, connects: bool = False, **values: Any
    ) -> Response:
        """Answer with a page, `room/name`. `at`: its address, where it is not the one that was asked for;
        `connects`: its script asks us for more.
        """
        path = at or self.request.url.path
        noted = self._noted()
        entries = menu.entries_for(self.somebody, self.request.app.state.menu) if self.somebody else []
        html = pages.render(
            name, self.words,
            **{"form_token": self.form_token, "person": self.somebody, "can": self.can, "P": Permission,
               "faults": {}, "noted": noted, "menu": entries, "root": self.root, "path": path,
               "here": self.address, "other_language": self._in_other_language(at), **values},
        )  # fmt: skip
        headers = HEADERS | (CONNECTING if connects else {})
        response = HTMLResponse(html, status, headers | {"Content-Language": self.words.language.value})
        self.jar.onto(response)
        return response

    def _in_other_language(self, at: str | None) -> str:
        other = _OTHER[self.words.language]
        return f"{at}?{urlencode({'lang': other})}" if at else self.address(lang=other)

    def address(self, **changed: str | int | None) -> str:
        """The page's address with its query, in which some values are changed, or (None) left out."""
        kept = [
            (name, value)
            for name, value in self.request.query_params.multi_items()
            if name != "lang" and name not in changed
        ]
        query = urlencode(kept + [(name, value) for name, value in changed.items() if value is not None])
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def go(self, path: str) -> Response:
        """Answer a form by sending the browser on, to a page of the desks that may be loaded again."""
        response = RedirectResponse(path, 303, HEADERS)
        self.jar.onto(response)
        return response

    def trouble(self, error: SimcheckError) -> Response:
        """Answer with what went wrong, in words; whoever has not signed in is led to it."""
        if isinstance(error, SignedOutError):
            return self._to_sign_in()
        if isinstance(error, MustChangeError):
            return self.go(f"{self.root}/account/password")
        code = error.code if self.words.has(f"trouble.{error.code}.title") else "other"
        if error.http_status >= 500 and not error.retry:
            code = "defect"
        minutes = math.ceil(error.after / 60) if isinstance(error, TooManyError) else 0
        at = None if self.request.method == "GET" else self.root  # what takes a form may be no page
        response = self.page("trouble", error.http_status, at=at, code=code, minutes=minutes)
        if isinstance(error, TooManyError):
            response.headers["Retry-After"] = str(max(1, math.ceil(error.after)))
        return response

    def _to_sign_in(self) -> Response:
        """The sign-in page, which leads back to a page that was asked for."""
        query = self.request.url.query
        wanted = self.request.url.path + (f"?{query}" if query else "")
        back = inside(wanted) if self.request.method == "GET" else None
        return self.go(f"{SIGN_IN}?{urlencode({'next': back})}" if back else SIGN_IN)


_OTHER = {Language.VI: Language.EN.value, Language.EN: Language.VI.value}


def inside(address: str) -> str | None:
    """The address, if it is one of the desks' pages."""
    return address if len(address) <= 1000 and _INSIDE.fullmatch(address) else None


def visit_of(request: Request, form: Form | None = None) -> Visit:
    """A request as a visit, without any check."""
    service: Service = request.app.state.service
    jar = Jar.of(request, service.keyring, secure=service.settings.issuer.startswith("https:"), id_name=VISIT)
    told = request.query_params.get("lang")
    if told in set(Language):
        jar.put(LANGUAGE, told, _A_YEAR, "lax")
    chosen = jar.get(LANGUAGE)
    language = Language(chosen) if chosen in set(Language) else Language.VI
    return Visit(request, service, pages.WORDS[language], jar, form or Form())


async def known(visit: Visit) -> Visit:
    """The visit with whoever has signed in; a session that is over is forgotten."""
    token = visit.jar.get(SESSION)
    if token is None:
        return visit
    async with visit.opened() as session:
        person = await staff_sessions.read(session, visit.service, token)
    if person is None:
        visit.jar.drop(SESSION)
    return replace(visit, somebody=person)


@dataclass(frozen=True)
class Door:
    """Lets in whoever has all of `permissions`; without any, anybody (to sign in). Forms: ours alone."""

    permissions: frozenset[Permission] = frozenset()
    before_change: bool = False

    async def __call__(self, request: Request) -> Visit:
        """The visit. Raises `SignedOutError`, `NotAllowedError`, `FormExpiredError`, `InvalidError`,
        `MediaTypeError`.
        """
        visit = await known(visit_of(request))
        request.state.visit = visit  # so that what goes wrong is told to the person, with their menu
        if self.permissions:
            self._require(visit)
        if request.method == "POST":
            form = await forms.read(request)
            forms.require_ours(request, form, visit.form_token)
            visit = replace(visit, form=form)
        return visit

    def _require(self, visit: Visit) -> None:
        person = visit.person
        if menu.side_of(visit.request.url.path) is not person.side or not visit.can(*self.permissions):
            raise NotAllowedError("This page is not for you.")
        if person.must_change and not self.before_change:
            raise MustChangeError("Change the password first.")


def needs(*permissions: Permission, before_change: bool = False) -> Dependency:
    """The door of a page for people with all these permissions. `before_change`: also before somebody has
    changed the password that another drew for them. Raises `ValueError` for a page without a permission.
    """
    if not permissions:
        raise ValueError("a page of the desks names the permissions that it needs")
    dependency: Dependency = Depends(Door(frozenset(permissions), before_change))
    return dependency


Anybody = Annotated[Visit, Depends(Door())]


class DeskRoute(PagesRoute):
    """A route of the desks."""

    @staticmethod
    def trouble(request: Request, error: SimcheckError) -> Response:
        """The page that tells of an error."""
        visit: Visit | None = getattr(request.state, "visit", None)
        return (visit or visit_of(request)).trouble(error)
