"""Campaigns: what waits is counted first, to the part and the dong, and then let go; or called back.

A draft counts what is there. A case that is found after it was made waits for the next one.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.models import Acts
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.messages import compose, templates
from simcheck.messages.words import Channel, Kind, Values
from simcheck.notices import plan, recipients, schedule, tracks
from simcheck.notices.addresses import Reach, reaches
from simcheck.notices.letters import Writing
from simcheck.notices.models import Campaign, CampaignState
from simcheck.notices.plan import BATCH, Due
from simcheck.notices.policy import Ladder, Policy
from simcheck.notices.recipients import Told, way
from simcheck.sending import intents
from simcheck.service import Service

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,63}")
_FILTER = """
    (CAST(:carrier AS text) IS NULL OR notice_track.carrier = :carrier)
    AND (CAST(:group AS text) IS NULL OR notice_track.reason_group = :group)
"""
WAITING = sa.text(f"""
SELECT case_id, notice_track.round, count, first_at, code, "case".carrier, "case".msisdn_token, reasons,
       status, batch_id, bucket, row, "case".state
FROM notice_track
JOIN "case" ON "case".id = case_id
JOIN (SELECT carrier, msisdn_token, status, batch_id, bucket, row FROM subscription) AS lies
  ON lies.carrier = "case".carrier AND lies.msisdn_token = "case".msisdn_token
WHERE notice_track.state = 'waiting' AND closed_at IS NULL AND {tracks.HEARS} AND {_FILTER}
ORDER BY batch_id, bucket, row
""")  # noqa: S608  (no input of anybody)
RELEASE = sa.text(f"""
UPDATE notice_track SET state = 'active', campaign_id = :campaign,
    next_at = :start + {schedule.share_sql("case_id")} * make_interval(secs => :seconds)
WHERE state = 'waiting' AND {_FILTER}
""").bindparams(  # noqa: S608
    sa.bindparam("start", type_=sa.TIMESTAMP(timezone=True)), sa.bindparam("seconds", type_=sa.Double())
)
CALL_BACK = sa.text("""
UPDATE notice_track SET state = 'waiting', campaign_id = NULL, next_at = NULL
WHERE campaign_id = :campaign AND state IN ('active', 'unreachable')
RETURNING case_id
""")
FINISH = sa.text("""
UPDATE campaign SET state = 'done', ended_at = :at
WHERE state = 'released' AND NOT EXISTS (
    SELECT FROM notice_track
    WHERE campaign_id = campaign.id AND notice_track.state = 'active' AND notice_track.count = 0
)
RETURNING id
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))


@dataclass
class Count:
    """What a campaign comes to. `parts` are those of its first notices, `whole_parts` of all of them."""

    tracks: int = 0
    unreachable: int = 0
    sms: int = 0
    emails: int = 0
    parts: int = 0
    whole_parts: int = 0
    mates: set[bytes] = field(default_factory=set)


@dataclass(frozen=True)
class Filter:
    """Whose notices: of a carrier, of a group of reasons, or all that wait."""

    carrier: str | None = None
    group: str | None = None

    @property
    def words(self) -> dict[str, str | None]:
        """The parameters of the statements."""
        return {"carrier": self.carrier, "group": self.group}


async def preview(
    session: AsyncSession, service: Service, policy: Policy, name: str, chosen: Filter
) -> Campaign:
    """Make a draft: everything that waits is composed and counted, and nothing is sent.

    Raises `InvalidError` for a name that cannot be one, `ConflictError` for one that is taken by a campaign
    that was released; a draft of the name is counted anew.
    """
    if not _NAME.fullmatch(name):
        raise InvalidError("A campaign's name has 3 to 64 lower case letters, digits and dashes.")
    known = await session.scalar(sa.select(Campaign).where(Campaign.name == name).with_for_update())
    if known is not None and known.state != CampaignState.DRAFT:
        raise ConflictError(f"The campaign {name} is {known.state}. Choose another name.")
    await tracks.regroup(session)
    found = await _count(session, service, policy, chosen)
    campaign = known or Campaign(id=uuid.uuid4(), name=name)
    campaign.carrier, campaign.reason_group = chosen.carrier, chosen.group
    campaign.template, campaign.state = templates.version(), CampaignState.DRAFT.value
    campaign.tracks, campaign.unreachable = found.tracks, found.unreachable
    campaign.sms, campaign.emails, campaign.parts = found.sms, found.emails, found.parts
    campaign.cost_vnd = found.parts * policy.vnd_per_part
    campaign.whole_cost_vnd = found.whole_parts * policy.vnd_per_part
    campaign.made_by, campaign.made_at = actor_of(session), clock.now()
    session.add(campaign)
    await session.flush()
    _audit(session, "previewed", campaign)
    return campaign


async def release(session: AsyncSession, policy: Policy, name: str) -> tuple[Campaign, int]:
    """Let a draft's notices go; with how many tracks. Raises `NotFoundError`, and `ConflictError` where it is
    no draft, or the texts are others than those that were counted.
    """
    campaign = await get(session, name)
    if campaign.state != CampaignState.DRAFT:
        raise ConflictError(f"The campaign {name} is {campaign.state}.")
    if campaign.template != templates.version():
        raise ConflictError("The texts have changed since the campaign was counted. Preview it again.")
    chosen = Filter(campaign.carrier, campaign.reason_group)
    words = {**chosen.words, "campaign": campaign.id, **tracks.when(policy, clock.now())}
    let_go = await session.execute(RELEASE, words)
    campaign.state = CampaignState.RELEASED.value
    campaign.released_by, campaign.released_at = actor_of(session), clock.now()
    await session.flush()
    count = int(let_go.rowcount)  # type: ignore[attr-defined]
    _audit(session, "released", campaign, let_go=count)
    return campaign, count


