"""Files of answers to people's requests, as browsers save them: for holders' pages and for the desk."""

from __future__ import annotations

import re

from fastapi import Response

from simcheck.errors import NotFoundError
from simcheck.web.pages import HEADERS

_NAME = re.compile(r"(?:copy|looked)\.(html|json)")
_TYPES = {"html": "text/html; charset=utf-8", "json": "application/json"}


def media_type(name: str) -> str:
    """What a file of this name is sent as. Raises `NotFoundError` where no file of an answer has it."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise NotFoundError("There is no such file.")
    return _TYPES[found[1]]


def saved(name: str, kind: str, content: bytes) -> Response:
    """The file, sent as `kind`; nobody on the way keeps it."""
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)
