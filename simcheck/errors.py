"""What can go wrong for a person, drawn once. Every message says what happened and what to do.

No message ever carries a cell of a file: it names the file, the row and the column, and stops there.
At the command the message is a line on standard error; at the API it is the `detail` of a problem
document (RFC 9457) with the error's `code` and `http_status`, and `retry` says whether the same
request may succeed later.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class SimcheckError(Exception):
    """Something a person can mend. Printed as one line; the process ends with `exit_code`."""

    code = "error"
    http_status = 400
    retry = False
    exit_code = 2

    @property
    def lines(self) -> tuple[str, ...]:
        """What the command prints, a line each."""
        return (str(self),)


class UsageError(SimcheckError):
    """The command's own words cannot be used together, or name something that is not there."""

    code = "usage"


class SettingsError(SimcheckError):
    """The process must not start as it is set up. One line for every fault."""

    code = "settings"
    http_status = 500

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(faults))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for every fault."""
        return self.faults


class FileRefusedError(SimcheckError):
    """A whole file cannot be used. Nothing of it has been taken.

    `path` is the file as the user named it, `cause` what is wrong with it, `remedy` what to do.
    """

    code = "file_refused"
    http_status = 422

    def __init__(self, path: Path | str, cause: str, remedy: str) -> None:
        self.path, self.cause, self.remedy = Path(path), cause, remedy
        super().__init__(f"{path}: {cause}. {remedy}")


class OutputError(SimcheckError):
    """What was found cannot be written (a full disk, a folder that may not be written)."""

    code = "storage"
    http_status = 507
    retry = True


class KeyringError(SimcheckError):
    """The keyring is not there or cannot be used. Never says anything of a key but its id."""

    code = "keyring"
    http_status = 500


class SealError(SimcheckError):
    """Sealed data is not what was sealed: damaged, moved to another place, or under another keyring."""

    code = "seal"
    http_status = 500


class InvalidError(SimcheckError):
    """A request that cannot be understood, whoever sends it."""

    code = "invalid"


class NotAuthenticatedError(SimcheckError):
    """Nobody is known to be asking: no token, or one that is forged, expired or revoked."""

    code = "not_authenticated"
    http_status = 401


class NotAllowedError(SimcheckError):
    """The one who asks is known and may not do this."""

    code = "not_allowed"
    http_status = 403


class SamePersonError(NotAllowedError):
    """Who began something does not approve, confirm or decide it: that needs a second person."""

    code = "same_person"


class NotFoundError(SimcheckError):
    """There is no such thing, or it is another carrier's, which must look the same."""

    code = "not_found"
    http_status = 404


class ConflictError(SimcheckError):
    """What is asked contradicts what already is."""

    code = "conflict"
    http_status = 409


class GoneError(SimcheckError):
    """It was there, and its time is over."""

    code = "gone"
    http_status = 410


class MediaTypeError(SimcheckError):
    """The body is of a kind that this route does not take."""

    code = "media_type"
    http_status = 415


class DigestError(SimcheckError):
    """What arrived is not what the sender says that it sent."""

    code = "digest_mismatch"
    http_status = 422
    retry = True


class TooLargeError(SimcheckError):
    """The body of a request is larger than this route takes."""

    code = "too_large"
    http_status = 413


class SlowBodyError(SimcheckError):
    """The client stopped sending in the middle of its request."""

    code = "slow_body"
    http_status = 408
    retry = True


class TooManyError(SimcheckError):
    """A limit is reached. `after` is the number of seconds to wait."""

    code = "too_many_requests"
    http_status = 429
    retry = True

    def __init__(self, message: str, after: float) -> None:
        self.after = after
        super().__init__(message)


class UnavailableError(SimcheckError):
    """Something that the service needs does not answer now."""

    code = "unavailable"
    http_status = 503
    retry = True
    exit_code = 69  # EX_UNAVAILABLE of sysexits.h
