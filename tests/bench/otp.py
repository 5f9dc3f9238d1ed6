"""The OTP question over HTTP, one server process: beside a constant route, and a bare look-up by psycopg.

.venv/bin/python tests/bench/otp.py [SECONDS] [CONNECTIONS]

The server is the real one (uvicorn, its middleware, guards and log); only its constant routes are added here.
Clients are a second process on the same machine, which keep their connections and send the next request when
they have the answer. The ledger holds 300,000 subscriptions.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] != "serve" else 5.0
CONNECTIONS = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[1] != "serve" else 64
SUBSCRIPTIONS = 300_000
FIRST_NUMBER, FIRST_ID = 901_000_000, 1_085_000_000
WARM_UP = 1.0
LEAST_SHARE, MOST_TIMES = 0.6, 5.0  # what the OTP route has to reach of the constant route


def serve(port: int) -> None:
    """The server process: the application as it is, and two routes that answer a constant."""
    import uvicorn
    from fastapi import Response

    from simcheck.api.guard import asks
    from simcheck.api.otp import Question
    from simcheck.app import web

    app = web()

    @app.get("/constant")
    async def constant() -> Response:
        return Response(b'{"eligible": true}', media_type="application/json")

    app.get("/constant-first")(constant)
    app.router.routes.insert(
        0, app.router.routes.pop()
    )  # where the OTP route is: others are not tried before

    async def guarded(question: Question, _: object) -> Response:
        return Response(b'{"eligible": true}', media_type="application/json")

    guarded.__annotations__ = {"question": Question, "_": object}
    guarded.__defaults__ = (asks("otp-checks"),)
    app.post("/constant-guarded")(guarded)
    uvicorn.Server(
        uvicorn.Config(
            app, port=port, loop="uvloop", http="httptools", ws="none", log_config=None, access_log=False,
            server_header=False,
        )
    ).run()  # fmt: skip


def figures(latencies: list[float], seconds: float) -> tuple[float, float, float, float]:
    """(requests a second, p50, p99 and the longest in milliseconds)."""
    cuts = statistics.quantiles(latencies, n=100)
    return len(latencies) / seconds, cuts[49] * 1e3, cuts[98] * 1e3, max(latencies) * 1e3


class Load:
    """So many connections, each with one request on its way at a time; latencies in seconds."""

    def __init__(self, port: int, request, seconds: float) -> None:
        self.port, self.request, self.seconds, self.until = port, request, seconds, 0.0
        self.latencies: list[float] = []
        self.bad = 0

    async def run(self) -> tuple[float, float, float, float]:
        """As `figures`."""
        self.until = time.perf_counter() + self.seconds
        await asyncio.gather(*(self._one() for _ in range(CONNECTIONS)))
        assert not self.bad, f"{self.bad} answers were not what they should be"
        return figures(self.latencies, self.seconds)

    async def _one(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while (began := time.perf_counter()) < self.until:
            writer.write(self.request())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            self.bad += b'"eligible": true' not in body
            self.latencies.append(time.perf_counter() - began)
        writer.close()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def post(path: str, token: str):
    def request() -> bytes:
        place = random.randrange(SUBSCRIPTIONS)
        body = json.dumps(
            {"msisdn": f"+84{FIRST_NUMBER + place}", "id_number": f"{FIRST_ID + place:012}"}
        ).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return request


async def bare(url: str, keyring) -> tuple[float, float, float, float]:
    """The look-up alone: one prepared statement a number, one after another on one connection."""
    from simcheck.db.direct import Direct

    direct, latencies = Direct(url, "bench"), []
    query = "SELECT carrier, id_token, verdict FROM subscription WHERE msisdn_token = %s"
    end = time.perf_counter() + SECONDS
    while (began := time.perf_counter()) < end:
        token = keyring.token("msisdn", FIRST_NUMBER + random.randrange(SUBSCRIPTIONS))
        assert len(await direct.fetch(query, [token])) == 1
        latencies.append(time.perf_counter() - began)
    await direct.close()
    return figures(latencies, SECONDS)


def fill(url: str, keyring) -> None:
    """Verified subscriptions of a published run."""
    import numpy as np

    from simcheck.lake.tokens import tokens_of_numbers
    from tests.subscribed import published, register

    place = np.arange(SUBSCRIPTIONS, dtype=np.int64)
    numbers: pa.Array = tokens_of_numbers(keyring, "msisdn", FIRST_NUMBER + place)
    ids: pa.Array = tokens_of_numbers(keyring, "id", FIRST_ID + place)
    with psycopg.connect(url, autocommit=True) as owner:
        register(owner)
        run = published(owner)
        of_run = run["batch_id"], run["run_id"]
        copy = (
            "COPY subscription (msisdn_token, id_token, batch_id, run_id, carrier, verdict, reasons, status, "
            "bucket, cells, facts, row, changed_at) FROM STDIN"
        )
        with owner.cursor().copy(copy) as sink:
            for number, person in zip(numbers.to_pylist(), ids.to_pylist(), strict=True):
                sink.write_row((number, person, *of_run, "viettel", 0, 0, "active", 0, 0, b"", 1, "now"))
        owner.execute("VACUUM ANALYZE subscription")


async def token_for(service) -> str:
    from simcheck.access import clients, tokens

    async with service.database.transaction("bench", ministry=True) as session:
        await clients.add(session, "bench", "bench", carrier=None, scopes=["otp-checks"], rate=1e6)
        await tokens.ensure_key(session, service.keyring)
    async with service.database.transaction("bench", ministry=True) as session:
        keys = await tokens.load_keys(session, service.keyring, service.settings.issuer)
    return keys.issue("bench", ["otp-checks"], 3600)


def processor_seconds(pid: int) -> float:
    """What a process has used so far, of all processors together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def a_server(port: int):
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", str(port)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            await asyncio.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def main(home: Path) -> int:
    from simcheck.config import settings
    from simcheck.service import opened

    chosen = settings()
    async with opened(chosen) as service:
        fill(service.database.url, service.keyring)
        token = await token_for(service)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        results = {
            "bare psycopg look-up, one after another": await bare(service.database.url, service.keyring)
        }
        costs = {}
        async with a_server(port) as pid:
            for name, request in (
                ("constant route", lambda: get("/constant")),
                ("constant route, matched first", lambda: get("/constant-first")),
                ("constant route, same guard and body", post("/constant-guarded", token)),
                ("OTP route", post("/v1/otp-checks", token)),
            ):
                await Load(port, request, WARM_UP).run()
                before = processor_seconds(pid)
                load = Load(port, request, SECONDS)
                results[name] = await load.run()
                costs[name] = (processor_seconds(pid) - before) / len(load.latencies) * 1e6
    print(f"{CONNECTIONS} connections, {SECONDS:g} s each, {SUBSCRIPTIONS:,} subscriptions")
    for name, (rate, p50, p99, longest) in results.items():
        cost = f"   {costs[name]:4.0f} us of the server's processor" if name in costs else ""
        times = f"p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   max {longest:7.2f} ms"
        print(f"{name:42} {rate:9,.0f} /s   {times}{cost}")
    for name in ("constant route", "constant route, matched first"):  # the last one judges: it is the faster
        share, times = (results["OTP route"][at] / results[name][at] for at in (0, 2))
        print(f"the OTP route has {share:.0%} of the throughput of the {name}, and {times:.1f} times its p99")
    return 0 if share >= LEAST_SHARE and times < MOST_TIMES else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
        sys.exit()
    with tempfile.TemporaryDirectory(prefix=f"simcheck-bench-{uuid.uuid4().hex[:6]}-") as folder:
        os.environ["SIMCHECK_HOME"] = folder
        sys.exit(asyncio.run(main(Path(folder))))
