from __future__ import annotations

import base64
import hashlib
import uuid

import pytest

from simcheck.access.roles import Role
from simcheck.lake.sealed_file import SealedFile
from simcheck.uploads import vault
from tests.desking import at_desk
from tests.uploading import subscriptions

pytestmark = pytest.mark.anyio
FILE = subscriptions()
LENGTH = len(FILE)
PAGE = "/portal/uploads"
TUS = f"{PAGE}/tus"
SCRIPT = "\"><script>alert('x')</script>.csv"


@pytest.fixture
async def sender(app):
    """An uploader of the carrier whose format is the common one."""
    async with at_desk(app, Role.UPLOADER, "generic") as desk:
        yield desk


async def send(desk, content=FILE, name="a.csv", kind="snapshot", token=None, **headers):
    fields = {"form_token": token if token is not None else await desk.form_token(), "kind": kind}
    return await desk.http.post(PAGE, data=fields, files={"file": (name, content)}, headers=headers)


def kept(service):
    return list(service.store.files("uploads"))


async def test_a_form_sends_a_file(sender, owner, service):
    answer = await send(sender)
    [[batch, client, digest, kind]] = owner.execute("SELECT id, client, digest, kind FROM batch").fetchall()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/portal/batches/{batch}")
    assert (client, digest, kind) == ("person:uploader-generic", hashlib.sha256(FILE).digest(), "snapshot")
    page = (await sender.get(answer.headers["location"])).text
    assert "Đã nhận tệp." in page
    assert "Nguyễn Uploader" in page
    again = await send(sender)
    assert again.headers["location"] == answer.headers["location"]
    assert "đã được nộp trước đây" in (await sender.get(again.headers["location"])).text
    assert len(kept(service)) == 1


async def test_a_file_may_be_larger_than_any_other_form(sender, service, owner):
    large = FILE + b"\n" * (2 * service.settings.body_bytes)
    assert (await send(sender, large, kind="delta")).status_code == 303
    assert owner.execute("SELECT bytes, kind FROM batch").fetchone() == (len(large), "delta")


async def test_what_cannot_be_used_is_told_beside_its_field(sender, service, owner):
    for answer, status, words in (
        (await send(sender, b"", ""), 422, "có nội dung"),
        (await send(sender, kind="else"), 400, "Biểu mẫu không đọc được"),
        (await sender.http.post(PAGE, content=FILE), 415, "Biểu mẫu không đọc được"),
    ):
        assert answer.status_code in {status, 400}
        assert words in answer.text
        assert 'aria-describedby="file-hint file-fault"' in answer.text
    await send(sender)
    other = await send(sender, kind="delta")
    assert (other.status_code, "dưới dạng khác" in other.text) == (409, True)
    assert len(kept(service)) == 1


async def test_a_form_that_is_not_ours_brings_no_file(sender, service, owner):
    ours = await sender.form_token()
    after = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in ((b'file"; filename="a.csv', FILE), (b"form_token", ours.encode()))
    )
    late = await sender.http.post(
        PAGE, content=after + b"--x--\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    answers = [
        await send(sender, token=""), await send(sender, token="x" * 40), late,
        await send(sender, **{"Sec-Fetch-Site": "cross-site"}),
    ]  # fmt: skip
    assert [each.status_code for each in answers] == [403] * 4
    assert all("Biểu mẫu không còn hiệu lực" in each.text for each in answers)
    assert kept(service) == []
    assert owner.execute("SELECT count(*) FROM batch").fetchone() == (0,)


@pytest.mark.parametrize(
    "name", [SCRIPT, "../../../etc/passwd", "a\r\nSet-Cookie: x=1", "\u202evsc.exe", "x" * 400, "{{7*7}}.csv"]
)
async def test_a_file_name_is_a_name_and_nothing_else(sender, service, name):
    answer = await send(sender, name=name)
    assert answer.status_code == 303
    assert "x=1" not in str(answer.headers)
    page = await sender.get(answer.headers["location"])
    assert page.status_code == 200
    for bad in ("<script>alert", "etc/", "\u202e", ">49", "x" * 300):
        assert bad not in page.text
    assert {path.split("/")[1] for path in kept(service)} == {"generic"}
    assert (await sender.get("/portal/batches")).status_code == 200


