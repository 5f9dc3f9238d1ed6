"""What tests of reports stand on: a small country straight in the tables, drawn at random."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Iterable, Mapping
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

from simcheck.cases.targets import load
from simcheck.matching.rules import VERDICTS
from simcheck.normalise.provinces import codes
from simcheck.reasons import Reason
from simcheck.reports import flow
from simcheck.reports.figures import Figure
from simcheck.reports.kinds import NOBODY
from tests.running import NOON

CARRIERS = ("viettel", "mobifone", "itel")
SUBSCRIPTION = (
    "msisdn_token, carrier, id_token, verdict, reasons, status, contested, province, point_of_sale, "
    "activated_on, bucket, facts, cells, row, batch_id, run_id, changed_at"
)
CASE = (
    "id, code, carrier, msisdn_token, state, acts, verdict, reasons, province, opened_at, changed_at, "
    "closed_at, close_reason, severity, target_at, clock_left"
)
MESSAGE = (
    "id, carrier, case_id, key, kind, channel, language, template, state, address_token, parts, due_at, "
    "expires_at, made_at, changed_at"
)
CORRECTION = "id, carrier, case_id, msisdn_token, form, batch_id, row, outcome, made_by, made_at, settled_at"
QUESTION = (
    "id, carrier, about, queue, state, channel, language, proved, form, opened_at, due_at, answered_at, "
    "changed_at"
)


def insert(owner: Any, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    owner.execute("SET app.scope = 'ministry'")
    holes = ", ".join(["%s"] * len(columns.split(", ")))
    with owner.cursor() as cursor:
        cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({holes})', rows)


def ago(draw: random.Random, most_days: float) -> datetime.datetime:
    return NOON - datetime.timedelta(days=draw.random() * most_days)


def subscription(draw: random.Random, number: int, **said: Any) -> tuple[Any, ...]:
    verdict = draw.choices(range(4), (70, 15, 10, 5))[0]
    mask = 0 if verdict == 0 else Reason.NAME_DIFFERENT.mask | draw.choice([0, Reason.DOB_TYPO.mask])
    row = {
        "msisdn_token": number.to_bytes(32, "big"), "carrier": draw.choices(CARRIERS, (6, 3, 1))[0],
        "id_token": draw.choice([None, draw.randrange(200).to_bytes(32, "big")]), "verdict": verdict,
        "reasons": mask, "status": draw.choice([None, "active", "active", "limited", "over"]),
        "contested": draw.random() < 0.1, "province": draw.choice(codes()[:6]),
        "point_of_sale": draw.choice([None, "ĐL 1", "ĐL 2", "=ĐL"]),
        "activated_on": draw.choice([None, ago(draw, 40).date()]), "bucket": 0,
        "facts": bytes(32), "cells": 0, "row": number,
        "batch_id": uuid.UUID(int=1), "run_id": uuid.UUID(int=1), "changed_at": NOON, **said,
    }  # fmt: skip
    return tuple(row[name] for name in SUBSCRIPTION.split(", "))


def a_country(owner: Any, seed: int = 1, rows: int = 600) -> None:
    """Subscriptions, cases, notices, corrections and questions of the last three months."""
    draw = random.Random(seed)
    for carrier in CARRIERS:
        owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [carrier])
    insert(owner, "subscription", SUBSCRIPTION, [subscription(draw, at) for at in range(rows)])
    cases, messages, corrections, questions = [], [], [], []
    for at in range(rows):
        one, carrier, opened = uuid.UUID(int=draw.getrandbits(128)), draw.choice(CARRIERS), ago(draw, 100)
        closed = draw.choice([None, opened + (NOON - opened) * draw.random()])
        acts = draw.choice(["staff", "carrier"])
        runs, left = closed is None and acts == "staff", datetime.timedelta(hours=draw.randrange(-50, 50))
        cases.append((
            one, f"C{at:09}", carrier, at.to_bytes(32, "big"), "closed" if closed else "with_staff",
            acts, VERDICTS.index("mismatch"), 1, draw.choice(codes()[:6]), opened, opened, closed,
            "agrees" if closed else None, draw.randrange(len(load().times)), NOON if runs else None,
            None if runs else left,
        ))  # fmt: skip
        made = ago(draw, 70)
        messages.append((
            uuid.UUID(int=draw.getrandbits(128)), draw.choice([*CARRIERS, None]), one, f"k{at}",
            draw.choice(["first", "reminder", "thanks"]), "sms", "vi", "1",
            draw.choice(["delivered", "failed", "sent", "due"]), bytes(32), 1, made, made, made, made,
        ))  # fmt: skip
        settled = draw.choice([None, made])
        corrections.append((
            uuid.UUID(int=draw.getrandbits(128)), carrier, one, bytes(32), uuid.uuid4(), uuid.UUID(int=1), at,
            "waiting" if settled is None else draw.choice(["agrees", "differs"]), "holder", made, settled,
        ))  # fmt: skip
        about = draw.choice([*CARRIERS, None])
        questions.append((
            uuid.UUID(int=draw.getrandbits(128)), None, about, "staff", "open", "sms", "vi", True,
            uuid.uuid4(), made, made + datetime.timedelta(hours=48),
            draw.choice([None, made + datetime.timedelta(hours=draw.randrange(90))]), made,
        ))  # fmt: skip
    insert(owner, "case", CASE, cases)
    insert(owner, "message", MESSAGE, messages)
    insert(owner, "correction", CORRECTION, corrections)
    insert(owner, "question", QUESTION, questions)


def carriers() -> tuple[str | None, ...]:
    """Every carrier that a figure may be asked for."""
    return (None, *CARRIERS, NOBODY)


async def count(service: Any) -> None:
    """Everything that jobs count, of the moment that it is."""
    from jobs.reports import count_cases, count_country, count_flow, find_patterns

    for work in (count_country, count_flow, count_cases, find_patterns):
        await work(service)


class Links(HTMLParser):
    """The figures of a page: its links to lists, with the numbers that they stand on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._href: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") or ""
        if tag == "a" and href.startswith("/desk/country/list?") and "after=" not in href:
            self._href, self._text = href, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            self.found.append((self._href, self._text.strip()))
            self._href = None


