from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import subprocess
import sys
import uuid

import httpx
import pytest
from tusclient.client import TusClient

from jobs import uploads
from simcheck.ingest import tus
from tests.uploading import PEOPLE, declared, subscriptions, work

pytestmark = pytest.mark.anyio
FILE = subscriptions()
LENGTH = len(FILE)
TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {"Content-Type": "application/offset+octet-stream"}


def b64(content: bytes | str) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


@pytest.fixture
async def sender(token_of):
    return await token_of("generic")


class KilledError(BaseException):
    """The end of a process, as far as a request can see it."""


class Talk:
    """A client of the protocol, one request a method."""

    def __init__(self, http, headers):
        self.http, self.headers = http, headers | TUS

    async def create(self, length=LENGTH, content=None, **headers):
        headers = self.headers | {"Upload-Length": str(length)} | headers
        if content is not None:
            headers |= OCTETS
        return await self.http.post("/v1/uploads", headers=headers, content=content)

    async def head(self, address):
        return await self.http.head(address, headers=self.headers)

    async def patch(self, address, offset, content, **headers):
        headers = self.headers | OCTETS | {"Upload-Offset": str(offset)} | headers
        return await self.http.patch(address, headers=headers, content=content)

    async def delete(self, address):
        return await self.http.delete(address, headers=self.headers)


@pytest.fixture
async def talk(http, sender):
    return Talk(http, sender)


@pytest.fixture
async def upload(talk):
    return (await talk.create()).headers["location"]


async def batch_of(talk, answer):
    link = answer.headers["link"]
    assert link.endswith('>; rel="item"')
    return (await talk.http.get(link[1 : link.index(">")], headers=talk.headers)).json()


async def test_what_the_server_can_do(http, sender):
    answer = await http.options("/v1/uploads", headers=sender)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    }  # fmt: skip
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"
    assert int(answer.headers["tus-max-size"]) > 1 << 30


async def test_pieces_become_a_batch(talk, upload, service):
    answer = await talk.head(upload)
    assert (answer.status_code, answer.headers["upload-offset"]) == (200, "0")
    assert answer.headers["upload-length"] == str(len(FILE))
    assert answer.headers["cache-control"] == "no-store"
    for start in range(0, len(FILE), 500):
        answer = await talk.patch(upload, start, FILE[start : start + 500])
        assert answer.status_code == 204
        assert answer.headers["upload-offset"] == str(min(start + 500, len(FILE)))
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["upload-expires"].endswith("GMT")
    await work(service)
    batch = await batch_of(talk, answer)
    assert (batch["state"], batch["rows"]) == ("checking", 20)
    assert batch["sha256"] == hashlib.sha256(FILE).hexdigest()
    assert len(declared(service, batch)) == 20
    assert (await talk.head(upload)).headers["link"] == answer.headers["link"]
    assert (await talk.delete(upload)).status_code == 204
    assert service.store.files("uploads")  # it is the batch's now


async def test_the_metadata_is_understood_and_given_back(talk, service, owner):
    said = f"filename {b64('đợt 11/0912345678.csv')},kind {b64('delta')},flag ,idempotency_key {b64('k1')}"
    answer = await talk.create(content=FILE, **{"Upload-Metadata": said})
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(FILE)))
    batch = await batch_of(talk, answer)
    assert (batch["kind"], batch["file_name"]) == ("delta", "0912345678.csv")
    assert (await talk.head(answer.headers["location"])).headers["upload-metadata"] == said
    stored = str(owner.execute("SELECT upload::text FROM upload").fetchall())
    assert b64("delta") not in stored


@pytest.mark.parametrize(
    "metadata",
    [f"kind {b64('whole')}", "kind !!!", "x" * 5000, f"sha256 {b64('abc')}", f"filename {b64(bytes([255]))}"],
)
async def test_metadata_that_cannot_be_used(talk, metadata):
    assert (await talk.create(**{"Upload-Metadata": metadata})).status_code == 400


async def test_the_same_file_is_one_batch_by_either_way(talk, http, sender, service):
    sent = await http.post("/v1/batches", content=FILE, headers=sender)
    answer = await talk.create(content=FILE)
    assert (await batch_of(talk, answer))["id"] == sent.json()["id"]
    assert len(service.store.files("uploads")) == 1


async def test_an_empty_file(talk, service):
    answer = await talk.create(length=0)
    await work(service)
    assert (await batch_of(talk, answer))["refusal"]["text"].startswith("The file is empty")


