"""`simcheck register`: the citizen register in the lake, and a twin of the online one."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from simcheck import terminal
from simcheck.config import Settings, settings
from simcheck.errors import UsageError
from simcheck.lake.buckets import MOST_BUCKETS
from simcheck.register import keeping, ledger
from simcheck.register import twin as twins
from simcheck.register.importing import Progress
from simcheck.register.sealed import SealedRegister
from simcheck.service import opened

app = typer.Typer(no_args_is_help=True, help="Import the citizen register; serve a twin of an online one.")

Home = Annotated[Path | None, typer.Option(help="Where the service keeps its files.")]
Keys = Annotated[
    Path | None,
    typer.Option(help="The key file. Default: keys.json in the home."),
]
Lake = Annotated[
    str | None,
    typer.Option(help="A folder, or a URI such as s3://bucket/lake. Default: in the home."),
]


@app.command(name="import")
def take(
    path: Annotated[Path, typer.Argument(help="The register: Parquet or CSV.")],
    home: Home = None,
    keys: Keys = None,
    lake: Lake = None,
    buckets: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_BUCKETS, help="Parts the register is cut into. Default: the setting."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Default: as many as there are processors.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Take in a register; the one before it counts until this one is whole. Everybody is checked again."""
    chosen = _settings(home, keys, lake)
    buckets = buckets or chosen.buckets
    threads = threads or len(os.sched_getaffinity(0))

    async def work(progress: Progress) -> SealedRegister:
        async with opened(chosen) as service:
            return await keeping.take_in(service, path, date.today(), threads, buckets, progress)

    with terminal.progress(terminal.spoken(), shown=not quiet) as progress:
        sealed = asyncio.run(work(progress))
    if not quiet:
        typer.echo(
            f"{sealed.name}: {sealed.rows:,} citizens in {sealed.buckets} buckets, SHA-256 {sealed.digest}"
        )


@app.command()
def twin(
    home: Home = None,
    keys: Keys = None,
    lake: Lake = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On this machine alone; 0 takes a free one.")
    ] = 0,
    certificate: Annotated[Path | None, typer.Option(help="The twin's certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
    authority: Annotated[Path | None, typer.Option(help="Who vouches for those who may ask (PEM).")] = None,
) -> None:
    """Answer as an online register would, from the register that counts, until Ctrl-C."""
    sealed = asyncio.run(_current(_settings(home, keys, lake)))
    if sealed is None:
        raise UsageError("there is no register yet. Import one first: simcheck register import PATH")
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


async def _current(chosen: Settings) -> SealedRegister | None:
    async with opened(chosen) as service:
        async with service.database.transaction(keeping.ACTOR) as session:
            snapshot = await ledger.current(session)
        if snapshot is None or snapshot.path == ledger.ONLINE:
            return None
        return keeping.sealed_register(service.store, service.keyring, snapshot.path)


def _settings(home: Path | None, keys: Path | None, lake: str | None) -> Settings:
    """The service's settings, with what the command itself says in their place."""
    said = {"home": home, "keys_file": keys, "lake": lake}
    return settings().model_copy(update={name: value for name, value in said.items() if value is not None})
