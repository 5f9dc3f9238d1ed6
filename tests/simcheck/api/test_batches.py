from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import re
import socket
import subprocess
import sys
import time
import uuid
import zipfile
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from carriers.readers.stream import EXPANSION_BYTES
from simcheck.access import tokens
from simcheck.ingest import watching
from tests.building import row
from tests.uploading import PEOPLE, declared, file_of, finish, subscriptions, work

pytestmark = pytest.mark.anyio
FILE = subscriptions()


@pytest.fixture
async def sender(token_of):
    """The Authorization header of a client of the carrier whose format is the common one."""
    return await token_of("generic")


@pytest.fixture
async def send(http, sender):
    async def post(content=FILE, address="/v1/batches", **headers):
        return await http.post(address, content=content, headers=sender | headers)

    return post


@pytest.fixture
async def state(http, sender):
    async def ask(batch):
        return (await http.get(f"/v1/batches/{batch['id']}", headers=sender)).json()

    return ask


@pytest.fixture
async def outcome(send, state, service):
    """What became of a file that was sent and read."""

    async def run(content, address="/v1/batches", **headers):
        answer = await send(content, address, **headers)
        assert answer.status_code == 202, answer.text
        await work(service)
        return await state(answer.json())

    return run


def raw(service) -> dict:
    return dict.fromkeys(service.store.files("uploads"))


async def test_a_file_is_received_read_and_handed_on(send, state, service, owner):
    named = "attachment; filename*=UTF-8''Th%C3%A1ng%2011.csv"
    answer = await send(**{"Content-Disposition": named})
    batch = answer.json()
    assert (answer.status_code, batch["state"], batch["kind"]) == (202, "received", "snapshot")
    assert answer.headers["location"] == f"/v1/batches/{batch['id']}"
    assert batch["file_name"] == "Tháng 11.csv"
    assert (batch["sha256"], batch["bytes"]) == (hashlib.sha256(FILE).hexdigest(), len(FILE))
    await work(service)
    seen = await state(batch)
    assert (seen["state"], seen["rows"], seen["refusal"]) == ("checking", 20, None)
    assert [each["id_number"] for each in declared(service, batch)] == [
        each.id_number for each in PEOPLE[:20]
    ]
    waiting = owner.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'runs.start'").fetchone()
    assert waiting[0] == {"batch_id": batch["id"]}
    acts = [
        act for (act,) in owner.execute("SELECT act FROM audit WHERE stream = 'batch/generic' ORDER BY seq")
    ]
    assert acts == ["batch.received", "batch.read"]


async def test_the_same_file_is_one_batch(send, service, owner):
    first, second = await send(), await send()
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["location"] == first.headers["location"]
    assert len(raw(service)) == 1
    assert owner.execute("SELECT count(*) FROM batch").fetchone() == (1,)


