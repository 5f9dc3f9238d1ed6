"""A figure's rows, page by page, and as a file."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck import audit
from simcheck.access.roles import Permission
from simcheck.desks.country import files
from simcheck.desks.country.pages import shown, words_of
from simcheck.desks.country.reader import LIST, Reader, is_pattern
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError, SealError
from simcheck.matching.rules import VERDICTS
from simcheck.privacy import Keyring
from simcheck.reports import drill, sheets
from simcheck.reports.drill import Drill
from simcheck.reports.kinds import LIVES, Of
from simcheck.reports.words import Words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ROWS = 50
COUNTED = 10_000  # a list is counted as far as this
MOST = {files.Kind.CSV: 1_000_000, files.Kind.XLSX: 200_000}  # rows of a file: some minutes of work
SHOWN_TOKEN = 12  # digits of a keyed token that tell rows apart


class TooManyRowsError(InvalidError):
    """A list is too long for a file."""

    code = "too_many_rows"


@router.get(LIST)
async def rows(visit: Annotated[Visit, needs(Permission.COUNTRY_SEE)]) -> Response:
    """The rows that a figure counts, as they are now."""
    reader, words, query = Reader.of(visit), words_of(visit), visit.request.query_params
    asked = drill.read(query)
    columns = drill.columns(asked.of, reader.without())
    keyring = visit.service.keyring
    after = _opened(keyring, asked, query["after"]) if "after" in query else None
    async with visit.acting() as session:
        await reader.require(session, asked)
        found = await drill.page(session, asked, after, ROWS + 1)
        whole = after is None and len(found) <= ROWS
        count = len(found) if whole else await drill.count(session, asked, COUNTED + 1)
    more = len(found) > ROWS
    found = found[:ROWS]
    return visit.page(
        "country/list", asked=asked, about=_about(asked, words), columns=columns,
        rows=[[_cell(name, row[name], words) for name in columns] for row in found],
        count=count, counted=COUNTED, is_pattern=is_pattern(asked),
        after=_sealed(keyring, asked, drill.key(asked, found[-1])) if more else None,
        first=after is None, query=asked.query(), case_seen=visit.can(Permission.CASE_SEE),
        **shown(reader, words),
    )  # fmt: skip


@router.get("/desk/country/export")
async def export(visit: Annotated[Visit, needs(Permission.COUNTRY_SEE, Permission.EXPORT)]) -> Response:
    """The same rows as a file. It is written before it is sent: no slow reader holds the database."""
    reader, words, query = Reader.of(visit), words_of(visit), visit.request.query_params
    asked, kind = drill.read(query), files.kind_of(query)
    async with visit.acting() as session:
        await reader.require(session, asked)
        count = await drill.count(session, asked, MOST[kind] + 1)
        if count > MOST[kind]:
            raise TooManyRowsError(f"The list has more than {MOST[kind]} rows.")
        detail = {"query": asked.query(), "format": kind.value, "rows": count}
        audit.record(session, "country.list_exported", f"country/{asked.of}", detail)
        write = sheets.list_csv if kind is files.Kind.CSV else sheets.list_workbook
        content = await write(session, asked, words, reader.without())
    return files.answer(visit, content, f"simcheck-{asked.of}", kind)


def _about(asked: Drill, words: Words) -> list[tuple[str, str]]:
    """What the list is of, in pairs of words."""
    told: list[tuple[str, str]] = []
    if asked.kind is not None:
        group = "life" if asked.kind in LIVES else "band" if asked.until is None else "kind"
        told.append((words("asked.kind"), words(f"{group}.{asked.kind}")))
    if asked.carrier is not None:
        told.append((words("head.carrier"), words.carrier(asked.carrier)))
    if asked.province is not None:
        told.append((words("head.province"), words.province(asked.province)))
    if asked.verdict is not None:
        told.append((words("column.verdict"), words(f"verdict.{asked.verdict}")))
    if asked.amiss:
        told.append((words("asked.only"), words("head.amiss")))
    if asked.notice is not None:
        told.append((words("column.kind"), words.code(asked.notice)))
    if asked.channel is not None:
        told.append((words("column.channel"), words.code(asked.channel)))
    if asked.outcome is not None:
        told.append((words("column.outcome"), words.code(asked.outcome)))
    if asked.reason is not None:
        told.append((words("head.reason"), words.reason(asked.reason)))
    if asked.sold_at is not None:
        told.append((words("head.point_of_sale"), asked.sold_at))
    if asked.person is not None:
        told.append((words("head.person"), asked.person.hex[:8].upper()))
    if asked.contested:
        told.append((words("asked.only"), words("head.contested")))
    if asked.repeated is not None:
        told.append((words("asked.only"), words("head.repeated")))
    if asked.since is not None:
        last = asked.since if asked.until is None else date.fromordinal(asked.until.toordinal() - 1)
        days = words.day(asked.since)
        told.append((words("head.day"), days if last == asked.since else f"{days} – {words.day(last)}"))
    return told


def _cell(name: str, value: Any, words: Words) -> str:
    """A cell as it is read: codes in words, moments and days written out, a token cut short."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bytes):
        return value.hex()[:SHOWN_TOKEN]
    if isinstance(value, uuid.UUID):
        return value.hex[:SHOWN_TOKEN]
    if isinstance(value, datetime):
        return words.moment(value)
    if isinstance(value, date):
        return words.day(value)
    if name == "verdict":
        return words(f"verdict.{VERDICTS[value]}")
    [said] = sheets.readable({name: value}, words, [name])
    return str(said) or "–"


def _sealed(keyring: Keyring, asked: Drill, key: tuple[Any, ...]) -> str:
    """The place in a list, good for this list alone: it holds a keyed token, which no address tells."""
    plain = json.dumps([each.hex() if isinstance(each, bytes) else str(each) for each in key]).encode()
    return base64.urlsafe_b64encode(keyring.seal(plain, _bound(asked.query()))).decode().rstrip("=")


def _opened(keyring: Keyring, asked: Drill, written: str) -> tuple[Any, ...]:
    try:
        sealed = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
        first, *rest = json.loads(keyring.open(sealed, _bound(asked.query())))
    except (binascii.Error, ValueError, SealError):
        raise InvalidError("The place in the list is not known. Begin at its first page.") from None
    return (bytes.fromhex(first), *rest) if asked.of is Of.SUBSCRIPTION else (uuid.UUID(first),)


def _bound(query: Mapping[str, str]) -> str:
    return "country/list/" + json.dumps(dict(query), sort_keys=True)
