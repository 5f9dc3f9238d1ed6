"""The folder into which our domain's mail server puts what comes back: a Maildir (one file a mail).

A mail server writes into `tmp` and moves into `new`: what is there is whole. What was read of ours is
removed, anything else goes to `cur` as seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from simcheck.sending.mail.bounces import MOST_BYTES

_SEEN = ":2,S"


def new(folder: Path, most: int) -> Iterator[tuple[Path, bytes]]:
    """At most so many mails that nobody has read, each with its first `MOST_BYTES`."""
    with suppress(OSError):  # no mail has ever come
        for file in sorted((folder / "new").iterdir())[:most]:
            with suppress(OSError):
                with file.open("rb") as mail:
                    content = mail.read(MOST_BYTES)
                yield file, content


def remove(file: Path) -> None:
    """The mail has been read, and is not needed."""
    with suppress(OSError):
        file.unlink()


def put_aside(file: Path) -> None:
    """The mail is not for us: let it lie, as seen."""
    aside = file.parent.parent / "cur" / f"{file.name.partition(':')[0]}{_SEEN}"
    with suppress(OSError):
        aside.parent.mkdir(exist_ok=True)
        file.rename(aside)
