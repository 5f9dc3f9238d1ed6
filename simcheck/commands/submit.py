"""`simcheck submit`: a carrier's side of an upload. Resumes what broke off, waits, prints the outcome."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

import carriers.registry
from simcheck import terminal
from simcheck.errors import SimcheckError, UnavailableError, UsageError

CHUNK_BYTES = 8 << 20
MOST_TRIES = 8  # of one piece
LONGEST_WAIT = 20.0  # seconds between two of them
POLL = 1.0  # seconds between two questions about a batch
_TRY_AGAIN = {408, 409, 425, 429, 460, 500, 502, 503, 504}
_ENDED = {"done", "refused"}

Report = Callable[[str, int, int, int], None]


class SubmitError(SimcheckError):
    """The service refused what was sent."""

    code = "submit"


class _AgainError(Exception):
    """It may work in a moment."""


def submit(
    files: Annotated[
        list[str], typer.Argument(metavar="CODE=FILE...", help="The carrier's code and its subscriber file.")
    ],
    client: Annotated[str, typer.Option(envvar="SIMCHECK_CLIENT", help="The carrier's client id.")],
    url: Annotated[
        str, typer.Option(envvar="SIMCHECK_URL", help="Where the service is.")
    ] = "http://127.0.0.1:8080",
    secret: Annotated[
        str | None,
        typer.Option(envvar="SIMCHECK_CLIENT_SECRET", help="Better in the environment than written here."),
    ] = None,
    delta: Annotated[bool, typer.Option("--delta", help="The files say only what changed.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the files are checked.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Send subscriber files to the service. Ends with 1 when one of them was refused."""
    if not secret:
        raise UsageError("the client's secret is missing. Put it into SIMCHECK_CLIENT_SECRET.")
    named = [_file(each) for each in files]
    spoken = terminal.spoken()
    batches: dict[str, dict[str, Any]] = {}
    with httpx.Client(base_url=url, timeout=60) as http, terminal.progress(spoken, shown=not quiet) as report:
        sender = Sender(http, client, secret, report)
        sent = {str(path): sender.send(path, "delta" if delta else "snapshot") for path in named}
        for name, address in sent.items():
            batches[name] = sender.outcome(address) if wait else sender.get(address)
    if not quiet:
        terminal.print_batches(batches, spoken)
    if any(batch["state"] == "refused" for batch in batches.values()):
        raise typer.Exit(1)


