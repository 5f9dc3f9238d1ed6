"""Telling: addresses read, the day's limit kept, texts composed, intents stored. One way for all messages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases import codes
from simcheck.config import Settings
from simcheck.messages import compose, templates
from simcheck.messages.words import Channel, Language, Values
from simcheck.notices import schedule
from simcheck.notices.addresses import Reach, reaches
from simcheck.notices.policy import Policy
from simcheck.notices.recipients import Route, Told, Way, way
from simcheck.sending import intents
from simcheck.sending.intents import Intent
from simcheck.service import Service

# Whoever plans next waits: so the day's limit holds, however many plan.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('notices', 0))")
# Of those who ask for an address, the first ones, as many as it may still have today.
TAKE = sa.text("""
WITH asked AS (
    SELECT token, place, row_number() OVER (PARTITION BY token ORDER BY place) AS nth
    FROM unnest(:tokens) WITH ORDINALITY AS given (token, place)
), allowed AS MATERIALIZED (
    SELECT token, place FROM asked
    LEFT JOIN notice_day ON day = :day AND address_token = token
    WHERE nth + coalesce(count, 0) <= :most
), counted AS (
    INSERT INTO notice_day (day, address_token, count)
    SELECT :day, token, count(*) FROM allowed GROUP BY token ORDER BY token  -- as others lock them
    ON CONFLICT (day, address_token) DO UPDATE SET count = notice_day.count + excluded.count
)
SELECT place - 1 FROM allowed
""").bindparams(sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())), sa.bindparam("day", type_=sa.Date()))
FORGET = sa.text("DELETE FROM notice_day WHERE day < :day")


class Result(StrEnum):
    """What became of something that was to be told."""

    TOLD = "told"
    FULL = "full"  # the address had its notices today
    UNREACHABLE = "unreachable"  # there is no address (left)


async def tell(
    session: AsyncSession, service: Service, policy: Policy, told: Sequence[Told],
    *, at: datetime, after: Mapping[str, Route] | None = None, about: Sequence[Told] | None = None,
    unlimited: bool = False, found: Sequence[Reach] | None = None,
) -> list[Result]:  # fmt: skip
    """Store the messages of all `told`, due at `at` (not in quiet hours); what became of each, in that order.
    `found` is how each can be reached, where the caller has read that (`addresses.reaches`) before it locked
    anything.

    `after` gives, by key, the way that failed before. `about` are, entry by entry, those whose numbers are
    told of, where they are others' (a mate's contract). `unlimited`: the day's limit holds nothing back, but
    what is sent counts.
    """
    if not told:
        return []
    spoken = told if about is None else about
    places = [each.place for each in (*told, *(spoken if about is not None else ()))]
    if found is None:
        found = await asyncio.to_thread(reaches, service.store, service.keyring, policy, places)
    mine, theirs = found[: len(told)], found[-len(told) :]
    ways = [
        way(each, reach, (after or {}).get(each.key)) if other.number else None
        for each, reach, other in zip(told, mine, theirs, strict=True)
    ]
    reached = [at for at, each in enumerate(ways) if each is not None]
    allowed = await _allowed(session, service, policy, [ways[each] for each in reached], at, unlimited)
    results = [Result.UNREACHABLE if each is None else Result.FULL for each in ways]
    writing = Writing(service.settings, policy, at)

    def write() -> list[Intent]:
        return [
            writing.intent(told[place], mine[place], theirs[place].number, chosen)
            for place in (reached[each] for each in allowed)
            if (chosen := ways[place]) is not None
        ]

    await intents.store(session, service.keyring, await asyncio.to_thread(write))
    for each in allowed:
        results[reached[each]] = Result.TOLD
    return results


async def forget_days(session: AsyncSession, policy: Policy) -> None:
    """Let go of the counts of days that are over."""
    await session.execute(FORGET, {"day": schedule.local_day(policy, clock.now()) - schedule.DAY})


async def _allowed(
    session: AsyncSession, service: Service, policy: Policy, ways: Sequence[Way | None], at: datetime,
    unlimited: bool,
) -> list[int]:  # fmt: skip
    """Which of the ways may be taken today; they are counted."""
    if not unlimited:  # nobody who is told that it is over waits for a plan
        await session.execute(ONE_AT_A_TIME)
    keyring = service.keyring
    tokens = [
        keyring.token("msisdn", each.number) if each.number else keyring.token("email", each.address.lower())
        for each in ways
        if each is not None
    ]
    day: date = schedule.local_day(policy, at)
    most = len(tokens) + (1 << 14) if unlimited else policy.most_a_day
    return sorted(await session.scalars(TAKE, {"tokens": tokens, "day": day, "most": most}))


class Writing:
    """What all messages of one moment have in common."""

    def __init__(self, settings: Settings, policy: Policy, at: datetime) -> None:
        self.settings, self.policy, self.at = settings, policy, at
        self.expires_at = schedule.closes(policy, at)
        self.hotlines = templates.hotlines()

    def values(self, told: Told, number: int, route: Route) -> Values:
        """What is put into the text; `number` (national) is the one that is told of."""
        by_itself = not told.mate and route is not Route.CONTACT
        return Values(
            number_masked=f"***{number % 1000:03}", code_shown=codes.shown(told.code), deadline=told.deadline,
            address=self.settings.address_shown, short_code=self.settings.short_code,
            hotline=self.hotlines.get(told.place.carrier), own=by_itself,
        )  # fmt: skip

    def intent(self, told: Told, reach: Reach, number: int, chosen: Way) -> Intent:
        """The message as it is stored."""
        language = self.language(reach)
        values = self.values(told, number, chosen.route)
        subject: str | None = None
        html: str | None = None
        if chosen.channel is Channel.SMS:
            marks = told.kind in self.policy.marks
            made = compose.sms(told.kind, told.group, language, marks, values)
            text, template = made.text, made.template
        else:
            letter = compose.email(told.kind, told.group, language, values)
            text, template, subject, html = letter.text, letter.template, letter.subject, letter.html
        return Intent(
            key=f"{told.key}/{chosen.route}", kind=told.kind, channel=chosen.channel,
            carrier=told.place.carrier, case_id=told.case_id, msisdn_token=told.place.msisdn_token,
            address=chosen.address, subject=subject, text=text, html=html, template=template,
            language=language, due_at=self.at, expires_at=self.expires_at,
        )  # fmt: skip

    def language(self, reach: Reach) -> Language:
        """What somebody is written to in."""
        return self.policy.passport if reach.passport else self.policy.language
