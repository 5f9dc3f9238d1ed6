"""Parts of SMS through the whole of a sender, beside a bare smpp34 client loop against the same SMSC.

.venv/bin/python tests/bench/sending.py [MESSAGES]

The SMSC (smpp34's server, a process of its own) refuses 5 % of what it gets as throttled, at random. Measured
is a campaign that is due all at once: one link, one `Sender`, notices of two parts; its rate while it lasts,
its accounting against the SMSC's own count, and when 95 % of its notices have left. It fails where a bound is
missed.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import smpp34
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

MESSAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
BARE = 20_000  # parts of the bare loop
THROTTLED = 0.05
WINDOW, RATE = 100, 20_000
LEAST_RATE, LEAST_SHARE, LATEST = 1000, 0.5, 10.0
TEXT = (
    "Số thuê bao của bạn chưa khớp với giấy tờ. Trả lời TTTB hoặc gọi 18008098 để biết thêm, hạn 30/11/2026."
)


def smsc(port: int, counted) -> None:
    """The other side: it accepts, or throttles at random, and counts what it accepted."""

    async def serve() -> None:
        server = smpp34.Server("127.0.0.1", port, inbound_capacity=1000)
        await server.start()
        chance, number = random.Random(7), 0
        while True:
            event = await server.next()
            if not isinstance(event, smpp34.SubmitSmEvent):
                continue
            if chance.random() < THROTTLED:
                event.reject(smpp34.ESME_RTHROTTLED)
            else:
                number += 1
                event.accept(f"{number:x}")
                counted.value = number

    asyncio.run(serve())


@contextmanager
def other_side():
    """Its port, and what it counts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = multiprocessing.get_context("spawn")
    counted = made.Value("q", 0)
    process = made.Process(target=smsc, args=(port, counted), daemon=True)
    process.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    try:
        yield port, counted
    finally:
        process.kill()
        process.join()


async def bare(port: int) -> float:
    """smpp34's own client, so many at a time; parts accepted a second."""
    client = smpp34.Client("127.0.0.1", port, "bare", "secret", bind_type="TRX", window_size=WINDOW)
    session = await client.connect()
    numbers, taken = iter(range(BARE)), 0
    body = TEXT.encode("utf-16-be")[:134]

    async def one() -> None:
        nonlocal taken
        for number in numbers:
            while True:
                answer = await session.submit_sm(
                    f"849{number:08}", b"\5\0\3\1\2\1" + body, source_addr="SIMCHECK", source_addr_ton=5,
                    dest_addr_ton=1, dest_addr_npi=1, esm_class=0x40, registered_delivery=1, data_coding=8,
                )  # fmt: skip
                if answer.is_success:
                    taken += 1
                    break

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(WINDOW)))
    seconds = time.perf_counter() - began
    await session.unbind()
    assert taken == BARE
    return taken / seconds


async def stored(service) -> None:
    """The campaign, due in a second from when the last of it is stored."""
    from simcheck import clock
    from simcheck.messages.words import Channel
    from simcheck.sending import intents

    far = clock.now() + timedelta(hours=1)
    for first in range(0, MESSAGES, 1000):
        batch = [
            intents.Intent(
                f"notice/{number}", "first", Channel.SMS, None, uuid.uuid4(), None, f"+849{number:08}", None,
                TEXT, None, "1", "vi", far, far + timedelta(days=1),
            )
            for number in range(first, min(first + 1000, MESSAGES))
        ]  # fmt: skip
        async with service.database.transaction("job:bench", ministry=True) as session:
            await intents.store(session, service.keyring, batch)


async def campaign(service, port: int) -> dict[str, float]:
    """Send it; what was measured."""
    import psycopg

    from simcheck.sending.accounting import accounting
    from simcheck.sending.receipts import Matching
    from simcheck.sending.send import Sender
    from simcheck.sending.senders.smpp import SmppLink
    from simcheck.sending.settings import SmppSettings
    from simcheck.sending.sweeps import rules_of

    await stored(service)
    link = SmppSettings(
        name="one", host="127.0.0.1", port=port, system_id="simcheck", source="SIMCHECK", rate=RATE,
        window=WINDOW,
    )  # fmt: skip
    sender = Sender(service, Matching({"one": "one"}, rules_of(service.settings)))
    sender.add_sms(SmppLink(link, sender.inbox.tell, sender.late), link.rate)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    with psycopg.connect(service.database.url, autocommit=True) as owner:
        owner.execute("ANALYZE message, message_part")
        await asyncio.sleep(2)
        spent = time.process_time()
        owner.execute("UPDATE message SET due_at = now()")
        due = owner.execute("SELECT min(due_at) FROM message").fetchone()[0]
        began = time.perf_counter()
        while owner.execute(
            "SELECT EXISTS (SELECT FROM message WHERE state IN ('due', 'sending'))"
        ).fetchone()[0]:
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - began
        spent = time.process_time() - spent
        stop.set()
        await running
        left = owner.execute(
            """
            SELECT extract(epoch FROM percentile_disc(0.95) WITHIN GROUP (ORDER BY answered_at) - %s)
            FROM (SELECT max(answered_at) AS answered_at FROM message_part GROUP BY message_id) AS notice
        """,
            [due],
        ).fetchone()[0]
    async with service.database.transaction("bench", ministry=True) as session:
        counts = await accounting(session)
    return {"rate": counts.parts["sent"] / seconds, "left": float(left), "parts": counts.made,
            "sent": counts.parts["sent"], "throttled": sender.lanes["sms"][0].pace.throttled,
            "cpu": spent / counts.made * 1e6, "exact": counts.exact}  # fmt: skip


async def main() -> int:
    from simcheck.config import settings
    from simcheck.service import opened

    async with opened(settings()) as opened_service:
        service = replace(opened_service)
        with other_side() as (port, counted):
            alone = await bare(port)
            await asyncio.sleep(0.5)  # the SMSC counts what it has just answered
            before = counted.value
            told = await campaign(service, port)
            await asyncio.sleep(0.5)
            accepted = counted.value - before
    print(
        f"{MESSAGES:,} notices of two parts, one link, window {WINDOW}, {THROTTLED:.0%} throttled at random"
    )
    print(f"bare smpp34 loop   {alone:8,.0f} parts/s")
    print(f"whole sender       {told['rate']:8,.0f} parts/s   {told['rate'] / alone:.0%} of it"
          f"   {told['cpu']:.0f} us of its process a part   {told['throttled']:,.0f} throttled")  # fmt: skip
    print(f"95 % of the notices had left {told['left']:.1f} s after they were due")
    exact = bool(told["exact"]) and told["parts"] == told["sent"] == accepted
    print(f"accounting: {told['parts']:,} made, {told['sent']:,} sent, {accepted:,} accepted by the SMSC")
    fast = told["rate"] >= LEAST_RATE and told["rate"] >= LEAST_SHARE * alone
    return 0 if exact and fast and (told["left"] <= LATEST or MESSAGES > 20_000) else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="simcheck-bench-") as folder:
        os.environ["SIMCHECK_HOME"] = folder
        sys.exit(uvloop.run(main()))
