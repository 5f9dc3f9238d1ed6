"""What a client is told when something goes wrong: problem documents (RFC 9457), never what it sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from simcheck import log
from simcheck.errors import NotAuthenticatedError, SimcheckError, TooManyError

MEDIA_TYPE = "application/problem+json"
_DEFECT = "A defect of ours. Try again later, and tell us the request_id if it stays."


def problem(
    status: int, code: str, detail: str, *, retry: bool = False, headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:  # fmt: skip
    """A problem document: `code` is stable, `detail` for people, `retry` whether trying again may help."""
    content = {"type": f"urn:simcheck:problem:{code}", "title": code.replace("_", " "), "status": status,
               "detail": detail, "code": code, "retry": retry, **more}  # fmt: skip
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def of_error(error: SimcheckError, **more: Any) -> JSONResponse:
    """The document of one of our errors; `more` stands in it too."""
    headers = {}
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.after)))
    if isinstance(error, NotAuthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if error.http_status >= 500 and not error.retry:  # how we are set up is not the client's business
        return problem(error.http_status, error.code, _DEFECT, **more)
    return problem(error.http_status, error.code, str(error), retry=error.retry, headers=headers, **more)


def of_defect() -> JSONResponse:
    """The document of an error that nobody expected."""
    return problem(500, "defect", _DEFECT)


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(SimcheckError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _frameworks)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SimcheckError)
    if error.http_status >= 500:
        log.logger().error("request failed", code=error.code, exc_info=error)
    return of_error(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Names the fields that are wrong, and nothing of what stands in them."""
    assert isinstance(error, RequestValidationError)
    fields = [{"field": ".".join(map(str, each["loc"])), "fault": each["type"]} for each in error.errors()]
    named = ", ".join(f"{each['field']} ({each['fault']})" for each in fields[:10])
    return problem(422, "invalid", f"The request cannot be used: {named}.", fields=fields[:100])


async def _frameworks(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, SimcheckError):  # FastAPI wraps what is raised while it reads a body
        return of_error(error.__cause__)
    codes = {400: "invalid", 401: "not_authenticated", 403: "not_allowed", 404: "not_found",
             405: "method_not_allowed", 415: "media_type"}  # fmt: skip
    said = str(error.detail)
    return problem(error.status_code, codes.get(error.status_code, "refused"), said, headers=error.headers)
