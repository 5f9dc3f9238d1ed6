"""The reviewer's pages over HTTP with a million open cases, beside a page of the same server without queries.

.venv/bin/python tests/bench/desks.py [CASES] [TURNS]    (1,000,000 and 300)

The server is the real one (one process, its middleware, doors, log and embedded PostgreSQL), over a small
country that it checked itself, so that cases have their records; to its cases so many more are added by SQL.
A reviewer is signed in. The constant answer is /desk, the start page: the same session is looked up, the same
frame is rendered, and nothing is asked of the database for it. Beside it stands the style sheet, which asks
for nobody's session. Everything is asked in turns on one kept connection, each after a constant answer, so
that a busy moment of the machine meets both. Every turn has a case of its own. A quantile is the median of
those of `STRETCHES` of the turns, so that a minute in which the machine is busy with something else does not
stand for all. It ends with 1 when one takes more than `MOST_TIMES` at p95.
"""

from __future__ import annotations

import asyncio
import gc
import html
import http.client
import os
import re
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import generator
from simcheck.access.roles import Role
from simcheck.commands.demo import Demo
from simcheck.service import opened
from simcheck.terminal import Language
from tests.desking import COOKIE, token
from tests.reviewing import many_cases

CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
TURNS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
SUBSCRIPTIONS = 4_000  # of the country that is really checked
MOST_TIMES = 5.0
STRETCHES = 5
WARM_UP = 20  # turns that do not count
CONSTANT = "/desk"
LISTS = {
    "queue: staff's, most urgent first": "/desk/queue",
    "queue: everything, oldest first": "/desk/queue?open=yes&sort=oldest",
    "queue: one carrier, newest first": "/desk/queue?carrier=mobifone&acts=staff&sort=newest",
    "queue: one province, gravest first": "/desk/queue?province=079&sort=verdict",
    "queue: one reason, most urgent first": "/desk/queue?reason=NAME_DIFFERENT",
    "queue: disowned": "/desk/queue?answer=disowned",
}
DEEP = 20  # pages on
# The cases that have records are the staff's, and come first, as if they had waited longest.
FIRST = """
UPDATE "case"
SET state = 'with_staff', acts = 'staff', clock_left = NULL, target_at = now() - interval '90 days'
FROM subscription
WHERE closed_at IS NULL
  AND subscription.carrier = "case".carrier AND subscription.msisdn_token = "case".msisdn_token
"""
# One that was decided, and undone, comes after them: every turn has a case that nobody has opened before.
AFTER = """UPDATE "case" SET target_at = target_at + interval '1 day' WHERE id = %s"""


class Browser:
    """Somebody who has signed in, on one kept connection; how long each answer took, by what was asked."""

    def __init__(self, address: str, session: str) -> None:
        self._http = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self._cookies = {COOKIE: session}
        self.took: dict[str, list[float]] = defaultdict(list)
        self.form_token = re.search(r'name="form_token" value="([^"]+)"', self.get("/desk/account", ""))[1]

    def get(self, path: str, name: str) -> str:
        """A page, which has to be there."""
        status, text, _ = self._ask("GET", path, None, name)
        assert status == 200, (status, path)
        return text

    def send(self, path: str, name: str, **fields: str) -> str:
        """Send a form; where it leads to."""
        body = urlencode({"form_token": self.form_token, **fields})
        status, _, there = self._ask("POST", path, body, name)
        assert status == 303, (status, path)
        assert there
        return there

    def _ask(self, method: str, path: str, body: str | None, name: str) -> tuple[int, str, str | None]:
        headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        content = answer.read()
        self.took[name].append(time.perf_counter() - began)
        for line in answer.headers.get_all("Set-Cookie") or ():
            key, _, value = line.partition(";")[0].partition("=")
            self._cookies[key] = value
        return answer.status, content.decode(), answer.headers.get("Location")


def deep(browser: Browser, path: str) -> str:
    """The address of the page so many pages on."""
    for _ in range(DEEP):
        found = re.search(r'rel="next" href="([^"]+)"', browser.get(path, ""))
        assert found, path
        path = html.unescape(found[1])
    return path


