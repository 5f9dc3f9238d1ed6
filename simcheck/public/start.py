"""The start: a case code and a phone number, for which a one-time code is sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Response

from simcheck.public.door import Anybody, PageRoute, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def start(visit: Anybody) -> Response:
    """The form."""
    return _form(visit)


def _form(visit: Visit, status: int = 200, **values: object) -> Response:
    settings = visit.service.settings
    address = urlsplit(settings.issuer)
    return visit.page(
        "start", status,
        **{"code": "", "number": "", "sign_in": settings.oidc_issuer is not None, "short_code": "1414",
           "address": f"{address.scheme}://{address.netloc}/", **values},
    )  # fmt: skip
