"""What stories of many days stand on: a country whose days pass, with its jobs, senders, desks and carriers.

    days = Days(app, service, owner, folder, rows)
    await days.day(6)            # every job, what is sent arrives, what is due is proposed
    await days.approve()         # a supervisor lets the proposals go, at the desk
    await days.answer()          # the carrier's system fetches each order's file and sends it back, done

Day 0 is `running.NOON`'s; each day is its noon.
"""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from simcheck import clock
from simcheck.access import clients, scopes
from simcheck.access.roles import Role
from simcheck.enforcement import reading
from simcheck.enforcement.policy import shipped
from simcheck.messages.words import NOTICES, Channel, Kind
from simcheck.sending import claim, outcomes, receipts
from simcheck.sending.outcomes import What
from simcheck.sending.process import matching_of
from simcheck.sending.receipts import Receipt
from simcheck.sending.sweeps import rules_of
from tests import ordering
from tests.building import Citizen
from tests.desking import at_desk
from tests.holding import BINH, PEOPLE, national
from tests.living import WAKE
from tests.running import NOON, a_file, a_register, work
from tests.serving import ISSUER, _keys
from tests.simcheck.public.conftest import Walker
from tests.simcheck.public.test_correct import sent_for_good

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
JOBS = (
    "notices.outcomes", "clocks.follow", "orders.propose", "orders.follow", "orders.overdue",
    "notices.follow", "notices.plan",
)  # fmt: skip
LINK = "twin"
CARRIER = "viettel"


