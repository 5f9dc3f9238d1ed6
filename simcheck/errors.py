"""What can go wrong for a person, drawn once. Every message says what happened and what to do.

No message ever carries a cell of a file: it names the file, the row and the column, and stops there.
"""

from __future__ import annotations

from pathlib import Path


class SimcheckError(Exception):
    """Something a person can mend. Printed as one line; the process ends with `exit_code`."""

    exit_code = 2


class UsageError(SimcheckError):
    """The command's own words cannot be used together, or name something that is not there."""


class FileRefusedError(SimcheckError):
    """A whole file cannot be used. Nothing of it has been taken.

    `path` is the file as the user named it, `cause` what is wrong with it, `remedy` what to do.
    """

    def __init__(self, path: Path | str, cause: str, remedy: str) -> None:
        self.path, self.cause, self.remedy = Path(path), cause, remedy
        super().__init__(f"{path}: {cause}. {remedy}")


class OutputError(SimcheckError):
    """What was found cannot be written (a full disk, a folder that may not be written)."""


class KeyringError(SimcheckError):
    """The keyring is not there or cannot be used. Never says anything of a key but its id."""


class SealError(SimcheckError):
    """Sealed data is not what was sealed: damaged, moved to another place, or under another keyring."""
