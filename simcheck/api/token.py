"""`POST /oauth/token`: client credentials (RFC 6749, 4.4), by secret or by signed assertion (RFC 7523)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData

from simcheck import audit, log
from simcheck.access import clients
from simcheck.access.clients import Proof
from simcheck.api.guard import doorkeeper, service_of
from simcheck.errors import NotAuthenticatedError

router = APIRouter(tags=["access"])

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "scope": {"type": "string", "description": "Wanted scopes. Left out: all that the client has."},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
        "client_assertion": {"type": "string"},
    },
}
_ANSWERS = {
    200: {"description": "An access token.", "content": {"application/json": {"schema": {
        "type": "object", "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {"access_token": {"type": "string"}, "token_type": {"type": "string"},
                       "expires_in": {"type": "integer"}, "scope": {"type": "string"}}}}}},
    **{status: {"description": text, "content": {"application/json": {"schema": {
        "type": "object", "required": ["error"], "properties": {
            "error": {"type": "string"}, "error_description": {"type": "string"}}}}}}
       for status, text in ((400, "The request is wrong."), (401, "The client is not known."))},
}  # fmt: skip


class _RefusedError(Exception):
    """An OAuth error, with its own code and words."""

    def __init__(self, error: str, words: str, status: int = 400) -> None:
        self.error, self.words, self.status = error, words, status
        super().__init__(error)


@router.post(
    "/oauth/token",
    responses=_ANSWERS,  # type: ignore[arg-type]
    openapi_extra={"requestBody": {
        "required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}},
    }},
)  # fmt: skip
async def token(request: Request) -> JSONResponse:
    """A short-lived access token for a client that proves to be itself."""
    try:
        content, client = await _issued(request)
    except _RefusedError as refused:
        headers = {"WWW-Authenticate": 'Basic realm="simcheck"'} if refused.status == 401 else {}
        return JSONResponse(
            {"error": refused.error, "error_description": refused.words}, refused.status, headers
        )
    log.logger().info("token issued", client=client)
    return JSONResponse(content, headers={"Pragma": "no-cache"})


async def _issued(request: Request) -> tuple[dict[str, object], str]:
    """The answer and the client that it is for. Raises `_RefusedError`."""
    service, keeper = service_of(request), doorkeeper(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise _RefusedError("invalid_request", "Send a form (application/x-www-form-urlencoded).")
    form = await request.form()
    if any(len(form.getlist(name)) > 1 for name in form):
        raise _RefusedError("invalid_request", "A field stands in the form twice.")
    if _text(form, "grant_type") != "client_credentials":
        raise _RefusedError("unsupported_grant_type", "grant_type is client_credentials.")
    issuer = service.settings.issuer
    keys = await keeper.keys()
    async with service.database.transaction("token", ministry=True) as session:
        try:
            client = await clients.authenticate(
                session, _proof(request, form), [issuer, f"{issuer}/oauth/token"]
            )
        except NotAuthenticatedError as error:
            raise _RefusedError("invalid_client", str(error), 401) from None
        asked = (_text(form, "scope") or "").split()
        if not set(asked) <= set(client.scopes):
            raise _RefusedError("invalid_scope", "The client has not all of these scopes.")
        scopes = asked or client.scopes
        seconds = service.settings.token_seconds
        issued = keys.issue(client.id, scopes, seconds)
        audit.record(
            session, "token.issued", f"client/{client.id}", {"scopes": sorted(scopes)},
            stream=f"token/{client.carrier or client.id}",
        )  # fmt: skip
    answer = {
        "access_token": issued,
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": " ".join(scopes),
    }
    return answer, client.id


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) else None


def _proof(request: Request, form: FormData) -> Proof:
    """What the client showed: exactly one of the ways. Raises `_RefusedError`."""
    basic = _basic(request.headers.get("authorization"))
    secret, assertion = _text(form, "client_secret"), _text(form, "client_assertion")
    if sum(shown is not None for shown in (basic, secret, assertion)) != 1:
        raise _RefusedError("invalid_client", "Prove who you are, in one way.", 401)
    if basic is not None:
        return basic
    if assertion is not None:
        if _text(form, "client_assertion_type") != ASSERTION_TYPE:
            raise _RefusedError("invalid_request", f"client_assertion_type is {ASSERTION_TYPE}.")
        return Proof(client=_text(form, "client_id"), assertion=assertion)
    return Proof(client=_text(form, "client_id"), secret=secret)


def _basic(header: str | None) -> Proof | None:
    """Id and secret of a Basic header; both are form-encoded in it (RFC 6749, 2.3.1)."""
    kind, _, encoded = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return Proof()
    return Proof(client=unquote_plus(client), secret=unquote_plus(secret))
