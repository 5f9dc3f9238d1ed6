"""`simcheck register`: the citizen register in the lake, and a twin of the online one."""

from __future__ import annotations

import os
import threading
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from simcheck import terminal
from simcheck.errors import UsageError
from simcheck.lake.buckets import BUCKETS, MOST_BUCKETS
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from simcheck.register import twin as twins
from simcheck.register.importing import import_register
from simcheck.register.sealed import SealedRegister

app = typer.Typer(no_args_is_help=True, help="Import the citizen register; serve a twin of an online one.")

Home = Annotated[Path, typer.Option(envvar="SIMCHECK_HOME", help="Where the service keeps its files.")]
Keys = Annotated[
    Path | None,
    typer.Option(envvar="SIMCHECK_KEYS_FILE", help="The key file. Default: keys.json in the home."),
]
Lake = Annotated[
    str | None,
    typer.Option(
        envvar="SIMCHECK_LAKE", help="A folder, or a URI such as s3://bucket/lake. Default: in the home."
    ),
]


@app.command(name="import")
def take(
    path: Annotated[Path, typer.Argument(help="The register: Parquet or CSV.")],
    home: Home = Path(".simcheck"),
    keys: Keys = None,
    lake: Lake = None,
    buckets: Annotated[
        int, typer.Option(min=1, max=MOST_BUCKETS, help="Parts the register is cut into.")
    ] = BUCKETS,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Default: as many as there are processors.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Seal a register in the lake; the register before it is used until this one is whole."""
    store, ring = _opened(home, keys, lake)
    with terminal.progress(terminal.spoken(), shown=not quiet) as progress:
        sealed = import_register(
            store, ring, path, date.today(), threads or len(os.sched_getaffinity(0)), buckets, progress
        )
    if not quiet:
        typer.echo(
            f"{sealed.name}: {sealed.rows:,} citizens in {sealed.buckets} buckets, SHA-256 {sealed.digest}"
        )


@app.command()
def twin(
    home: Home = Path(".simcheck"),
    keys: Keys = None,
    lake: Lake = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On this machine alone; 0 takes a free one.")
    ] = 0,
    certificate: Annotated[Path | None, typer.Option(help="The twin's certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
    authority: Annotated[Path | None, typer.Option(help="Who vouches for those who may ask (PEM).")] = None,
) -> None:
    """Answer as an online register would, from the newest register in the lake, until Ctrl-C."""
    sealed = SealedRegister.newest(*_opened(home, keys, lake))
    if sealed is None:
        raise UsageError("there is no register in the lake. Import one first: simcheck register import PATH")
    certificates = None
    if certificate and key and authority:
        certificates = twins.Certificates(certificate, key, authority)
    elif certificate or key or authority:
        raise UsageError("--certificate, --key and --authority go together: name all three, or none")
    try:
        with twins.serving(twins.application(sealed), certificates, port) as url:
            typer.echo(f"{url} answers from {sealed.name} ({sealed.rows:,} citizens); Ctrl-C ends it")
            threading.Event().wait()
    except OSError as error:
        raise UsageError(
            f"the twin cannot be served ({error.strerror}). Check port and certificates."
        ) from None


def _opened(home: Path, keys: Path | None, lake: str | None) -> tuple[Store, Keyring]:
    return Store(lake or home / "lake"), Keyring.load(keys or home / "keys.json")