class Days:
    """A country in which time goes on when a test says so. `at` is the moment that it is in,
    `checked_at` that of its register and files.

    `rows` are what the carrier declares, `folder` is where its files are. Messages to `deaf` numbers
    (national) fail.
    """

    def __init__(
        self, app: Any, service: Any, owner: Any, folder: Path, rows: Sequence[dict[str, Any]]
    ) -> None:
        self.app, self.service, self.owner = app, service, owner
        self.folder, self.rows = folder, rows
        self.keyring = service.keyring
        self.at, self.checked_at, self.deaf = NOON, NOON, set[int]()

    @contextmanager
    def fixed(self) -> Any:
        """It is `at` for everybody."""
        with clock.fixed(self.at):
            yield

    async def run(self, names: Sequence[str]) -> None:
        """Do these sweeps and whatever they enqueue, by a worker."""
        with self.fixed():
            self.owner.execute(WAKE, [list(names)])
            await work(self.service)

    async def day(self, day: int, after: timedelta = timedelta()) -> None:
        """Go on to a day, or a moment after its noon: clocks go on, what is due is proposed, what is approved
        leaves, notices are made and sent.
        """
        self.at = NOON + day * DAY + after
        await self.run(JOBS)
        await self.send()

    async def days(self, some: Collection[int]) -> None:
        """One day after the other."""
        for each in some:
            await self.day(each)

    async def send(self) -> None:
        """What senders do: claim what is due, hand it over, hear what became of it."""
        rules, matching = rules_of(self.service.settings), matching_of(self.service.settings)
        with self.fixed():
            for channel in Channel:
                async with self._acting() as session:
                    found = await claim.claim(session, self.keyring, channel, 1000, HOUR)
                for each in found:
                    await self._hand_over(each, rules, matching)

    async def _hand_over(self, each: Any, rules: Any, matching: Any) -> None:
        parts = each.parts or [each.mail]
        address = each.parts[0].address if each.parts else each.mail.address
        plain = address.lstrip("+").removeprefix("84")
        failed = plain.isdigit() and int(plain) in self.deaf
        said = [
            outcomes.Outcome(
                each.message_id, getattr(part, "number", 1), each.attempt,
                What.FAILED if failed else What.TAKEN, LINK, f"{each.message_id.hex[:16]}{place}",
                submitted_at=self.at, answered_at=self.at,
            )
            for place, part in enumerate(parts)
        ]  # fmt: skip
        async with self._acting() as session:
            await outcomes.record(session, said, [(each.message_id, each.attempt)], rules)
            if not failed:
                heard = [Receipt(uuid.uuid4(), LINK, one.smsc_id or "", "delivered", None, None, None)
                         for one in said]  # fmt: skip
                assert await receipts.store(session, heard, matching) == 0

    @asynccontextmanager
    async def _acting(self) -> AsyncIterator[Any]:
        async with self.service.database.transaction("job:test", ministry=True) as session:
            yield session

    async def fresh(self) -> None:
        """The register of the day, and the carrier's file, checked against it."""
        self.checked_at = self.at
        with self.fixed():
            await a_register(self.service, self.folder, PEOPLE)
            await a_file(self.service, CARRIER, self.rows)
            await work(self.service)

    def proposals(self) -> list[Any]:
        """What waits for a second person."""
        return [each for each in ordering.batches(self.owner) if each.state == "proposed"]

    async def approve(self, name: str = "binh") -> list[int]:
        """A supervisor approves what waits, at the desk; the answers' status."""
        said = []
        with self.fixed():
            async with at_desk(self.app, Role.SUPERVISOR, name=name) as desk:
                for each in self.proposals():
                    there = f"/desk/orders/{each.id}"
                    assert (await desk.get(there)).status_code == 200
                    answer = await desk.send(f"{there}/approve", {"lines": str(each.lines)})
                    said.append(answer.status_code)
            await work(self.service)
        return said

    @asynccontextmanager
    async def system(self, carrier: str = CARRIER) -> AsyncIterator[httpx.AsyncClient]:
        """A carrier's system that has a token of now."""
        name = f"{carrier}-{uuid.uuid4().hex[:8].translate(str.maketrans('0123456789', 'ghijklmnop'))}"
        async with self._acting() as session:
            await clients.add(
                session, name, name, carrier=carrier, scopes=scopes.of_carriers(), rate=10_000,
                public_keys=_keys(),
            )  # fmt: skip
        keeper = self.app.state.doorkeeper
        await keeper.refresh()
        token = (await keeper.keys()).issue(name, scopes.of_carriers(), 600)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url=ISSUER,
            headers={"Authorization": f"Bearer {token}"},
        ) as http:  # fmt: skip
            yield http

    async def answer(self, outcome: str = "Đã thực hiện") -> list[tuple[str, list[int]]]:
        """The carrier fetches every order that it was sent, acknowledges it, and sends its file back; act
        and numbers of each, in the order in which they left.
        """
        done = []
        with self.fixed():
            async with self.system() as http:
                listed = (await http.get("/v1/orders?state=sent")).json()["orders"]
                for order in sorted(listed, key=lambda each: each["sent_at"]):
                    there = f"/v1/orders/{order['id']}"
                    header, *lines = text_of((await http.get(f"{there}/file")).content)
                    said = await http.post(f"{there}/acknowledgement", json={"rows": len(lines)})
                    assert said.json() == {"accepted": len(lines), "refused": []}
                    back = [";".join([*line.split(";")[:-2], outcome, ""]) for line in lines]
                    content = "\n".join([header, *back, ""]).encode()
                    kept = await http.post(
                        f"{there}/outcomes", content=content,
                        headers={"Content-Type": "application/octet-stream"},
                    )  # fmt: skip
                    assert kept.status_code == 202, kept.text
                    numbers = sorted(int(line.split(";")[2][2:]) - national(0) for line in lines)
                    done.append((order["act"], numbers))
            await work(self.service)
        await self.run(("clocks.follow",))
        return done

    async def suspend(self, day: int, after: timedelta = timedelta()) -> list[tuple[str, list[int]]]:
        """A day with a new register and file, on which what is due is approved and carried out; what was."""
        self.at = NOON + day * DAY + after
        if self.at - self.checked_at > 5 * DAY:
            await self.fresh()
        await self.day(day, after)
        assert set(await self.approve()) == {303}
        return await self.answer()

    async def prove(self, number: int) -> Walker:
        """The holder of a number, on the public pages, with the one-time code shown: a second goes by."""
        self.at += timedelta(seconds=1)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=ISSUER)
        walker = Walker(http, self.service, self.owner)
        with self.fixed():
            await walker.prove(number)
        return walker

    async def correct(self, number: int, holder: Citizen = BINH, walker: Walker | None = None) -> None:
        """A holder types on the pages what stands on the card."""
        walker = walker or await self.prove(number)
        year, month, day = holder.date_of_birth.split("-")
        card = {"id_number": holder.id_number, "full_name": holder.full_name}
        with self.fixed():
            answer = await sent_for_good(walker, {**card, "day": day, "month": month, "year": year})
        assert answer.headers["location"] == "/record/done"

    async def disown(self, number: int) -> None:
        """The person named says on the pages that a number is not theirs."""
        walker = await self.prove(number)
        with self.fixed():
            answer = await walker.send("/record/not-mine", {})
        assert answer.headers["location"] == "/record/done"

    async def event(self, number: int, kind: str) -> None:
        """The carrier tells of a handset, or a face."""
        told = {
            "id": str(uuid.uuid4()),
            "msisdn": f"+84{national(number)}",
            "kind": kind,
            "at": self.at.isoformat(),
        }
        with self.fixed():
            async with self.system() as http:
                answer = await http.post("/v1/events", json={"events": [told]})
        assert answer.status_code == 201, answer.text

    def step(self, number: int) -> int:
        """How far the clock of a number is."""
        step: int = ordering.clock_of(self.owner, self.keyring, number).step
        return step

    def messages(self, number: int, kind: str) -> int:
        """How many messages of a kind were made about a number."""
        token = self.keyring.token("msisdn", national(number))
        query = "SELECT FROM message WHERE msisdn_token = %s AND kind = %s"
        return len(ordering.rows(self.owner, query, token, kind))


