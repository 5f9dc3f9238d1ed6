"""`simcheck demo`: the whole service on this machine, over a small country that does not exist.

The country's files lie in a temporary folder that is gone at the end. What the service keeps of them, under
the demo's home, is sealed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
import typer
from pydantic import AnyHttpUrl
from sqlalchemy.ext.asyncio import AsyncSession

import carriers.registry
import generator
from simcheck import terminal
from simcheck.access import clients, scopes
from simcheck.access.roles import Role
from simcheck.cases.find import by_code
from simcheck.commands import demo_holder, demo_orders, demo_people, demo_staff
from simcheck.commands.demo_holder import Inbox
from simcheck.config import Settings
from simcheck.errors import UnavailableError
from simcheck.normalise import phones
from simcheck.notices.policy import at_any_hour, shipped
from simcheck.privacy import mask_msisdn
from simcheck.service import opened

CITIZENS, SUBSCRIPTIONS, SEED = 150_000, 200_000, 2026
WORKERS = 2
PATIENCE = 600.0  # seconds that the country's check may take
ORDERED = (demo_people.CARRIER, "vinaphone")  # whose subscribers change their handsets
BANK = "demo-bank"  # who asks before a one-time code

# What the country looks like after the runs: cases by carrier and by whose turn it is.
CASES = sa.text("""
SELECT carrier, acts, count(*) FROM "case" WHERE closed_at IS NULL
GROUP BY carrier, acts ORDER BY carrier, acts
""")


def demo(
    home: Annotated[Path, typer.Option(envvar="SIMCHECK_HOME", help="Where the demo keeps its data.")] = Path(
        ".simcheck"
    ),
    subscriptions: Annotated[int, typer.Option(min=1_000, help="How many subscriptions.")] = SUBSCRIPTIONS,
    stay: Annotated[
        bool | None, typer.Option("--stay/--no-stay", help="Serve until Ctrl-C. Default: on a terminal.")
    ] = None,
    language: Annotated[terminal.Language | None, typer.Option(help="Language of what is printed.")] = None,
) -> None:
    """Run the whole service: a register, all carriers' uploads, cross-checks, cases, holders, the desks."""
    spoken = language or terminal.spoken()
    place = home / "demo"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    try:
        with tempfile.TemporaryDirectory(prefix="simcheck-") as made, Demo(place, spoken) as service:
            service.show(Path(made), round(subscriptions * CITIZENS / SUBSCRIPTIONS), subscriptions)
            service.tell()
            if sys.stdin.isatty() if stay is None else stay:
                service.say("stay", url=service.url)
                service.wait()
    except KeyboardInterrupt:
        terminal.say(spoken, "demo_ended")


