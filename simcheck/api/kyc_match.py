"""`POST /kyc-match/v0.4/match`: CAMARA Know Your Customer Match 0.4.0, to its specification.

Its errors are CAMARA's (`status`, `code`, `message`), also those that a guard raises; every answer gives
`x-correlator` back. Tokens are two-legged: they name a client and no subscriber, so it has to be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from simcheck import log
from simcheck.api import problems
from simcheck.api.bodies import Strict
from simcheck.api.guard import Principal, asks, service_of
from simcheck.errors import SimcheckError
from simcheck.gate.kyc import Asked, Unmatched, matched

_CORRELATOR = re.compile(r"[a-zA-Z0-9\-_:;.\/<>{}]{0,256}")
_CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          408: "REQUEST_TIMEOUT", 413: "PAYLOAD_TOO_LARGE", 422: "SERVICE_NOT_APPLICABLE",
          429: "TOO_MANY_REQUESTS", 503: "UNAVAILABLE"}  # fmt: skip


class _CamaraError(Exception):
    """One of the specification's errors."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(code)


def _is_date(value: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("YYYY-MM-DD")
    date.fromisoformat(value)
    return value


def _text(longest: int) -> Any:
    return Field("", max_length=longest)


Day = Annotated[str, AfterValidator(_is_date)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class MatchRequest(Strict):
    """The fields to compare. Lengths are those that the specification's next version sets."""

    model_config = ConfigDict(alias_generator=to_camel)

    phone_number: str = Field("", pattern=r"^\+[1-9][0-9]{4,14}$")
    id_document: str = _text(50)
    id_document_type: str = Field(
        "",
        pattern="^(passport|national_id_card|residence_permit|diplomatic_id|driver_licence"
        "|social_security_id|other)$",
    )
    id_document_expiry_date: Day = ""
    name: str = _text(256)
    given_name: str = _text(100)
    family_name: str = _text(150)
    name_kana_hankaku: str = _text(256)
    name_kana_zenkaku: str = _text(256)
    middle_names: str = _text(100)
    family_name_at_birth: str = _text(150)
    address: str = _text(256)
    street_name: str = _text(150)
    street_number: str = _text(20)
    postal_code: str = _text(20)
    region: str = _text(100)
    locality: str = _text(100)
    country: Country = ""
    house_number_extension: str = _text(20)
    birthdate: Day = ""
    email: str = Field("", max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    gender: str = Field("", pattern="^(MALE|FEMALE|OTHER)$")
    city_of_birth: str = _text(100)
    country_of_birth: Country = ""
    nationality: Country = ""


class CamaraRoute(APIRoute):
    """A route whose every answer is of CAMARA's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what it raises answered."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            correlator = request.headers.get("x-correlator")
            good = correlator is None or _CORRELATOR.fullmatch(correlator)
            try:
                response = await handle(request)
            except Exception as error:
                response = _error(error)
            if correlator is not None and good:
                response.headers["x-correlator"] = correlator
            return response

        return answer


router = APIRouter(tags=["gate"], route_class=CamaraRoute)
_ERROR = {"type": "object", "required": ["status", "code", "message"], "properties": {
    "status": {"type": "integer"}, "code": {"type": "string"}, "message": {"type": "string"}}}  # fmt: skip
_RESULTS = {"type": "object", "additionalProperties": {"anyOf": [
    {"type": "string", "enum": ["true", "false", "not_available"]},
    {"type": "integer", "minimum": 0, "maximum": 99}]}}  # fmt: skip


@router.post(
    "/kyc-match/v0.4/match",
    responses={
        200: {"description": "A result for each field that was asked, scores for names that are false.",
              "content": {"application/json": {"schema": _RESULTS}}},
        **{status: {"description": code, "content": {"application/json": {"schema": _ERROR}}}
           for status, code in _CODES.items()},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {
        "schema": MatchRequest.model_json_schema()}}}},
)  # fmt: skip
async def kyc_match(request: Request, principal: Annotated[Principal, asks("kyc-match:match")]) -> Response:
    """Whether what a person told is what the person's carrier holds, confirmed by the citizen register."""
    correlator = request.headers.get("x-correlator")
    if correlator is not None and not _CORRELATOR.fullmatch(correlator):
        raise _CamaraError(400, "INVALID_ARGUMENT", "x-correlator is not of the form that it must have.")
    fields = _fields(await request.body())
    number = fields.pop("phoneNumber", None)
    if number is not None and not fields:
        raise _CamaraError(
            400, "KNOW_YOUR_CUSTOMER.INVALID_PARAM_COMBINATION", "Ask for a field beside phoneNumber."
        )
    if number is None:
        raise _CamaraError(422, "MISSING_IDENTIFIER", "The token names no subscriber: give phoneNumber.")
    service = service_of(request)
    asked = Asked(principal.client, number, fields)
    whole_country = principal.carrier is None  # a relying service may ask about any carrier's subscriber
    async with service.database.transaction(
        principal.actor, principal.carrier, ministry=whole_country
    ) as session:
        found = await matched(session, service, asked)
    if found is Unmatched.NOT_SERVED:
        raise _CamaraError(422, "SERVICE_NOT_APPLICABLE", "Only mobile numbers can be asked about.")
    if isinstance(found, Unmatched):
        raise _CamaraError(404, "IDENTIFIER_NOT_FOUND", "No subscription that we know has this number.")
    body: dict[str, str | int] = {}
    for field, (result, score) in found.items():
        body[f"{field}Match"] = result
        if score is not None:
            body[f"{field}MatchScore"] = score
    return JSONResponse(body)


def _fields(body: bytes) -> dict[str, str]:
    """What was asked, by the specification's names. Raises `_CamaraError`."""
    try:
        asked = MatchRequest.model_validate_json(body)
    except ValidationError as error:
        wrong = sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]} & _NAMES)
        said = f"These fields are not of their form: {', '.join(wrong)}." if wrong else "The body is not one."
        raise _CamaraError(400, "INVALID_ARGUMENT", said) from None
    fields: dict[str, str] = asked.model_dump(by_alias=True, exclude_unset=True)
    if not fields:
        raise _CamaraError(400, "INVALID_ARGUMENT", "The body asks for nothing.")
    return fields


_NAMES = {field.alias for field in MatchRequest.model_fields.values() if field.alias}


def _error(error: Exception) -> Response:
    if isinstance(error, HTTPException) and isinstance(error.__cause__, SimcheckError):
        error = error.__cause__
    headers: dict[str, str] = {}
    if isinstance(error, _CamaraError):
        status, code, message = error.status, error.code, error.message
    elif isinstance(error, SimcheckError) and error.http_status in _CODES:
        status, code, message = error.http_status, _CODES[error.http_status], str(error)
        told = problems.of_error(error).headers
        headers = {name: told[name] for name in ("Retry-After", "WWW-Authenticate") if name in told}
    elif isinstance(error, HTTPException | RequestValidationError):
        status, code, message = 400, "INVALID_ARGUMENT", "The request cannot be used."
    else:
        log.logger().error("defect", exc_info=error)
        status, code, message = 500, "INTERNAL", "A defect of ours. Try again later."
    return JSONResponse({"status": status, "code": code, "message": message}, status, headers)
