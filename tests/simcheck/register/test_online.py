from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import ExitStack

import numpy as np
import pytest

from simcheck.errors import UsageError
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.names import new_keys
from simcheck.register.breaker import Breaker
from simcheck.register.importing import import_register
from simcheck.register.online import OnlineRegister, Patience, tls
from simcheck.register.protocol import Fault, index_of
from simcheck.register.twin import Certificates, application, serving
from tests.building import AS_OF, country, register
from tests.simcheck.register.test_breaker import Clock

KEYS = new_keys()
PATIENCE = Patience(seconds=0.4, tries=3)
AN = np.array([1_090_000_001])


@pytest.fixture
def sealed(tmp_path, store, keyring):
    people, _ = country(6)
    return import_register(store, keyring, register(tmp_path / "r.csv", people), AS_OF, 1, 4)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def online(pauses):
    """Ask an ASGI application, without waiting between tries."""
    with ExitStack() as stack:

        def ask(application, context=None, certificates=None, **more) -> OnlineRegister:
            url = stack.enter_context(serving(application, certificates))
            more = {"patience": PATIENCE, "sleep": pauses.append} | more
            return stack.enter_context(OnlineRegister(url, context, AS_OF, **more))

        yield ask


class Faulty:
    """An ASGI application that goes wrong in the ways of `faults`, one for each question, the last for ever;
    None: it answers that nobody is known. `asked` are the numbers of each question."""

    def __init__(self, *faults: str | int | None) -> None:
        self._faults = itertools.chain(faults, itertools.repeat(faults[-1]))
        self.asked: list[list[str]] = []

    async def __call__(self, scope, receive, send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        self.asked.append(json.loads(body)["numbers"])
        fault = next(self._faults)
        if fault == "silent":
            await asyncio.sleep(5)
        status = fault if isinstance(fault, int) else 200
        headers = [(b"content-type", b"application/json"), (b"content-length", b"100000")]
        await send(
            {"type": "http.response.start", "status": status, "headers": headers[: 1 + (fault == "cut")]}
        )
        if fault == "drops":
            for _ in range(100):
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.05)
        if fault == "endless":
            for _ in range(100):
                await send({"type": "http.response.body", "body": b" " * (1 << 20), "more_body": True})
        if fault == "cut":
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            raise ConnectionResetError
        names = ("id_number", "full_name", "date_of_birth", "status", "old_id_number", "previous_id_number")
        reply = {name: [] for name in names} if fault != "nonsense" else {"id_number": ["x"]}
        if fault == "a stranger":
            values = ("001090000002", "Trần An", "1990", "active", None, None)
            reply = {name: [value] for name, value in zip(names, values, strict=True)}
        await send({"type": "http.response.body", "body": json.dumps(reply).encode()})


