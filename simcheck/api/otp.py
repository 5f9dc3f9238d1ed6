"""`POST /v1/otp-checks`: is this SIM really this person's, now?"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import Field, ValidationError

from simcheck.api import problems
from simcheck.api.bodies import Strict
from simcheck.api.guard import Guard, Principal, asks
from simcheck.errors import TooManyError, UnavailableError
from simcheck.gate.eligibility import Answer
from simcheck.gate.questions import Desk
from simcheck.gate.reasons import WORDS, Reason, codes


class QuickRoute(APIRoute):
    """A route that is declared like any other and answers past FastAPI's own machinery, which takes as long
    as all the rest of the question: the same guard, the same body, the same errors.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Guard, body, answer."""
        guard = Guard("otp-checks")

        async def answer(request: Request) -> Response:
            principal = await guard(request, request.headers.get("authorization"))
            try:
                question = Question.model_validate_json(await request.body())
            except ValidationError as error:
                raise RequestValidationError(
                    [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
                ) from None
            return await otp_check(request, question, principal)

        return answer


router = APIRouter(tags=["gate"], route_class=QuickRoute)

_TABLE = "\n".join(f"| `{reason.name}` | {vi} | {en} |" for reason, (vi, en) in WORDS.items())
_LONGEST = 40  # characters of a number, however it is typed
Days = Annotated[int | None, Field(description="Whole days; null where it is not known.")]


class Question(Strict):
    """A number and the person who is said to hold it."""

    msisdn: str = Field(max_length=_LONGEST, examples=["+84912345678"])
    id_number: str = Field(max_length=_LONGEST, examples=["001085000042"])
    max_age: int | None = Field(
        None,
        ge=0,
        le=10**9,
        description="Seconds that the register may be old. It tightens our own limit.",
    )


class OtpAnswer(Strict):
    """`eligible` is true exactly when there are no reasons against it."""

    eligible: bool
    reasons: list[str]
    as_of: datetime = Field(description="The moment of the citizen register that the answer rests on.")
    sim_changed_days: Days = None
    device_changed_days: Days = None
    tenure_days: Days = None


@router.post(
    "/v1/otp-checks",
    response_model=OtpAnswer,
    responses={
        429: {"description": "Too many questions, or too many wrong ones. `eligible` is false."},
        503: {"description": "Nothing is known now. `eligible` is false."},
    },
    description=f"""
Asked before a one-time code is sent. A code may be sent only when `eligible` is true; any other answer, and
no answer, is a no. Days since the SIM or the handset was changed and since the subscription began are told
of the person's own number only.

| reason | tiếng Việt | English |
|---|---|---|
{_TABLE}
""",
)
async def otp_check(
    request: Request, question: Question, principal: Annotated[Principal, asks("otp-checks")]
) -> Response:
    """One question."""
    desk = desk_of(request)
    oldest = None if question.max_age is None else timedelta(seconds=question.max_age)
    try:
        answer = await desk.ask(principal.client, question.msisdn, question.id_number, oldest)
    except (TooManyError, UnavailableError) as error:
        return _no(error, desk.as_of)
    return Response(_spelled(answer), media_type="application/json")


def desk_of(request: Request) -> Desk:
    """Where this process asks."""
    desk: Desk = request.app.state.desk
    return desk


def _spelled(answer: Answer) -> bytes:
    """The answer as JSON. Written by hand: this is the one route where a tenth of a millisecond counts."""
    return json.dumps(
        {
            "eligible": answer.eligible,
            "reasons": codes(answer.reasons),
            "as_of": _moment(answer.as_of),
            "sim_changed_days": answer.sim_days,
            "device_changed_days": answer.device_days,
            "tenure_days": answer.tenure_days,
        }
    ).encode()


def _no(error: TooManyError | UnavailableError, as_of: datetime | None) -> JSONResponse:
    """A problem document that is an answer too: no."""
    limited = isinstance(error, TooManyError)
    reasons = [Reason.TOO_MANY_GUESSES.name] if limited else []
    return problems.of_error(error, eligible=False, reasons=reasons, as_of=_moment(as_of))


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