def turn(
    browser: Browser, owner: psycopg.Connection[Any], lists: dict[str, str], asset: str, case: str
) -> str:
    """Everything once, each after a constant answer; the case that is in hand afterwards."""

    def constant() -> None:
        browser.get(CONSTANT, "constant")

    browser.get(asset, "style sheet")
    for name, path in lists.items():
        constant()
        browser.get(path, name)
    constant()
    # Another case than the one in hand: it is passed by.
    case = browser.send("/desk/queue/next", "next case: claim", leave=id_of(case))
    constant()
    page = browser.get(case, "next case: its page")
    assert 'class="compared"' in page, case  # it has its records
    known = re.search(r'data-load="([^"#]+)#known', page)
    assert known, case
    constant()
    browser.get(html.unescape(known[1]), "next case: what is known of it")
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version, case
    constant()
    following = browser.send(
        f"/desk/cases/{id_of(case)}/decide", "decide, and claim the next", decision="same_person",
        reason="spelling", version=version[1],
    )  # fmt: skip
    undo = re.search(r'action="(/desk/decisions/[^"]+/undo)"', browser.get(following, ""))
    assert undo, following
    constant()
    browser.send(undo[1], "undo")
    owner.execute(AFTER, [id_of(case)])
    return following


def id_of(case: str) -> str:
    """The id of a case in the address of its page."""
    return re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", case)[0]


def publish(demo: Demo, folder: Path) -> None:
    """Check a small country, and end what else than the server runs."""
    made = folder / "country"
    generator.generate(SUBSCRIPTIONS, SUBSCRIPTIONS, 7, made, carriers=["generic"])
    demo.start("serve")
    demo.ready()
    demo.run("register", "import", str(made / "citizens.parquet"), "--quiet")
    asyncio.run(demo.add_clients(["generic"]))
    demo.start("worker")
    demo._watch({"generic": demo.send("generic", made / "generic.csv")})
    worker = demo.processes.pop()
    worker.terminate()
    worker.wait(60)


async def fill(demo: Demo) -> tuple[str, str]:
    """Add the cases; the session of a reviewer, and the database's address."""
    async with opened(demo.settings) as service:
        with psycopg.connect(service.database.url, autocommit=True) as owner:
            many_cases(owner, CASES)
            owner.execute(FIRST)
            owner.execute('VACUUM ANALYZE "case"')
            owner.execute("CHECKPOINT")
        return await token(service, Role.REVIEWER), service.database.url


def quantiles(took: list[float]) -> tuple[float, float]:
    """The half and the 95th percentile of what was measured in order: medians of the stretches' own."""
    size = -(-len(took) // STRETCHES)
    cuts = [statistics.quantiles(took[at : at + size], n=20) for at in range(0, len(took), size)]
    return statistics.median(each[9] for each in cuts), statistics.median(each[18] for each in cuts)


def told(took: dict[str, list[float]]) -> int:
    """Print the figures; 1 where one is over its bound."""
    at = {name: quantiles(each) for name, each in took.items() if name}
    base, over = at.pop("constant"), []
    print(f"{CASES:,} open cases, {TURNS} turns, one connection")
    print(f"{'constant answer (/desk)':42} p50 {base[0] * 1e3:7.2f} ms   p95 {base[1] * 1e3:7.2f} ms")
    for name, (half, most) in at.items():
        times = most / base[1]
        shown = f"p50 {half * 1e3:7.2f} ms   p95 {most * 1e3:7.2f} ms"
        print(f"{name:42} {shown}   {times:4.1f} times at p95")
        if times > MOST_TIMES:
            over.append(name)
    print("asked: at most 5 times" + (f"; over it: {', '.join(over)}" if over else "; all are"))
    return 1 if over else 0


def main(folder: Path) -> int:
    """Make it, measure it."""
    home = folder / "home"
    home.mkdir()
    with Demo(home, Language.EN) as demo:
        publish(demo, folder)
        began = time.perf_counter()
        session, database = asyncio.run(fill(demo))
        print(f"{CASES:,} cases were made in {time.perf_counter() - began:.0f} s", flush=True)
        browser = Browser(demo.url, session)
        asset = re.search(r'href="(/desk/assets/style[^"]+)"', browser.get(CONSTANT, ""))[1]
        lists = dict(LISTS)
        for name in list(LISTS)[:2]:
            lists[f"{name}, page {DEEP + 1}"] = deep(browser, LISTS[name])
        case = browser.send("/desk/queue/next", "")
        gc.disable()  # of the asking process
        with psycopg.connect(database, autocommit=True) as owner:
            for _ in range(WARM_UP):
                case = turn(browser, owner, lists, asset, case)
            browser.took.clear()
            for _ in range(TURNS):
                case = turn(browser, owner, lists, asset, case)
        return told(browser.took)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="simcheck-bench-") as made:
        os.chmod(made, 0o755)  # PostgreSQL runs as another user when this runs as root
        sys.exit(main(Path(made)))
