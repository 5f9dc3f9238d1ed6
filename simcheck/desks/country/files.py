"""Tables and lists as files that a browser saves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import IO

from fastapi import Response
from starlette.responses import StreamingResponse

from simcheck.desks.frame.door import Visit
from simcheck.errors import InvalidError
from simcheck.web.pages import HEADERS

_BLOCK = 1 << 16


class Kind(StrEnum):
    """What a file is."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


_TYPES = {
    Kind.CSV: "text/csv; charset=utf-8",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.PDF: "application/pdf",
}


def kind_of(query: Mapping[str, str], *kinds: Kind) -> Kind:
    """The kind that is asked for as `format`. Raises `InvalidError` for one that there is none of."""
    told = query.get("format", "")
    if told not in (kinds or (Kind.CSV, Kind.XLSX)):
        raise InvalidError("There is no such format.")
    return Kind(told)


def answer(visit: Visit, content: bytes | IO[bytes], name: str, kind: Kind) -> Response:
    """A file to be saved. `name` is one of ours, of letters, digits and -, without its ending."""
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        "Cache-Control": "no-store",
    }
    response = (
        Response(content, media_type=_TYPES[kind], headers=headers)
        if isinstance(content, bytes)
        else StreamingResponse(_blocks(content), media_type=_TYPES[kind], headers=headers)
    )
    visit.jar.onto(response)
    return response


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