class Script:
    """What the page's own script sends."""

    def __init__(self, desk, token):
        self.http, self.headers = desk.http, {"X-Form-Token": token, "Tus-Resumable": "1.0.0"}

    async def create(self, length=LENGTH, name="a.csv", **headers):
        about = {"filename": name, "kind": "snapshot", "modified": "17"}
        told = ",".join(f"{key} {base64.b64encode(each.encode()).decode()}" for key, each in about.items())
        sent = self.headers | {"Upload-Length": str(length), "Upload-Metadata": told} | headers
        return await self.http.post(TUS, headers=sent)

    async def patch(self, place, offset, content, **headers):
        check = f"sha256 {base64.b64encode(hashlib.sha256(content).digest()).decode()}"
        sent = self.headers | {"Upload-Offset": str(offset), "Upload-Checksum": check} | headers
        sent["Content-Type"] = "application/offset+octet-stream"
        return await self.http.patch(place, content=content, headers=sent)


@pytest.fixture
async def script(sender):
    return Script(sender, await sender.form_token())


async def test_a_script_sends_in_pieces_and_goes_on_after_a_reload(sender, script, service, owner):
    place = (await script.create(name=SCRIPT)).headers["location"]
    assert place.startswith(f"{TUS}/")
    assert (await script.patch(place, 0, FILE[:100])).headers["upload-offset"] == "100"
    page = (await sender.get(PAGE)).text
    assert f'data-begun="{place}"' in page
    assert 'data-modified="17"' in page
    assert "<script>alert" not in page
    wrong = await script.patch(place, 100, FILE[100:], **{"Upload-Checksum": "sha256 AAAA"})
    assert (wrong.status_code, wrong.json()["text"]) == (
        460, "Một phần tệp bị hỏng trên đường truyền. Phần đó được gửi lại.",
    )  # fmt: skip
    where = await sender.http.head(place, headers=script.headers)
    assert where.headers["upload-offset"] == "100"
    done = await script.patch(place, 100, FILE[100:])
    [[batch, path]] = owner.execute("SELECT id, path FROM batch").fetchall()
    assert done.headers["link"] == f'</portal/batches/{batch}>; rel="item"'
    assert vault.digest_of(SealedFile(service.store, service.keyring, path, len(FILE))) == (
        hashlib.sha256(FILE).digest()
    )
    assert "data-begun" not in (await sender.get(PAGE)).text


async def test_an_upload_is_given_up(sender, script, service):
    place = (await script.create()).headers["location"]
    await script.patch(place, 0, FILE[:100])
    assert (await sender.http.delete(place, headers=script.headers)).status_code == 204
    assert kept(service) == []
    assert (await sender.http.head(place, headers=script.headers)).status_code == 404


async def test_an_upload_is_its_persons_alone(app, script, sender):
    place = (await script.create()).headers["location"]
    for role, carrier in ((Role.MANAGER, "generic"), (Role.UPLOADER, "viettel")):
        async with at_desk(app, role, carrier) as other:
            theirs = Script(other, await other.form_token())
            assert (await theirs.patch(place, 0, FILE)).status_code == 404
            assert (await other.http.head(place, headers=theirs.headers)).status_code == 404
            assert (await other.http.delete(place, headers=theirs.headers)).status_code == 404
            assert place not in (await other.get(PAGE)).text


async def test_a_script_that_is_not_ours_does_nothing(sender, script, owner):
    place = (await script.create()).headers["location"]
    script.headers["X-Form-Token"] = "x"
    forged = [
        await script.create(), await script.patch(place, 0, FILE),
        await sender.http.delete(place, headers=script.headers),
        await script.create(**{"Sec-Fetch-Site": "same-site"}),
    ]  # fmt: skip
    assert [each.status_code for each in forged] == [403] * 4
    assert owner.execute("SELECT received FROM upload").fetchall() == [(0,)]


async def test_too_much_and_another_version_are_refused_in_words(script, service):
    large = await script.create(service.settings.upload_bytes + 1)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    script.headers["Tus-Resumable"] = "0.2.2"
    assert (await script.create()).status_code == 412
    script.headers["Tus-Resumable"] = "1.0.0"
    assert (await script.patch(f"{TUS}/{uuid.uuid4()}", 0, b"x")).json()["code"] == "not_found"