async def test_checksums(talk, upload):
    for algorithm in ("sha1", "sha256"):
        start = int((await talk.head(upload)).headers["upload-offset"])
        piece = FILE[start : start + 300]
        right = b64(hashlib.new(algorithm, piece).digest())
        wrong = await talk.patch(upload, start, piece + b"x", **{"Upload-Checksum": f"{algorithm} {right}"})
        assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum_mismatch")
        assert (await talk.head(upload)).headers["upload-offset"] == str(start)
        assert (
            await talk.patch(upload, start, piece, **{"Upload-Checksum": f"{algorithm} {right}"})
        ).status_code == 204
    for wrong in ("md5 AAAA", "sha1 !!!", "sha1"):
        answer = await talk.patch(upload, 600, FILE[600:], **{"Upload-Checksum": wrong})
        assert answer.status_code in {400, 460}
    assert (await talk.head(upload)).headers["upload-offset"] == "600"


async def test_a_digest_of_the_whole_file(talk, service):
    other = {"Upload-Metadata": f"sha256 {b64('0' * 64)}"}
    answer = await talk.create(content=FILE, **other)
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert service.store.files("uploads") == {}
    right = {"Upload-Metadata": f"sha256 {b64(hashlib.sha256(FILE).hexdigest().upper())}"}
    assert (await talk.create(content=FILE, **right)).status_code == 201


async def test_requests_that_cannot_be_used(talk, upload, service):
    wrong = [
        (await talk.patch(upload, 5, b"x"), 409),
        (await talk.patch(upload, "x", b"x"), 400),
        (await talk.patch(upload, -1, b"x"), 400),
        (await talk.patch(upload, 0, b"x", **{"Content-Type": "text/csv"}), 415),
        (await talk.patch(upload, 0, b"x", **{"Tus-Resumable": "0.2.2"}), 412),
        (await talk.patch(upload, 0, FILE + b"x"), 413),
        (await talk.create(**{"Upload-Length": "x"}), 400),
        (await talk.create(length=service.settings.upload_bytes + 1), 413),
        (await talk.create(**{"Upload-Defer-Length": "1"}), 400),
        (await talk.patch(f"/v1/uploads/{uuid.uuid4()}", 0, b"x"), 404),
        (await talk.patch("/v1/uploads/x", 0, b"x"), 422),
        (await talk.http.post(upload, headers=talk.headers), 405),
    ]
    for at, (answer, status) in enumerate(wrong):
        assert answer.status_code == status, at
        if status != 422:
            assert answer.headers["tus-resumable"] == "1.0.0"
    assert (await talk.head(upload)).headers["upload-offset"] == "0"


async def test_an_upload_belongs_to_the_client_that_began_it(talk, upload, token_of, viettel):
    for headers in (viettel, await token_of("generic")):
        other = Talk(talk.http, headers)
        for answer in (
            await other.head(upload),
            await other.patch(upload, 0, FILE),
            await other.delete(upload),
        ):
            assert answer.status_code == 404
    reader = Talk(talk.http, await token_of("generic", "batches:read"))
    assert (await reader.create()).status_code == 403
    assert (await Talk(talk.http, {}).create()).status_code == 401
    assert (await Talk(talk.http, await token_of()).create()).status_code == 403


async def test_termination(talk, upload, service):
    await talk.patch(upload, 0, FILE[:100])
    assert (await talk.delete(upload)).status_code == 204
    assert service.store.files("uploads") == {}
    assert (await talk.head(upload)).status_code == 404


async def test_expiration(talk, upload, service, owner):
    await talk.patch(upload, 0, FILE[:100])
    owner.execute("UPDATE upload SET expires_at = now() - interval '1 second'")
    for answer in (await talk.head(upload), await talk.patch(upload, 100, FILE[100:])):
        assert answer.status_code == 410
    await uploads.tidy(service)
    assert service.store.files("uploads") == {}
    assert (await talk.head(upload)).status_code == 404


async def test_a_request_that_breaks_off_keeps_what_came(talk, upload, service, monkeypatch):
    monkeypatch.setitem(service.settings.__dict__, "body_seconds", 0.2)

    async def stops():
        yield FILE[:700]
        await asyncio.sleep(1)

    answer = await talk.patch(upload, 0, stops())
    assert answer.status_code == 408
    assert (await talk.head(upload)).headers["upload-offset"] == "700"
    answer = await talk.patch(upload, 700, stops(), **{"Upload-Checksum": "sha1 AAAA"})
    assert answer.status_code == 408
    assert (await talk.head(upload)).headers["upload-offset"] == "700"
    answer = await talk.patch(upload, 700, FILE[700:])
    assert (await batch_of(talk, answer))["sha256"] == hashlib.sha256(FILE).hexdigest()