class Sender:
    """Speaks to the service as one client. What does not arrive is sent again, from where it stands."""

    def __init__(
        self, http: httpx.Client, client: str, secret: str, report: Report = lambda *_: None,
        memory: Path | None = None,
    ) -> None:  # fmt: skip
        """`memory` is the file in which uploads that are on their way are kept between two calls."""
        self._http, self._proof, self._report = http, (client, secret), report
        self._memory = memory or _memory_file()
        self._token, self._until = "", 0.0

    def send(self, path: Path, kind: str) -> str:
        """Send a file; gives the address of its batch. Raises SubmitError, UnavailableError, UsageError."""
        size = path.stat().st_size
        digest = self._digest(path, size)
        key = f"{self._http.base_url} {self._proof[0]} {kind} {digest}"
        upload, offset, batch = self._resumed(key)
        if not upload:
            upload, offset, batch = self._created(path, kind, digest, size)
            self._remember(key, upload)
        with path.open("rb") as file:
            while batch is None:
                self._report("send", offset, size, 0)
                file.seek(offset)
                offset, batch = self._tried(upload, offset, file.read(CHUNK_BYTES))
        self._report("send", size, size, 0)
        self._remember(key, None)
        return batch

    def outcome(self, address: str) -> dict[str, Any]:
        """The batch, once it is done or refused."""
        while (batch := self.get(address))["state"] not in _ENDED:
            progress = batch["progress"] or {"done": 0, "buckets": 0}
            self._report("wait", progress["done"], progress["buckets"], 0)
            time.sleep(POLL)
        return batch

    def get(self, address: str) -> dict[str, Any]:
        """A batch as it is now."""
        answer = self._patiently(lambda: self._ask("GET", address))
        found: dict[str, Any] = answer.json()
        return found

    def _digest(self, path: Path, size: int) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(CHUNK_BYTES):
                digest.update(block)
                self._report("digest", file.tell(), size, 0)
        return digest.hexdigest()

    def _created(self, path: Path, kind: str, digest: str, size: int) -> tuple[str, int, str | None]:
        said = {"filename": path.name, "kind": kind, "sha256": digest}
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items()
        )
        headers = {"Upload-Length": str(size), "Upload-Metadata": metadata}
        answer = self._patiently(lambda: self._ask("POST", "/v1/uploads", headers))
        return answer.headers["location"], 0, _batch(answer)

    def _resumed(self, key: str) -> tuple[str, int, str | None]:
        """Where an upload of the same file stands that broke off; an empty address if there is none."""
        upload = self._remembered().get(key, "")
        if not upload:
            return "", 0, None
        answer = self._patiently(lambda: self._ask("HEAD", upload, good={404, 410}))
        if answer.status_code != 200:
            return "", 0, None
        return upload, int(answer.headers["upload-offset"]), _batch(answer)

    def _tried(self, upload: str, offset: int, content: bytes) -> tuple[int, str | None]:
        """Send a piece; gives where the upload stands after it, which may be anywhere after a broken line."""
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        headers = {
            "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
            "Upload-Checksum": f"sha256 {checksum}",
        }  # fmt: skip
        try:
            answer = self._ask("PATCH", upload, headers, content)
        except _AgainError:
            answer = self._patiently(lambda: self._ask("HEAD", upload), pause=True)
        return int(answer.headers["upload-offset"]), _batch(answer)

    def _patiently(self, ask: Callable[[], httpx.Response], *, pause: bool = False) -> httpx.Response:
        """Ask until it works. Raises UnavailableError when it does not."""
        if pause:
            time.sleep(POLL)
        tries = Retrying(
            stop=stop_after_attempt(MOST_TRIES), wait=wait_random_exponential(max=LONGEST_WAIT),
            retry=retry_if_exception_type(_AgainError), reraise=True,
        )  # fmt: skip
        try:
            return tries(ask)
        except _AgainError:
            raise UnavailableError("the service does not answer. Run the same command later.") from None

    def _ask(
        self, method: str, address: str, headers: dict[str, str] | None = None, content: bytes = b"",
        good: set[int] = frozenset(),  # type: ignore[assignment]
    ) -> httpx.Response:  # fmt: skip
        sent = {"Authorization": f"Bearer {self._access()}", "Tus-Resumable": "1.0.0"} | (headers or {})
        try:
            answer = self._http.request(method, address, headers=sent, content=content)
        except httpx.TransportError:
            raise _AgainError from None
        if answer.status_code == 401:
            self._until = 0
            raise _AgainError
        if answer.status_code in _TRY_AGAIN:
            raise _AgainError
        if answer.is_error and answer.status_code not in good:
            raise SubmitError(_words(answer))
        return answer

    def _access(self) -> str:
        """The access token; a new one a minute before its end."""
        if time.monotonic() > self._until - 60:
            form = {"grant_type": "client_credentials"}
            try:
                answer = self._http.post("/oauth/token", data=form, auth=self._proof)
            except httpx.TransportError:
                raise _AgainError from None
            if answer.status_code in _TRY_AGAIN:
                raise _AgainError
            if answer.is_error:
                raise SubmitError("the service does not know this client, or its secret is wrong.")
            self._token = answer.json()["access_token"]
            self._until = time.monotonic() + max(61, answer.json()["expires_in"])
        return self._token

    def _remembered(self) -> dict[str, str]:
        try:
            kept: dict[str, str] = json.loads(self._memory.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return kept

    def _remember(self, key: str, upload: str | None) -> None:
        """Keep the upload's address for the next call, or forget it."""
        kept = {name: value for name, value in self._remembered().items() if name != key}
        kept |= {key: upload} if upload else {}
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            aside = self._memory.with_suffix(f".{os.getpid()}")
            aside.write_text(json.dumps(kept), "utf-8")
            aside.replace(self._memory)
        except OSError:
            return  # then a call that broke off begins anew


def _memory_file() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "simcheck" / "uploads.json"


def _batch(answer: httpx.Response) -> str | None:
    """The address of the batch that an upload became."""
    for link in answer.links.values():
        if link.get("rel") == "item":
            return str(link["url"])
    return None


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError):
        return f"the service answered {answer.status_code}. Check --url."


def _file(argument: str) -> Path:
    code, equals, path = argument.partition("=")
    if not equals or not code or not path:
        raise UsageError(f"{argument}: write CODE=FILE, such as viettel=subscribers.csv")
    carriers.registry.adapter(code)
    if not Path(path).is_file():
        raise UsageError(f"{path}: there is no such file. Check the path.")
    return Path(path)
