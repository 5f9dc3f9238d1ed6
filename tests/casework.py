"""What tests of the queue's and the case's pages stand on: cases in staff's hands, and what pages ask."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from simcheck import clock
from tests.building import row
from tests.holding import AN, BINH, PEOPLE, a_country, case_of
from tests.running import NOON

WRONG = {"full_name": "Trần Văn Anh", "date_of_birth": "1990-05-26"}
TO_STAFF = """
UPDATE "case" SET state = 'with_staff', acts = 'staff', target_at = now() + interval '5 hours', clock_left = NULL
WHERE closed_at IS NULL
"""  # noqa: E501


async def checked_country(service: Any, owner: Any, folder: Path, *more: dict[str, str | None]) -> uuid.UUID:
    """A country in which An has a SIM whose name and birth date are a little wrong (number 1, whose case is
    returned), and others; `more` are rows beside. All cases are staff's.
    """
    owner.execute("INSERT INTO carrier VALUES ('viettel', now()) ON CONFLICT DO NOTHING")
    rows = [row(1, AN, **WRONG), row(2, AN), row(3, BINH, full_name="Nguyễn Hữu Sai"), *more]
    with clock.fixed(NOON):
        await a_country(service, folder, rows, PEOPLE)
    owner.execute(TO_STAFF)
    return case_of(owner, service.keyring, 1)[0]


@contextmanager
def counted(service: Any) -> Iterator[list[str]]:
    """The statements that the database is asked inside the block, without those that open a transaction."""
    asked: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "set_config" not in statement:
            asked.append(statement)

    engine = service.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)


def text_of(html: str) -> str:
    """What a page says, without its elements."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def scripts_in(html: str) -> list[str]:
    """The scripts of a page, and handlers of events in its elements: ours are files alone."""
    return re.findall(r"<script(?! src=\"/desk/assets/)[^>]*>|\son\w+=|javascript:", html)