async def cancel(session: AsyncSession, name: str) -> tuple[Campaign, int]:
    """Drop a draft, or call back a released one: what has not left waits again. With how many messages were
    called off. Raises `NotFoundError`, and `ConflictError` where it is over already.
    """
    campaign = await get(session, name)
    if campaign.state not in {CampaignState.DRAFT, CampaignState.RELEASED}:
        raise ConflictError(f"The campaign {name} is {campaign.state}.")
    back = list(await session.scalars(CALL_BACK, {"campaign": campaign.id}))
    called_off = await intents.cancel(session, back) if back else []
    campaign.state, campaign.ended_at = CampaignState.CANCELLED.value, clock.now()
    await session.flush()
    _audit(session, "cancelled", campaign, called_back=len(back), called_off=len(called_off))
    return campaign, len(called_off)


async def finish(session: AsyncSession) -> int:
    """Note which campaigns are done; how many."""
    done = list(await session.scalars(FINISH, {"at": clock.now()}))
    for campaign_id in done:
        audit.record(session, "campaign.done", f"campaign/{campaign_id}", stream="campaign")
    return len(done)


async def get(session: AsyncSession, name: str) -> Campaign:
    """A campaign, locked. Raises `NotFoundError`."""
    found = await session.scalar(sa.select(Campaign).where(Campaign.name == name).with_for_update())
    if found is None:
        raise NotFoundError(f"There is no campaign {name}.")
    return found


async def _count(session: AsyncSession, service: Service, policy: Policy, chosen: Filter) -> Count:
    found = Count()
    at = schedule.opens(policy, clock.now())
    writing = Writing(service.settings, policy, at)
    words = {**chosen.words, "holder": Acts.HOLDER.value}
    rows = await session.stream(WAITING, words, execution_options={"yield_per": BATCH})
    async for part in rows.partitions(BATCH):
        due = [Due(*row) for row in part]
        told = [plan.notice(policy, each._replace(sent=0, first_at=None), at) for each in due]
        pairs = await recipients.mates(session, policy, told, schedule.local_day(policy, at))
        mates = [mate for _, mate in pairs if mate.place.msisdn_token not in found.mates]
        found.mates |= {mate.place.msisdn_token for mate in mates}
        every = [*told, *mates]
        places = [each.place for each in every]
        reach = await asyncio.to_thread(reaches, service.store, service.keyring, policy, places)
        await asyncio.to_thread(_add, found, writing, every, reach)
    return found


def _add(found: Count, writing: Writing, told: Sequence[Told], reach: Sequence[Reach]) -> None:
    """Count some notices, and what follows them if nobody answers."""
    parts: dict[tuple[object, ...], tuple[int, int]] = {}
    for each, there in zip(told, reach, strict=True):
        found.tracks += not each.mate
        chosen = way(each, there)
        if chosen is None:
            found.unreachable += not each.mate
            continue
        if chosen.channel is Channel.EMAIL:
            found.emails += 1
            continue
        values = writing.values(each, chosen.number, chosen.route)
        alike = (each.group, writing.language(there), values.own, values.hotline, each.mate)
        if alike not in parts:  # what differs otherwise has one length: see the test of `compose`
            parts[alike] = _parts(writing, each, there, values)
        found.sms += 1
        found.parts += parts[alike][0]
        found.whole_parts += parts[alike][1]


def _parts(writing: Writing, told: Told, reach: Reach, values: Values) -> tuple[int, int]:
    """The parts of the first notice, and of all that come until the ladder's end."""
    policy = writing.policy
    assert told.group is not None
    ladder = policy.ladder(told.group)
    counts = []
    for kind, dated in climb(policy, ladder):
        if not told.mate or kind in policy.mates:
            shown = values if dated else Values(**{**vars(values), "deadline": None})
            made = compose.sms(kind, told.group, writing.language(reach), kind in policy.marks, shown)
            counts.append(made.segments_count)
    return counts[0], sum(counts)


def climb(policy: Policy, ladder: Ladder) -> Iterator[tuple[Kind, bool]]:
    """All notices of a ladder, were every day a working day: the kind, and whether it names the deadline."""
    plain = Policy(**{**vars(policy), "holidays": frozenset()})
    first_at = schedule.on(plain, clock.now().date(), 0.0)
    at, count = first_at, 0
    while True:
        dated = schedule.deadline(plain, ladder, first_at) >= schedule.local_day(plain, at)
        yield schedule.kind_of(plain, ladder, count, first_at, at), dated
        count += 1
        day = schedule.next_day(plain, ladder, count, first_at, at)
        if day is None:
            return
        at = schedule.on(plain, day, 0.0)


def _audit(session: AsyncSession, verb: str, campaign: Campaign, **more: int) -> None:
    detail: dict[str, object] = {
        "name": campaign.name, "carrier": campaign.carrier, "group": campaign.reason_group,
        "template": campaign.template, "tracks": campaign.tracks, "parts": campaign.parts,
        "cost_vnd": campaign.cost_vnd, **more,
    }  # fmt: skip
    audit.record(session, f"campaign.{verb}", f"campaign/{campaign.id}", detail, stream="campaign")
