"""Correcting a record: the form, the preview, the check."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.crosscheck.finish import day_of
from simcheck.errors import InvalidError
from simcheck.holders import correct, registered
from simcheck.holders.correct import Given, Preview
from simcheck.public.door import OfNumber, PageRoute, Visit
from simcheck.public.record import done

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_DATE = ("day", "month", "year")


@router.get("/record/correct")
async def form(visit: OfNumber) -> Response:
    """The empty form. Nothing of the record is filled in: it may be another person's."""
    async with visit.acting() as session:
        shown = await registered.show(session, visit.service, visit.holder)
    return _form(visit) if shown.can_correct else visit.go("/record")


@router.post("/record/correct")
async def look(visit: OfNumber) -> Response:
    """The preview of what was typed; or the form again, with its faults or to change something."""
    given, parts = _typed(visit)
    values: dict[str, Any] = {"id_number": given.id_number, "full_name": given.full_name, **parts}
    if visit.form.line("change"):
        return _form(visit, **values)
    preview = correct.preview(given, day_of(clock.now()))
    if preview.faults:
        return _form(visit, 422, faults=_faults(visit, preview, parts), **values)
    return visit.page(
        "preview", read=preview.read, born=_day(visit, preview.read.date_of_birth), given=values,
        strange=bool(preview.strange), form_id=uuid.uuid4(),
    )  # fmt: skip


@router.post("/record/correct/send")
async def send(visit: OfNumber) -> Response:
    """Have what was typed checked against the register; and say whether it agrees, nothing more."""
    given, _ = _typed(visit)
    try:
        form_id = uuid.UUID(visit.form.line("form_id", 36))
    except ValueError:
        raise InvalidError("The form cannot be read.") from None
    async with visit.acting() as session:
        submitted = await correct.keep(session, visit.service, visit.holder, given, form_id)
    if isinstance(submitted, correct.Check):
        found = await correct.check(visit.service, submitted)
        async with visit.acting() as session:
            submitted = await correct.finish(session, visit.service, submitted, found)
    return done(visit, submitted.outcome.value)


def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    return visit.page(
        "correct",
        status,
        at="/record/correct",
        **{"id_number": "", "full_name": "", "day": "", "month": "", "year": "", **values},
    )


def _typed(visit: Visit) -> tuple[Given, dict[str, str]]:
    """The cells, and the parts of the date as they were typed."""
    parts = {name: visit.form.line(name, 10) for name in _DATE}
    born = "/".join(parts.values()) if any(parts.values()) else ""
    return Given(visit.form.line("id_number"), visit.form.line("full_name"), born), parts


def _faults(visit: Visit, preview: Preview, parts: dict[str, str]) -> dict[str, str]:
    """The faults in words, each by the id of the field that is to be changed."""
    found = {each.field: visit.words(f"fault.{each.field}.{each.code}") for each in preview.faults}
    if "date_of_birth" in found:
        first = next((name for name in _DATE if not parts[name]), "day")
        found[first] = found.pop("date_of_birth")
    return found


def _day(visit: Visit, iso: str) -> str:
    """A date as people read it; one of which only a part is known, as it was read."""
    try:
        return visit.words.day(date.fromisoformat(iso))
    except ValueError:
        return "/".join(reversed(iso.split("-")))
