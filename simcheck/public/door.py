"""Who may open a page, and the check of every form. Every page has one `Door`; a wiring test sees to it.

    @router.post("/record/confirm")
    async def confirm(visit: OfNumber) -> Response:
        async with visit.acting() as session:
            ... visit.form.line("name") ...
        return visit.go("/record/done")

A form is taken only from a page of ours: by its token, which is bound to the browser and its session, and by
what the browser itself says of where the form stood (`Sec-Fetch-Site`).
"""

from __future__ import annotations

import math
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from simcheck.errors import NotAuthenticatedError, SimcheckError, TooManyError
from simcheck.holders import possession, sessions
from simcheck.holders.models import SessionKind
from simcheck.holders.sessions import Holder, Started
from simcheck.public import pages
from simcheck.public.words import WORDS, Words
from simcheck.service import Service
from simcheck.web import client, forms
from simcheck.web.cookies import SESSION, Jar
from simcheck.web.forms import Form
from simcheck.web.pages import HEADERS
from simcheck.web.routes import PagesRoute

_IDLE = sessions.IDLE // timedelta(minutes=1)
_NOTED, _NOTED_SECONDS = "noted", 600


class SignedOutError(NotAuthenticatedError):
    """The page needs a session, and there is none (any more)."""

    code = "signed_out"


@dataclass(frozen=True)
class Visit:
    """One request for a page: what was sent, by whom, in which language, and how to answer it."""

    request: Request
    service: Service
    words: Words
    jar: Jar
    form: Form
    session: Holder | None = None

    @property
    def path(self) -> str:
        """The address, without the language's prefix."""
        return pages.without_language(self.request.url.path)

    @property
    def client(self) -> str:
        """What limits know the client's address by."""
        told = client.address(self.request, self.service.settings.proxies)
        return possession.client_key(self.service.keyring, told)

    @property
    def holder(self) -> Holder:
        """Whose session it is. Raises `SignedOutError`."""
        if self.session is None:
            raise SignedOutError("There is no session (any more). Begin again.")
        return self.session

    @property
    def form_token(self) -> str:
        """The token that this browser's forms carry, as of this answer."""
        return forms.token(self.service.keyring, f"{self.jar.visit}/{self.jar.get(SESSION) or ''}")

    def opened(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction for somebody who is not known yet."""
        return self.service.database.transaction("public", ministry=True)

    def acting(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction of the holder, as far as their session sees. Raises `SignedOutError`."""
        return self.holder.transaction(self.service)

    async def welcome(self, started: Started) -> None:
        """Give the browser a session: a new id with it, so that no form or value from before is good."""
        await self.end()
        self.jar.renew()
        self.jar.put(SESSION, started.token, int(sessions.WHOLE.total_seconds()))

    async def end(self) -> None:
        """End the browser's session, if it has one."""
        if self.session is not None:
            async with self.acting() as session:
                await sessions.revoke(session, self.session)
        self.jar.drop(SESSION)

    def note(self, what: str) -> None:
        """Keep for the next page what was done; see `noted`."""
        self.jar.seal(_NOTED, {"what": what}, _NOTED_SECONDS, bound_to=self.jar.get(SESSION) or "")

    def noted(self) -> str | None:
        """What the page before has done, in this session."""
        kept = self.jar.unseal(_NOTED, bound_to=self.jar.get(SESSION) or "")
        return str(kept["what"]) if kept else None

    def page(self, name: str, status: int = 200, *, at: str | None = None, **values: Any) -> Response:
        """Answer with a page. `at`: its address, where that is not the one that was asked for."""
        return pages.page(
            self.words, self.jar, at or self.path, name,
            {"form_token": self.form_token, "signed_in": self.session is not None, "idle": _IDLE,
             "faults": {}, **values},
            status,
        )  # fmt: skip

    def go(self, path: str) -> Response:
        """Answer a form by sending the browser on, to a page that may be loaded again."""
        response = RedirectResponse(self.words.prefix + path, 303, HEADERS)
        self.jar.onto(response)
        return response

    def trouble(self, error: SimcheckError) -> Response:
        """Answer with what went wrong, in words of the page's language."""
        code = error.code if self.words.has(f"trouble.{error.code}.title") else "other"
        if error.http_status >= 500 and not error.retry:
            code = "defect"
        minutes = math.ceil(error.after / 60) if isinstance(error, TooManyError) else 0
        at = None if self.request.method == "GET" else "/"  # what takes a form may be no page
        response = self.page("trouble", error.http_status, at=at, code=code, minutes=minutes)
        if isinstance(error, TooManyError):
            response.headers["Retry-After"] = str(max(1, math.ceil(error.after)))
        return response


def visit_of(request: Request, form: Form | None = None) -> Visit:
    """A request as a visit, without any check."""
    service: Service = request.app.state.service
    jar = Jar.of(request, service.keyring, secure=service.settings.issuer.startswith("https:"))
    words = WORDS[pages.language_of(request.url.path)]
    return Visit(request, service, words, jar, form or Form())


@dataclass(frozen=True)
class Door:
    """Lets in forms that stood on our own pages, and to pages of a session (`kind`) whoever has one."""

    kind: SessionKind | None = None

    async def __call__(self, request: Request) -> Visit:
        """The visit. Raises `FormExpiredError`, `InvalidError`, `MediaTypeError`, `SignedOutError`."""
        form = await forms.read(request) if request.method != "GET" else None
        visit = visit_of(request, form)
        if form is not None:
            forms.require_ours(request, form, visit.form_token)
        holder = await _holder(visit)
        if self.kind is not None and (holder is None or holder.kind is not self.kind):
            raise SignedOutError("There is no session for this page (any more). Begin again.")
        return Visit(request, visit.service, visit.words, visit.jar, visit.form, holder)


async def _holder(visit: Visit) -> Holder | None:
    """Whose session the browser's token is; one that is over is forgotten."""
    token = visit.jar.get(SESSION)
    if token is None:
        return None
    async with visit.opened() as session:
        holder = await sessions.read(session, visit.service.keyring, token)
    if holder is None:
        visit.jar.drop(SESSION)
    return holder


Anybody = Annotated[Visit, Depends(Door())]
OfNumber = Annotated[Visit, Depends(Door(SessionKind.POSSESSION))]
OfPerson = Annotated[Visit, Depends(Door(SessionKind.IDENTITY))]


class PageRoute(PagesRoute):
    """A route of a holder's page."""

    @staticmethod
    def trouble(request: Request, error: SimcheckError) -> Response:
        """The page that tells of an error, in the language of the address."""
        return visit_of(request).trouble(error)