def text_of(file: bytes) -> list[str]:
    """The lines of an order's file."""
    lines = gzip.decompress(file).decode().splitlines()
    assert re.search("Mã lệnh", lines[0])
    return lines


# Orders that left, each with what its policy wants for it, and what was there when it was made: on how many
# local days before it, and since its clock's start, its holder had heard, or could not be reached in any way.
ORDERED = """
SELECT line.*, batch.approved_by, batch.proposed_by, (
    SELECT count(DISTINCT (made_at AT TIME ZONE interval '7 hours')::date) FROM message
    WHERE message.msisdn_token = line.msisdn_token AND kind = ANY(%s)
      AND message.made_at >= (evidence ->> 'started_at')::timestamptz AND message.made_at < line.made_at
      AND message.state IN ('delivered', 'failed') AND settled_at < line.made_at
) AS heard, EXISTS (
    SELECT FROM "case" WHERE "case".id = line.case_id AND closed_at < line.made_at
) AS over
FROM order_line AS line JOIN order_batch AS batch ON batch.id = order_id
WHERE line.act <> 'restore' AND line.state NOT IN ('proposed', 'dropped')
ORDER BY carrier, msisdn_token, made_at
"""
# Whoever put a record right, or had a face checked, and is suspended all the same.
STILL = """
SELECT FROM clock JOIN subscription USING (carrier, msisdn_token) LEFT JOIN "case" ON "case".id = case_id
WHERE ended_at IS NOT NULL AND (case_id IS NULL OR closed_at IS NOT NULL) AND (step IN (1, 2)
    OR step = 0 AND under_order)
"""
# Restorations, with when their cases were closed.
RESTORED = """
SELECT line.made_at, closed_at, line.state FROM order_line AS line JOIN "case" ON "case".id = case_id
WHERE act = 'restore' AND line.state <> 'dropped'
"""


def require_right(owner: Any) -> None:
    """Whatever happened: no order without proof, approved by a second person; one step of a subscription at a
    time, in their order; nothing suspended once corrected, and restored the same day.
    """
    policy = reading.read(shipped())
    before: dict[bytes, Any] = {}
    for line in ordering.rows(owner, ORDERED, [*NOTICES, Kind.HANDSET]):
        stage = policy.track(line.evidence["track"]).after(line.evidence["step"] - 1)
        assert stage.act == line.act
        assert line.heard >= stage.needs.notice_days, line.__dict__
        assert line.evidence["warned_at"] or not stage.needs.warned
        assert not line.over
        assert line.approved_by not in {None, line.proposed_by}
        last = before.get(line.msisdn_token)
        if last is not None and last.state == "done" and last.made_at < line.made_at:
            assert last.outcome_at <= line.made_at
            assert line.evidence["step"] == last.evidence["step"] + 1
        before[line.msisdn_token] = line
    assert ordering.rows(owner, STILL) == []
    for line in ordering.rows(owner, RESTORED):
        assert line.state == "done"
        assert line.made_at.astimezone(clock.LOCAL).date() == line.closed_at.astimezone(clock.LOCAL).date()
    live = "SELECT FROM order_line WHERE state IN ('proposed', 'sent', 'unknown') GROUP BY msisdn_token HAVING count(*) > 1"  # noqa: E501
    assert ordering.rows(owner, live) == []