async def test_two_at_once_are_one_batch(send, service):
    answers = await asyncio.gather(*(send(**{"Idempotency-Key": '"one"'}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(raw(service)) == 1


async def test_the_same_file_as_another_kind(send):
    await send()
    answer = await send(address="/v1/batches?kind=delta")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_an_idempotency_key(send):
    first = await send(**{"Idempotency-Key": "key-1"})
    again = await send(**{"Idempotency-Key": '"key-1"'})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    other = await send(subscriptions(1, 3), **{"Idempotency-Key": "key-1"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    for wrong in ("", "x" * 201, "a b"):
        assert (await send(**{"Idempotency-Key": wrong})).status_code == 400


async def test_another_carrier_may_send_the_same_file_and_sees_only_its_own(http, send, viettel, service):
    mine = (await send()).json()
    theirs = await http.post("/v1/batches", content=FILE, headers=viettel)
    assert theirs.status_code == 202
    listed = (await http.get("/v1/batches", headers=viettel)).json()["batches"]
    assert [batch["id"] for batch in listed] == [theirs.json()["id"]]
    for path in ("", "/events"):
        answer = await http.get(f"/v1/batches/{mine['id']}{path}", headers=viettel)
        nobody = await http.get(f"/v1/batches/{uuid.uuid4()}{path}", headers=viettel)
        assert answer.status_code == nobody.status_code == 404
        assert {**answer.json(), "request_id": 0} == {**nobody.json(), "request_id": 0}


def digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


async def test_a_digest_is_held_against_what_came(send, service):
    for name, value in (
        ("Content-Digest", f"sha-256=:{digest(FILE)}:"),
        ("Repr-Digest", f"sha-512=:AAAA:, sha-256=:{digest(FILE)}:"),
        ("Digest", f"SHA-256={digest(FILE)}"),
    ):
        assert (await send(**{name: value})).status_code in {200, 202}
        wrong = await send(b"other", **{name: value})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "digest_mismatch")
        assert (await send(**{name: "sha-256=:short:"})).status_code == 400
    assert (await send(**{"Content-Digest": "sha-512=:ignored:"})).status_code == 200
    assert len(raw(service)) == 1


async def test_a_form(http, sender, service):
    answer = await http.post(
        "/v1/batches", files={"file": ("thue bao.csv", FILE)}, data={"kind": "snapshot"}, headers=sender
    )
    batch = answer.json()
    assert (answer.status_code, batch["file_name"], batch["bytes"]) == (202, "thue bao.csv", len(FILE))
    big = b"x" * 3_000_000
    answer = await http.post("/v1/batches", files={"file": ("../../etc/passwd", big)}, headers=sender)
    assert (answer.json()["bytes"], answer.json()["file_name"]) == (len(big), "passwd")
    assert answer.json()["sha256"] == hashlib.sha256(big).hexdigest()


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(
        b'--b\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in parts
    ) + end  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no form at all", form(), form(("kind", b"delta")), form(("file", FILE), end=b""),
        form(("file", FILE), ("file", FILE)), form(("file", FILE), ("kind", b"whole")),
        form(("file", FILE), ("kind", b"delta"), ("kind", b"delta")), form(("file", FILE), ("name", b"x")),
        form(("file", FILE), ("kind", b"x" * 5000)), form(*((f"f{n}", b"") for n in range(40))),
        b"--b\r\nContent-Disposition: form-data; name=" + b"x" * 20_000 + b"\r\n\r\n",
        b"--b\r\n: \r\n\r\n--b--",
    ],
)  # fmt: skip
async def test_forms_that_cannot_be_used(send, service, body):
    answer = await send(body, **{"Content-Type": "multipart/form-data; boundary=b"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.text
    assert raw(service) == {}


async def test_bodies_of_the_wrong_kind(send, service):
    for headers in (
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Encoding": "gzip"},
    ):
        answer = await send(**headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "media_type")
    for boundary in ("", "; boundary=", "; boundary=" + "b" * 71):
        answer = await send(**{"Content-Type": f"multipart/form-data{boundary}"})
        assert answer.status_code == 400
    assert (await send(address="/v1/batches?kind=whole")).status_code == 422
    assert raw(service) == {}


GOOD = row(1, PEOPLE[1])
BOMB = io.BytesIO()
with zipfile.ZipFile(BOMB, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("xl/workbook.xml", b"x")
    archive.writestr("xl/worksheets/sheet1.xml", bytes(EXPANSION_BYTES + 1))
HEADER = b"msisdn,id_number,full_name,date_of_birth\n"


def bomb() -> bytes:
    """A file that expands to more than 200 times its size, in few rows."""
    return gzip.compress(HEADER + (b",,," + b" " * 60_000 + b"\n") * (EXPANSION_BYTES // 60_000 + 1))


HOSTILE = {
    "empty": (b"", "is empty"),
    "header alone, half": (b"msisdn,id_nu", "has no columns"),
    "missing column": (b"msisdn,full_name\n0912345678,Hoa\n", "has no columns id_number, date_of_birth"),
    "column twice": (b"msisdn,msisdn,id_number,full_name,date_of_birth\n", "twice"),
    "pdf": (b"%PDF-1.7 " + bytes(200), "is a PDF document"),
    "zip": (BOMB.getvalue()[:60], "is an Excel workbook or another zip archive"),
    "half an archive": (gzip.compress(subscriptions(0, 40))[:-20], "archive that ends early"),
    "damaged archive": (b"\x1f\x8b" + bytes(300), "archive that is damaged"),
    "bomb": (bomb(), "expands to more than 200 times"),
    "archive in an archive": (gzip.compress(gzip.compress(FILE)), "holds a gzip archive, not text"),
    "parquet, half": (b"PAR1" + bytes(100), "is a Parquet file that is damaged"),
    "zeros": (bytes(100_000), "is not text"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_file_is_refused_in_words(outcome, service, owner, what):
    content, cause = HOSTILE[what]
    batch = await outcome(content)
    assert batch["state"] == "refused", batch
    assert batch["refusal"]["code"] == "file_refused"
    assert re.search(cause, batch["refusal"]["text"]), batch["refusal"]
    assert batch["refusal"]["text"].startswith("The file ")
    assert "0912345678" not in json.dumps(batch)
    assert not service.store.files("declared")
    told = owner.execute(
        "SELECT args FROM procrastinate_jobs WHERE task_name = 'webhooks.fan_out'"
    ).fetchone()
    assert told[0] == {"carrier": "generic", "event": "batch.refused", "subject": batch["id"]}


async def test_a_workbook_bomb_is_refused(http, mobifone, service):
    answer = await http.post("/v1/batches", content=BOMB.getvalue(), headers=mobifone)
    await work(service, "mobifone")
    batch = (await http.get(answer.headers["location"], headers=mobifone)).json()
    assert (batch["state"], batch["refusal"]["code"]) == ("refused", "file_refused")


async def test_broken_rows_do_not_spoil_the_others(outcome, service):
    text = (
        FILE + b'"09000\n\xff\xfe\x00,,,\n1,2,3,4,5,6,7,8,9,10,11,12\n' + b"=cmd|' /C calc'!A0,1,2,3,M,cccd\n"
    )
    batch = await outcome(text)
    assert batch["state"] == "checking"
    assert batch["rows"] == len(declared(service, batch)) > 20


async def test_a_refused_file_may_be_sent_again(outcome, send):
    first = await outcome(b"")
    second = await send(b"")
    assert second.status_code == 202
    assert second.json()["id"] != first["id"]


async def test_what_a_file_says_of_itself_stays_sealed(outcome, service, owner):
    """A file without a header has a person in its place: that is shown to its sender and kept sealed."""
    text = FILE.replace(b"gender", "Nguyễn Thị Bí Mật".encode())
    batch = await outcome(text, **{"Content-Disposition": 'attachment; filename="0912345678.csv"'})
    assert batch["ignored_columns"] == ["Nguyễn Thị Bí Mật"]
    assert batch["file_name"] == "0912345678.csv"
    (dump,) = owner.execute("SELECT string_agg(batch::text, '') FROM batch").fetchone()
    for path in (each for each in Path(service.store.location).rglob("*") if each.is_file()):
        dump += path.read_bytes().decode("latin-1")
    for secret in ("Bí Mật", "0912345678", PEOPLE[3].id_number):
        assert secret not in dump
        assert secret.encode().decode("latin-1") not in dump


async def test_a_file_that_is_too_large(send, service):
    service.settings.__dict__["upload_bytes"] = 5000
    answer = await send(b"x" * 5001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    async def parts():
        for _ in range(6):
            yield b"x" * 1000

    answer = await send(parts())
    assert answer.status_code == 413
    assert raw(service) == {}


async def test_half_an_upload_and_a_slow_client(send, service, monkeypatch):
    service.settings.__dict__["body_seconds"] = 0.2

    async def stops():
        yield FILE[:100]
        await asyncio.sleep(1)
        yield FILE[100:]

    answer = await send(stops())
    assert (answer.status_code, answer.json()["code"]) == (408, "slow_body")
    monkeypatch.setattr("simcheck.ingest.bodies.GRACE", 0.1)

    async def drips():
        for _ in range(20):
            yield b"x"
            await asyncio.sleep(0.05)

    answer = await send(drips())
    assert (answer.status_code, answer.json()["code"]) == (408, "slow_body")
    assert raw(service) == {}


async def test_tokens_that_are_not_good(http, sender, token_of, service, app):
    good = sender["Authorization"]
    keys = await app.state.doorkeeper.keys()
    other = tokens.TokenKeys(keys.issuer, type(keys.current).generate_key("Ed25519", {"kid": "t0"}), {})
    client = keys.read(good.split()[1]).client
    for token in ("", "x.y.z", good[7:-3] + "AAA", other.issue(client, ["batches:write"], 600),
                  keys.issue(client, ["batches:write"], -5)):  # fmt: skip
        answer = await http.post("/v1/batches", content=FILE, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    reader = await token_of("generic", "batches:read")
    assert (await http.post("/v1/batches", content=FILE, headers=reader)).status_code == 403
    relying = await token_of()
    assert (await http.post("/v1/batches", content=FILE, headers=relying)).status_code == 403
    assert raw(service) == {}


async def test_batches_are_listed_newest_first_in_pages(http, send, sender):
    sent = [(await send(subscriptions(0, n))).json()["id"] for n in range(1, 6)]
    seen, address = [], "/v1/batches?limit=2"
    while address:
        page = (await http.get(address, headers=sender)).json()
        seen += [batch["id"] for batch in page["batches"]]
        following = page["next"]
        address = f"/v1/batches?limit=2&before={following.replace('+', '%2B')}" if following else None
    assert seen == sent[::-1]
    assert (await http.get("/v1/batches?state=done", headers=sender)).json()["batches"] == []
    for wrong in ("limit=0", "limit=201", "state=x", "before=x", "before=2026-01-01T00:00:00"):
        assert (await http.get(f"/v1/batches?{wrong}", headers=sender)).status_code in {400, 422}


async def test_a_delta(outcome, service, owner):
    base = await outcome(FILE)
    change = file_of([row(3, PEOPLE[30], change="changed"), row(4, PEOPLE[4], change="removed")])
    answer = await outcome(change, "/v1/batches?kind=delta")
    assert answer["state"] == "received"  # waits for the batch before it
    finish(owner, base)
    await work(service)
    rows = declared(service, answer)
    assert len(rows) == 19
    assert {each["msisdn"]: each["id_number"] for each in rows}["0900000003"] == PEOPLE[30].id_number


async def test_a_delta_without_a_snapshot_is_refused(outcome):
    change = file_of([row(3, PEOPLE[30], change="changed")])
    batch = await outcome(change, "/v1/batches?kind=delta")
    assert (batch["state"], batch["refusal"]["code"]) == ("refused", "no_snapshot")


async def test_parquet(outcome, service, tmp_path):
    table = pa.Table.from_pylist([row(n, PEOPLE[n]) for n in range(10)])
    pq.write_table(table, tmp_path / "file.parquet")
    batch = await outcome((tmp_path / "file.parquet").read_bytes())
    assert len(declared(service, batch)) == 10


async def test_events_tell_every_change_until_the_end(send, http, sender, service, owner, monkeypatch):
    monkeypatch.setattr(watching, "POLL", 0.05)
    batch = (await send()).json()

    async def watch():
        answer = await http.get(f"/v1/batches/{batch['id']}/events", headers=sender)
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]

    looking = asyncio.create_task(watch())
    await asyncio.sleep(0.3)
    await work(service)
    await asyncio.sleep(0.3)
    finish(owner, batch)
    async with asyncio.timeout(5):
        seen = await looking
    states = [each["state"] for each in seen]
    assert (states[0], states[-1]) == ("received", "done")
    assert "checking" in states
    assert states == sorted(states, key=["received", "reading", "checking", "done"].index)


def test_a_client_that_goes_away_in_the_middle(served, environment, owner, settings):
    """Over a real socket: half a file, then nothing. No batch, and nothing of it stays."""
    added = [sys.executable, "-m", "simcheck.cli", "clients", "add", "generic-upload", "--carrier", "generic"]
    said = subprocess.run(added, env=environment, capture_output=True, text=True, check=True).stdout.split()
    form = {"grant_type": "client_credentials"}
    token = httpx.post(f"{served}/oauth/token", auth=(said[1], said[3]), data=form).json()["access_token"]
    tus = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    upload = httpx.post(
        f"{served}/v1/uploads", headers=tus | {"Upload-Length": str(len(FILE))}
    ).headers["location"]  # fmt: skip
    length = f"Content-Length: {len(FILE)}"
    piece = "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream"
    for line, more in (("POST /v1/batches", length), (f"PATCH {upload}", f"{length}\r\n{piece}")):
        head = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(served.rpartition(":")[2]))) as line_to:
            line_to.sendall(head.encode() + FILE[:500])
            time.sleep(0.3)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        kept = httpx.head(f"{served}{upload}", headers=tus).headers["upload-offset"]
        files = [path for path in (settings.home / "lake").rglob("*") if path.is_file()]
        if kept == "500" and len(files) == 1:
            break
        time.sleep(0.05)
    assert kept == "500"
    assert [path.name for path in files] == ["part-0000000000000000"]
    assert owner.execute("SELECT count(*) FROM batch").fetchone() == (0,)
