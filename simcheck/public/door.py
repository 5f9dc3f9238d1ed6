"""Who may open a page, and the check of every form. Every page has one `Door`; a wiring test sees to it.

    @router.post("/code")
    async def prove(visit: Anybody) -> Response:
        ... visit.form.line("digits") ...
        return visit.page("code") or visit.go("/record")

A form is taken only from a page of ours: by its token, which is bound to the browser and its session, and by
what the browser itself says of where the form stood (`Sec-Fetch-Site`).
"""

from __future__ import annotations

import base64
import hmac
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from simcheck import log
from simcheck.errors import NotAllowedError, NotAuthenticatedError, SimcheckError, TooManyError
from simcheck.public import client, forms, pages
from simcheck.public.cookies import SESSION, Jar
from simcheck.public.forms import Form
from simcheck.public.words import WORDS, Words
from simcheck.service import Service

TOKEN = "form_token"  # the field of every form that holds its token  # noqa: S105


class FormExpiredError(NotAllowedError):
    """A form without the token of this browser and session: too old, from before a sign-in, or not ours."""

    code = "form_expired"


class SignedOutError(NotAuthenticatedError):
    """The page needs a session, and there is none (any more)."""

    code = "signed_out"


@dataclass(frozen=True)
class Visit:
    """One request for a page: what was sent, in which language, and how to answer it."""

    request: Request
    service: Service
    words: Words
    jar: Jar
    form: Form

    @property
    def path(self) -> str:
        """The address, without the language's prefix."""
        return pages.without_language(self.request.url.path)

    @property
    def client(self) -> str:
        """The keyed token of the client's address."""
        return client.key(self.request, self.service.keyring, self.service.settings.proxies)

    @property
    def form_token(self) -> str:
        """The token that this browser's forms carry, as of this answer."""
        bound = f"{self.jar.visit}/{self.jar.get(SESSION) or ''}"
        token = self.service.keyring.token("form", bound)
        return base64.urlsafe_b64encode(token).decode().rstrip("=")

    def page(self, name: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page."""
        signed_in = self.jar.get(SESSION) is not None
        return pages.page(
            self.words, self.jar, self.path, name,
            {"form_token": self.form_token, "signed_in": signed_in, "faults": {}, **values}, status,
        )  # fmt: skip

    def go(self, path: str) -> Response:
        """Answer a form by sending the browser on, to a page that may be loaded again."""
        response = RedirectResponse(self.words.language.prefix + path, 303, pages.HEADERS)
        self.jar.onto(response)
        return response

    def trouble(self, error: SimcheckError) -> Response:
        """Answer with what went wrong, in words of the page's language."""
        words = self.words
        code = error.code if words.has(f"trouble.{error.code}.title") else "other"
        if error.http_status >= 500 and not error.retry:
            code = "defect"
        minutes = math.ceil(error.after / 60) if isinstance(error, TooManyError) else 0
        response = self.page("trouble", error.http_status, code=code, minutes=minutes)
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
    """Lets in whom the page is for, and forms that stood on our own pages."""

    async def __call__(self, request: Request) -> Visit:
        """The visit. Raises `FormExpiredError`, `InvalidError`, `MediaTypeError`."""
        form = await forms.read(request) if request.method != "GET" else None
        visit = visit_of(request, form)
        if form is not None:
            elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
            told = form.fields.get(TOKEN, "")
            if elsewhere or not hmac.compare_digest(told.encode(), visit.form_token.encode()):
                raise FormExpiredError("The form is too old. Open the page again.")
        return visit


Anybody = Annotated[Visit, Depends(Door())]


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route, answering what it raises."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except SimcheckError as error:
                if error.http_status >= 500:
                    log.logger().error("request failed", code=error.code, exc_info=error)
                return visit_of(request).trouble(error)
            except HTTPException as error:
                if isinstance(error.__cause__, SimcheckError):
                    return visit_of(request).trouble(error.__cause__)
                raise
            except RequestValidationError:
                return visit_of(request).trouble(SimcheckError("The address cannot be used."))
            except Exception as error:
                log.logger().error("defect", exc_info=error)
                return visit_of(request).trouble(_DefectError())

        return handle


class _DefectError(SimcheckError):
    code = "defect"
    http_status = 500