async def test_a_long_request_is_kept_part_by_part(talk, service, monkeypatch):
    monkeypatch.setattr(tus, "PART_BYTES", 1 << 20)
    content = FILE * 3000
    upload = (await talk.create(len(content))).headers["location"]

    async def breaks():
        yield content[: 3 << 20]
        raise KilledError

    with pytest.raises(KilledError):
        await talk.patch(upload, 0, breaks())
    assert (await talk.head(upload)).headers["upload-offset"] == str(3 << 20)
    answer = await talk.patch(upload, 3 << 20, content[3 << 20 :])
    assert (await batch_of(talk, answer))["sha256"] == hashlib.sha256(content).hexdigest()


async def test_two_who_send_the_same_piece(talk, upload):
    answers = await asyncio.gather(*(talk.patch(upload, 0, FILE[: 100 * n]) for n in range(1, 6)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409, 409]
    (won,) = (n for n, answer in enumerate(answers, 1) if answer.status_code == 204)
    answer = await talk.patch(upload, 100 * won, FILE[100 * won :])
    assert (await batch_of(talk, answer))["sha256"] == hashlib.sha256(FILE).hexdigest()


async def test_a_server_that_was_killed_before_the_batch(talk, service, owner):
    answer = await talk.create(content=FILE)
    owner.execute("UPDATE upload SET path = (SELECT path FROM batch), batch_id = NULL")
    owner.execute("DELETE FROM batch")
    await uploads.finish_whole(service)
    await work(service)
    batch = await batch_of(talk, await talk.head(answer.headers["location"]))
    assert batch["state"] == "checking"
    owner.execute("UPDATE upload SET path = %s, batch_id = NULL", ["uploads/generic/nothing"])
    await uploads.finish_whole(service)
    assert owner.execute("SELECT count(*) FROM upload").fetchone() == (0,)


async def test_a_client_that_can_only_post(talk, upload):
    headers = talk.headers | OCTETS | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await talk.http.post(upload, headers=headers, content=FILE[:50])).status_code == 204
    assert (await talk.head(upload)).headers["upload-offset"] == "50"
    headers = talk.headers | {"X-HTTP-Method-Override": "DELETE"}
    assert (await talk.http.post(upload, headers=headers)).status_code == 204
    assert (await talk.head(upload)).status_code == 404


async def test_what_is_kept_is_sealed(talk, upload, service):
    await talk.patch(upload, 0, FILE[:900])
    (path,) = service.store.files("uploads")
    stored = service.store.read(path)
    assert PEOPLE[1].id_number.encode() not in stored


async def test_time_is_given_anew_with_every_piece(talk, upload, owner):
    owner.execute("UPDATE upload SET expires_at = now() + interval '1 minute'")
    await talk.patch(upload, 0, FILE[:10])
    left = "SELECT expires_at > now() + interval '23 hours' FROM upload"
    assert owner.execute(left).fetchone() == (True,)


def test_a_real_client_of_the_protocol(served, environment, owner):
    """tuspy, the protocol's own client for Python, against a real server."""
    token = httpx.post(
        f"{served}/oauth/token", auth=added(environment), data={"grant_type": "client_credentials"}
    ).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    client = TusClient(f"{served}/v1/uploads", headers=headers)
    content = subscriptions(0, 40) * 400
    half = client.uploader(
        file_stream=io.BytesIO(content),
        chunk_size=200_000,
        upload_checksum=True,
        metadata={"filename": "a.csv"},
    )
    half.upload_chunk()
    half.upload_chunk()
    assert half.get_offset() == 400_000
    rest = client.uploader(file_stream=io.BytesIO(content), chunk_size=300_000, url=half.url)
    rest.upload()
    batch = httpx.get(f"{served}/v1/batches", headers=headers).json()["batches"][0]
    assert batch["sha256"] == hashlib.sha256(content).hexdigest()
    assert batch["file_name"] == "a.csv"


def added(environment) -> tuple[str, str]:
    """A client that was added by the command: its id and secret."""
    said = subprocess.run(
        [sys.executable, "-m", "simcheck.cli", "clients", "add", "generic-upload", "--carrier", "generic"],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return said[1], said[3]
