"""What a browser keeps for us: random ids, and small values that only we can read.

Every cookie is HttpOnly and, over HTTPS, Secure with the prefix `__Host-`: no other host of the domain can
set it. All are SameSite=Strict by themselves, so that no other site's link or form comes with them; the one
that waits for the return from a sign-in elsewhere is Lax, since that return is another site's link.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from simcheck import clock
from simcheck.errors import SealError
from simcheck.privacy import Keyring

SESSION = "session"  # the token of a holder's session, of a number or of a person
_ID_CHARACTERS = 43


@dataclass
class Jar:
    """The cookies of one request, and what its answer is to change.

    `id_name` is the cookie of the browser's id: a random one, which forms are bound to before there is a
    session. Each door has its own, so that what one renews is none of the other's.
    """

    keyring: Keyring
    secure: bool
    told: Mapping[str, str]
    id_name: str = "visit"
    _changes: dict[str, tuple[str, int | None, Literal["strict", "lax"]]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, keyring: Keyring, *, secure: bool, id_name: str = "visit") -> Jar:
        """The cookies that came with a request."""
        return cls(keyring, secure, request.cookies, id_name)

    @property
    def visit(self) -> str:
        """The browser's id; a new one where it has none."""
        told = self.get(self.id_name)
        if told is None or len(told) != _ID_CHARACTERS:
            self.renew()
            return self.visit
        return told

    def renew(self) -> None:
        """Give the browser a new id."""
        self.put(self.id_name, secrets.token_urlsafe(32))

    def get(self, name: str) -> str | None:
        """A cookie's value, as the browser will have it after this answer; None where there is none."""
        if name in self._changes:
            return self._changes[name][0] or None
        return self.told.get(self._named(name)) or None

    def put(
        self, name: str, value: str, seconds: int | None = None,
        same_site: Literal["strict", "lax"] = "strict",
    ) -> None:  # fmt: skip
        """Have the browser keep a value, for so long (None: until it is closed)."""
        self._changes[name] = (value, seconds, same_site)

    def drop(self, name: str) -> None:
        """Have the browser forget a value."""
        if name in self._changes or self.told.get(self._named(name)):
            self._changes[name] = ("", 0, "strict")

    def seal(
        self, name: str, value: Mapping[str, Any], seconds: int, *, bound_to: str = "",
        same_site: Literal["strict", "lax"] = "strict",
    ) -> None:  # fmt: skip
        """Have the browser keep what only we can read, under this name, while `bound_to` is the same."""
        content = json.dumps({"until": clock.now().timestamp() + seconds, "value": dict(value)}).encode()
        sealed = self.keyring.seal(content, f"cookie/{name}/{bound_to}")
        self.put(name, base64.urlsafe_b64encode(sealed).decode().rstrip("="), seconds, same_site)

    def unseal(self, name: str, *, bound_to: str = "") -> dict[str, Any] | None:
        """What was sealed; None where there is none, its time is over, or it was not sealed here."""
        told = self.get(name)
        if told is None:
            return None
        try:
            sealed = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
            content = json.loads(self.keyring.open(sealed, f"cookie/{name}/{bound_to}"))
        except (binascii.Error, ValueError, SealError):
            return None
        value: dict[str, Any] = content["value"]
        return value if content["until"] > clock.now().timestamp() else None

    def onto(self, response: Response) -> None:
        """Put the changes onto an answer."""
        for name, (value, seconds, same_site) in self._changes.items():
            response.set_cookie(
                self._named(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True,
                samesite=same_site,
            )  # fmt: skip

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name
