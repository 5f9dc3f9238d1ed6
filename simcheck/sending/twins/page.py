"""The page that shows what the twins took, and lets one answer by SMS. On this machine alone."""

from __future__ import annotations

import re
from dataclasses import asdict
from importlib.resources import files
from typing import Annotated, Any

import jinja2
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from simcheck.errors import UnavailableError
from simcheck.sending.twins.shelf import Shelf
from simcheck.sending.twins.smsc import SmscTwin

SHOWN = 100
_NUMBER = re.compile(r"\+?\d{9,15}")


def application(shelf: Shelf, smsc: SmscTwin) -> FastAPI:
    """The page as an ASGI application."""
    page = FastAPI(title="Trial inbox", openapi_url=None)
    source = files("simcheck.sending.twins").joinpath("page.html").read_text("utf-8")
    template = jinja2.Environment(autoescape=True).from_string(source)

    @page.get("/")
    async def inbox(to: str | None = None, said: str | None = None) -> HTMLResponse:
        """What came, the newest first; with `to`, for one address."""
        messages = shelf.to(to) if to else list(shelf.messages)
        newest = next((each.to for each in messages if each.kind == "sms"), "")
        words = {"sent": "Đã gửi · Sent", "away": "Không ai nhận · Nobody takes it"}
        return HTMLResponse(
            template.render(
                count=shelf.count, messages=messages[:SHOWN], number=newest, said=words.get(said or "")
            )
        )

    @page.get("/messages.json")
    async def messages(to: str | None = None) -> list[dict[str, Any]]:
        """The same for programs."""
        return [asdict(each) for each in (shelf.to(to) if to else shelf.messages)]

    @page.post("/answer")
    async def answer(
        request: Request,
        number: Annotated[str, Form(max_length=20)],
        text: Annotated[str, Form(max_length=70)],
    ) -> Response:
        """Send us an SMS as a holder would; only from this page itself."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or not _NUMBER.fullmatch(
            number
        ):
            return Response(status_code=400)
        try:
            await smsc.answer(number.removeprefix("+"), text)
        except UnavailableError:
            return RedirectResponse("/?said=away", 303)
        return RedirectResponse("/?said=sent", 303)

    return page