class Demo:
    """The service's processes, ended with the block, and what is done with them."""

    def __init__(self, home: Path, language: terminal.Language) -> None:
        port, self.ports = _free_port(), {name: _free_port() for name in ("smsc", "smtp", "page")}
        self.home, self.language = home, language
        self.url = f"http://127.0.0.1:{port}"
        self.inbox = Inbox(f"http://127.0.0.1:{self.ports['page']}")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIMCHECK_")},
            "SIMCHECK_HOME": str(home),
            "SIMCHECK_LISTEN": f"127.0.0.1:{port}",
            "SIMCHECK_PUBLIC_URL": self.url,
            **self._messages(),
        }
        self.settings = Settings(home=home, database_url=None, public_url=AnyHttpUrl(self.url))
        self.http = httpx.Client(base_url=self.url, timeout=120)
        self.secrets: dict[str, str] = {}
        self.accounts: list[demo_people.Account] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.inbox.close()
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            if process.poll() is None:
                process.kill()

    def _messages(self) -> dict[str, str]:
        """The settings by which messages go to the twins, at any hour: nobody is woken by them."""
        policy = self.home / "policy.toml"
        policy.write_text(at_any_hour(shipped()), "utf-8")
        link = {
            "name": "twin", "host": "127.0.0.1", "port": self.ports["smsc"], "system_id": "demo",
            "password": secrets.token_hex(4), "source": "1414",
        }  # fmt: skip
        mail = {
            "host": "127.0.0.1",
            "port": self.ports["smtp"],
            "tls": "none",
            "from": "demo@simcheck.example",
        }
        return {
            "SIMCHECK_SMS_LINKS": json.dumps([link]),
            "SIMCHECK_MAIL": json.dumps(mail),
            "SIMCHECK_NOTICES_POLICY": str(policy),
        }

    def say(self, what: str, **values: Any) -> None:
        """Tell one line."""
        terminal.say(self.language, f"demo_{what}", **values)

    def show(self, folder: Path, citizens: int, subscriptions: int) -> None:
        """Everything, step by step."""
        country = folder / "country"
        with terminal.progress(self.language, shown=True) as progress:
            made = generator.generate(
                citizens, subscriptions, SEED, country,
                progress=lambda done, total: progress("generate", done, total, done),
            )  # fmt: skip
        self.say("made", citizens=made.citizens, rows=sum(int(each["rows"]) for each in made.files))
        self.start("serve")
        self.ready()
        self.say("serving", url=self.url)
        self.run("register", "import", str(country / "citizens.parquet"), "--quiet")
        self.say("register", citizens=made.citizens)
        codes = [str(file["carrier"]) for file in made.files]
        asyncio.run(self.add_clients(codes))
        self.start("twins", *(word for name, port in self.ports.items() for word in (f"--{name}", str(port))))
        self.start("sender")
        for _ in range(WORKERS):
            self.start("worker")
        sent = {
            code: self.send(code, country / str(file["file"]))
            for code, file in zip(codes, made.files, strict=True)
        }
        self.say("sent", files=len(sent))
        done = self._watch(sent)
        terminal.print_batches(done, self.language)
        terminal.print_cases(asyncio.run(self.cases()), self.language)
        asyncio.run(self._desks())
        asyncio.run(self._orders(country))
        self._questions(country)
        self._holders(country)
        self._help_desk(country)

    def tell(self) -> None:
        """What there is to look at, and who signs in."""
        self.say("look", url=self.url, home=self.home)
        demo_people.tell(self.accounts, self.url, self.language)

    def wait(self) -> None:
        """Until Ctrl-C, or until a process of ours ends."""
        while all(process.poll() is None for process in self.processes):
            time.sleep(0.5)
        raise UnavailableError(f"a process of the demo ended. Its words are in {self.home / 'logs'}.")

    def start(self, *words: str) -> None:
        """Start a process of ours: serve, or worker."""
        logs = self.home / "logs"
        logs.mkdir(exist_ok=True)
        with (logs / f"{words[0]}-{len(self.processes)}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen([*_SIMCHECK, *words], env=self.environment, stdout=log, stderr=log)  # noqa: S603
            )

    def run(self, *words: str) -> None:
        """Run one of our commands to its end."""
        subprocess.run([*_SIMCHECK, *words], env=self.environment, check=True)  # noqa: S603

    def ready(self) -> None:
        """Wait until the server answers."""
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if self.http.get("/readyz", timeout=5).status_code == httpx.codes.OK:
                    return
            if self.processes[-1].poll() is not None:
                break
            time.sleep(0.1)
        raise UnavailableError(f"the service did not start. Its words are in {self.home / 'logs'}.")

    async def add_clients(self, codes: list[str]) -> None:
        """A client for each carrier, and one that asks before one-time codes."""
        async with self._as_operator() as session:
            for code in codes:
                client = f"{code}-demo"
                made = await clients.add(session, client, code, carrier=code, scopes=scopes.of_carriers())
                self.secrets[client] = str(made)
            made = await clients.add(session, BANK, BANK, carrier=None, scopes=scopes.of_services())
            self.secrets[BANK] = str(made)

    @contextlib.asynccontextmanager
    async def _as_operator(self) -> AsyncIterator[AsyncSession]:
        async with (
            opened(self.settings) as service,
            service.database.transaction("operator", ministry=True) as session,
        ):
            yield session

    def token(self, client: str) -> dict[str, str]:
        """The header by which a client is known."""
        answer = self.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client, self.secrets[client])
        )
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def send(self, code: str, file: Path) -> str:
        """Upload a carrier's file; the id of its batch."""
        with file.open("rb") as content:
            answer = self.http.post(
                "/v1/batches", content=content,
                headers={**self.token(f"{code}-demo"), "Idempotency-Key": secrets.token_hex(8)},
            )  # fmt: skip
        answer.raise_for_status()
        return str(answer.json()["id"])

    def _watch(self, sent: dict[str, str]) -> dict[str, dict[str, Any]]:
        """All batches, once each is done or refused."""
        ended: dict[str, dict[str, Any]] = {}
        began = time.monotonic()
        headers = {code: self.token(f"{code}-demo") for code in sent}
        with terminal.progress(self.language, shown=True) as progress:
            while len(ended) < len(sent) and time.monotonic() - began < PATIENCE:
                for code, batch in sent.items():
                    if code not in ended:
                        state = self.http.get(f"/v1/batches/{batch}", headers=headers[code]).json()
                        if state["state"] in {"done", "refused"}:
                            ended[code] = state
                progress("compare", len(ended), len(sent), 0)
                time.sleep(0.3)
        for code in sent:
            if ended.get(code, {}).get("state") != "done":
                raise UnavailableError(f"{code}'s file is not done. The logs are in {self.home / 'logs'}.")
        return {code: ended[code] for code in sent}

    async def cases(self) -> list[tuple[str, str, int]]:
        """Open cases: carrier, who acts, how many."""
        async with self._as_operator() as session:
            return [(row[0], row[1], row[2]) for row in await session.execute(CASES)]

    def _questions(self, country: Path) -> None:
        """One question that is answered yes, and the same number with another person's ID."""
        found = [*_verified(country, demo_people.CARRIER, demo_orders.EACH + 2)]
        (msisdn, id_number), (_, stranger) = found[demo_orders.EACH :]  # the first changed their handsets
        for number in (id_number, stranger):
            answer = self.http.post(
                "/v1/otp-checks", json={"msisdn": msisdn, "id_number": number}, headers=self.token(BANK)
            ).json()
            words = ", ".join(answer["reasons"])
            self.say("otp_yes" if answer["eligible"] else "otp_no", reasons=words, as_of=answer["as_of"][:19])

    def _holders(self, country: Path) -> None:
        """One holder puts the record right; another one is left to whoever watches."""
        found = demo_holder.people(country)
        one, other = next(found), next(found)
        code = demo_holder.put_right(self.url, self.inbox, one)
        self.say("holder", number=mask_msisdn(one.msisdn), code=code, state=asyncio.run(self.state_of(code)))
        self.say("inbox", url=self.inbox.url)
        born = "/".join(reversed(other.born.split("-")))
        self.say(
            "try", url=self.url, number=other.msisdn, code=self.inbox.code(other), id_number=other.id_number,
            name=other.full_name, born=born,
        )  # fmt: skip

    async def _desks(self) -> None:
        """Everybody gets an account, and reviewers work for a while."""
        async with opened(self.settings) as service:
            self.accounts = await demo_people.add_all(service, self.home)
            done = await demo_staff.work(service, self._with(Role.REVIEWER))
        self.say("staff", decided=done.decided, aside=done.aside)

    async def _orders(self, country: Path) -> None:
        """A policy comes into force, and what is due under it is ordered, answered and undone."""
        numbers = {
            code: [msisdn for msisdn, _ in _verified(country, code, demo_orders.EACH)] for code in ORDERED
        }
        [manager] = self._with(Role.MANAGER)
        async with opened(self.settings) as service:
            supervisors = self._with(Role.SUPERVISOR)
            done = await demo_orders.show(service, supervisors, manager, demo_people.CARRIER, numbers)
        self.say("orders", carrier=demo_people.CARRIER, **done._asdict())

    def _help_desk(self, country: Path) -> None:
        """Holders ask, and some of them are answered; then the country is counted."""
        said = demo_staff.asked(self.language)
        theirs = demo_holder.people(country, demo_people.CARRIER)
        taken = [
            demo_holder.ask(self.url, each.text, self.language, writer, next(theirs) if each.own else None)
            for writer, each in enumerate(said)
        ]
        self.say("asked", questions=sum(taken), answered=asyncio.run(self._answer(said)))

    async def _answer(self, said: Sequence[demo_staff.Asked]) -> int:
        [staff, *_], [manager] = self._with(Role.SUPERVISOR), self._with(Role.MANAGER)
        async with opened(self.settings) as service:
            answered = await demo_staff.answer(service, said, staff, manager, demo_people.CARRIER)
            await demo_staff.count(service)
        return answered

    def _with(self, role: Role) -> list[str]:
        return [each.username for each in self.accounts if each.role == role]

    async def state_of(self, code: str) -> str:
        """The state of the case with this code."""
        async with self._as_operator() as session:
            found = await by_code(session, code)
        return found.case.state if found else "?"


_SIMCHECK = [sys.executable, "-m", "simcheck.cli"]


def _verified(country: Path, carrier: str, how_many: int) -> Iterator[tuple[str, str]]:
    """Number (E.164) and ID of a carrier's first rows that are right in every way."""
    truth = pq.read_table(country / "truth.parquet", columns=["carrier", "file", "row", "verdict", "kinds"])
    plain = pc.and_(
        pc.equal(truth["carrier"], carrier),
        pc.and_(pc.equal(truth["verdict"], "verified"), pc.equal(pc.list_value_length(truth["kinds"]), 0)),
    )
    rows = truth.filter(plain).slice(0, how_many)
    file = country / rows["file"][0].as_py()
    batch = next(iter(carriers.registry.adapter(carrier).read(file, ("msisdn", "id_number"))))
    places = pc.subtract(rows["row"], 1)
    numbers = phones.e164(phones.normalise(batch["msisdn"].take(places)).national)
    yield from zip(numbers.to_pylist(), batch["id_number"].take(places).to_pylist(), strict=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port