def test_it_says_what_the_sealed_register_says(online, sealed):
    people, _ = country(6)
    numbers = [int(each.id_number) for each in people[:90]]
    numbers += [CMND_BASE + int(each.old_id_number) for each in people[90:] if each.old_id_number]
    asked = np.array([*numbers, 0, 5, CMND_BASE + 5, *numbers[:9]])
    ours = online(application(sealed), batch=17).ask(asked, KEYS, 3)
    theirs = sealed.ask(asked, KEYS)
    for name in ("id_number", "name_code", "born", "status"):
        np.testing.assert_array_equal(getattr(ours.citizens, name), getattr(theirs.citizens, name))
    assert ours.citizens.full_name == theirs.citizens.full_name
    for one, other in zip(ours.former, theirs.former, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (len(ours.unanswered), ours.fault) == (0, None)
    assert (index_of(ours).find(np.array(numbers[:90])).row >= 0).all()


def test_only_id_numbers_are_sent_each_once_in_batches(online):
    silent = Faulty(None)
    answer = online(silent, batch=4).ask(np.array([3, 1, 2, 3, 0, 5, CMND_BASE + 4, -1, 4]), KEYS)
    assert silent.asked == [[f"{each:012}" for each in (1, 2, 3, 4)], ["000000000005", "000000004"]]
    assert len(answer.citizens.id_number) == len(answer.unanswered) == 0


def test_nothing_is_asked_about_nobody(online):
    register = Faulty(None)
    answer = online(register).ask(np.zeros(5, np.int64), KEYS)
    assert register.asked == []
    assert len(answer.unanswered) == 0


@pytest.mark.parametrize(
    ("fault", "told", "tries"),
    [
        ("silent", Fault.SLOW, 3),
        ("drops", Fault.SLOW, 3),
        ("cut", Fault.CUT_OFF, 3),
        (500, Fault.SERVER_ERROR, 3),
        (503, Fault.SERVER_ERROR, 3),
        (429, Fault.SERVER_ERROR, 3),
        (400, Fault.REFUSED, 1),
        (403, Fault.REFUSED, 1),
        (302, Fault.REFUSED, 1),
        ("nonsense", Fault.NONSENSE, 1),
        ("a stranger", Fault.NONSENSE, 1),
        ("endless", Fault.NONSENSE, 1),
    ],
)
def test_what_is_not_answered_is_unverifiable(online, pauses, fault, told, tries):
    faulty = Faulty(fault)
    answer = online(faulty).ask(AN, KEYS)
    assert (answer.unanswered.tolist(), answer.fault) == (AN.tolist(), told)
    assert len(answer.citizens.id_number) == len(answer.former.old_id) == 0
    assert len(faulty.asked) == tries
    assert len(pauses) == tries - 1


@pytest.mark.parametrize("fault", ["silent", "cut", 500, 429])
def test_what_passes_is_not_noticed(online, pauses, fault):
    answer = online(Faulty(fault, fault, None)).ask(AN, KEYS)
    assert (len(answer.unanswered), answer.fault) == (0, None)
    assert len(pauses) == 2


def test_pauses_are_drawn_by_lot_and_grow(online, pauses):
    patience = Patience(seconds=0.4, tries=9, first_pause=0.1, longest_pause=1.0)
    online(Faulty(500), patience=patience, breaker=Breaker(99)).ask(AN, KEYS)
    assert len(set(pauses)) == 8
    assert all(0 <= pause <= min(1.0, 0.1 * 2**at) for at, pause in enumerate(pauses))


def test_one_bad_batch_leaves_the_others_answered(online):
    answer = online(Faulty(400, None), batch=2).ask(np.arange(1, 6), KEYS)
    assert (answer.unanswered.tolist(), answer.fault) == ([1, 2], Fault.REFUSED)


def test_the_breaker_opens_and_closes(online):
    clock = Clock()
    faulty = Faulty(500, 500, 500, 500, None)
    register = online(faulty, batch=1, breaker=Breaker(3, 10.0, clock))
    answer = register.ask(np.arange(1, 50), KEYS)
    assert (answer.unanswered.tolist(), answer.fault) == (list(range(1, 50)), Fault.SERVER_ERROR)
    assert len(faulty.asked) == 3  # and 48 numbers were not asked for
    assert register.ask(AN, KEYS).fault is Fault.BREAKER_OPEN
    clock.now += 10
    assert register.ask(AN, KEYS).fault is Fault.BREAKER_OPEN  # one try, which failed, then open again
    assert len(faulty.asked) == 4
    clock.now += 10
    assert register.ask(AN, KEYS).fault is None
    assert not register.breaker.open
    assert register.ask(AN, KEYS).fault is None


def test_nobody_listens():
    with serving(Faulty(None)) as url:
        pass
    with OnlineRegister(url, None, AS_OF, patience=PATIENCE, sleep=lambda _: None) as register:
        assert register.ask(AN, KEYS).fault is Fault.CUT_OFF


class TestMutualTls:
    """Both sides show a certificate that the other's authority vouches for, or nothing is said."""

    @pytest.fixture
    def server(self, authority) -> Certificates:
        return Certificates(*authority.issue("register"), authority.certificate)

    def test_those_who_know_each_other_speak(self, online, authority, server):
        context = tls(authority.certificate, *authority.issue("simcheck"))
        assert online(Faulty(None), context, server).ask(AN, KEYS).fault is None

    def test_a_register_that_nobody_vouches_for_is_told_nothing(self, online, authority, stranger, server):
        faulty = Faulty(None)
        context = tls(stranger.certificate, *authority.issue("simcheck"))
        answer = online(faulty, context, server).ask(AN, KEYS)
        assert (answer.unanswered.tolist(), answer.fault) == (AN.tolist(), Fault.UNTRUSTED)
        assert faulty.asked == []

    def test_a_certificate_for_another_host(self, online, authority):
        faulty = Faulty(None)
        server = Certificates(*authority.issue("elsewhere", "127.0.0.9"), authority.certificate)
        context = tls(authority.certificate, *authority.issue("simcheck"))
        assert online(faulty, context, server).ask(AN, KEYS).fault is Fault.UNTRUSTED
        assert faulty.asked == []

    def test_who_shows_a_strangers_certificate_is_not_answered(self, online, authority, stranger, server):
        faulty = Faulty(None)
        context = tls(authority.certificate, *stranger.issue("simcheck"))
        answer = online(faulty, context, server).ask(AN, KEYS)
        assert answer.fault in {Fault.UNTRUSTED, Fault.CUT_OFF}
        assert answer.unanswered.tolist() == AN.tolist()
        assert faulty.asked == []

    @pytest.mark.parametrize("which", [0, 1, 2])
    def test_files_that_are_no_certificates(self, authority, tmp_path, which):
        files = [authority.certificate, *authority.issue("simcheck")]
        for content in (None, b"", b"no certificate"):
            files[which] = tmp_path / "x.pem"
            if content is not None:
                files[which].write_bytes(content)
            with pytest.raises(UsageError, match="certificates cannot be used"):
                tls(*files)


@pytest.mark.parametrize("url", ["http://register.example/x", "ftp://127.0.0.1/", "127.0.0.1:80", ""])
def test_nothing_is_sent_in_clear_over_a_network(url):
    with pytest.raises(UsageError, match="https"):
        OnlineRegister(url, None, AS_OF)


@pytest.mark.parametrize("batch", [0, 1001])
def test_how_many_numbers_a_question(batch):
    with pytest.raises(ValueError, match="numbers a question"):
        OnlineRegister("https://register.example", None, AS_OF, batch=batch)