def lists_of(page: str) -> list[tuple[str, int]]:
    """The lists that a page's numbers lead to, with the numbers."""
    reader = Links()
    reader.feed(page)
    return [
        (href, int(text.replace(".", ""))) for href, text in reader.found if text.replace(".", "").isdigit()
    ]


def computed(shown: Mapping[Any, int | None], sums: Iterable[tuple[Any, Iterable[Any]]]) -> set[Any]:
    """What is hidden and can be computed all the same: cells that are the same in all solutions of the sums,
    by exact elimination over fractions."""
    hidden = [name for name, count in shown.items() if count is None]
    place = {name: at for at, name in enumerate(hidden)}
    rows: list[list[Fraction]] = []
    for total, parts in sums:
        row = [Fraction(0)] * len(hidden)
        for name, sign in [(total, -1), *((each, 1) for each in parts)]:
            if name in place:
                row[place[name]] += sign
        rows.append(row)
    done = 0
    for column in range(len(hidden)):
        pivot = next((at for at in range(done, len(rows)) if rows[at][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [each / rows[done][column] for each in rows[done]]
        for at, row in enumerate(rows):
            if at != done and (times := row[column]):
                rows[at] = [one - times * other for one, other in zip(row, rows[done], strict=True)]
        done += 1
    alone = [[at for at, each in enumerate(row) if each] for row in rows[:done]]
    return {hidden[row[0]] for row in alone if len(row) == 1}


async def sums_of(session: Any, kinds: Iterable[str], since: Any, until: Any, carrier: Any = None) -> Any:
    """Of each kind the figure of all days together, as the days say it."""
    daily = await flow.series(session, kinds, since, until, carrier=carrier)
    return {
        kind: Figure(sum(each.count for each in days.values()), flow.of(kind, since, until, carrier))
        for kind, days in daily.items()
    }
