"""Routes whose errors are pages too: what a request raises is told by the door's own page of trouble."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from simcheck import log
from simcheck.errors import SimcheckError


class DefectError(SimcheckError):
    """Something that nobody expected: a fault of ours."""

    code = "defect"
    http_status = 500


class PagesRoute(APIRoute):
    """A route that answers what it raises with a page. Each door says how it tells of trouble."""

    @staticmethod
    def trouble(request: Request, error: SimcheckError) -> Response:
        """The page that tells of an error."""
        raise NotImplementedError

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route, answering what it raises."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except SimcheckError as error:
                if error.http_status >= 500:
                    log.logger().error("request failed", code=error.code, exc_info=error)
                return self.trouble(request, error)
            except HTTPException as error:
                if isinstance(error.__cause__, SimcheckError):
                    return self.trouble(request, error.__cause__)
                raise
            except RequestValidationError:
                return self.trouble(request, SimcheckError("The address cannot be used."))
            except Exception as error:
                log.logger().error("defect", exc_info=error)
                return self.trouble(request, DefectError())

        return handle
