"""What keeps a person's data from whoever has no business with it: seals, tokens, signatures, masks.

A **seal** hides a value and proves that it stands where it was put (AES-256-GCM). A **token** finds a value
without showing it (HMAC-SHA-256, with a key of its own). A **mask** is what a person may see of a value.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simcheck.errors import KeyringError, SealError

KEY_BYTES = 32
TOKEN_BYTES = 32
MOST_KIND_BYTES = 32
NUMBER, TEXT = b"\0n", b"\0t"  # what a token's value is: no text has the token of a number

_VERSION = 1
_NONCE_BYTES, _TAG_BYTES = 12, 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MAKE = "Make one with: simcheck keys make"
_SHOWN = 3  # digits of a number that a mask leaves


@dataclass(frozen=True)
class Keyring:
    """All keys of an installation. Printing it shows key ids only.

    `data` seal (32 bytes each, by key id; `current` is the one that seals, all of them open), `index` makes
    tokens, `signing` is an Ed25519 seed. A data key seals at most 2**32 values (random nonces, NIST SP
    800-38D 8.3): rotate it once a year. The index key stays as long as the tokens made with it.

    As JSON: `{"data": {id: base64}, "current": id, "index": base64, "signing": base64}`.
    """

    data: Mapping[str, bytes] = field(repr=False)
    current: str
    index: bytes = field(repr=False)
    signing: bytes = field(repr=False)

    @classmethod
    def make(cls) -> Keyring:
        """A new keyring with one data key."""
        key_id, key = _new_key()
        return cls({key_id: key}, key_id, secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))

    @classmethod
    def load(cls, source: Path | str) -> Keyring:
        """The keyring in a file (a `Path`), or in the content of one (a `str`, an environment variable's).

        Raises KeyringError, which names the fault and no key.
        """
        where = "the keyring"
        if isinstance(source, Path):
            where = f"the keyring {source}"
            try:
                source = source.read_text("utf-8")
            except FileNotFoundError:
                raise KeyringError(f"{where} is not there. {_MAKE}") from None
            except (OSError, UnicodeError) as error:
                raise KeyringError(f"{where} cannot be read ({type(error).__name__}). {_MAKE}") from None
        try:
            return _parsed(json.loads(source))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            fault = error.args[0] if isinstance(error, _FaultError) else "is not the JSON of a keyring"
            raise KeyringError(f"{where} {fault}. Restore it from its copy, or: {_MAKE}") from None

    def save(self, path: Path, *, replacing: bool = False) -> None:
        """Write the keyring to a file that its owner alone may read; whole, or not at all.

        Raises KeyringError where it cannot be written, or is there already and not to be replaced: whoever
        loses a keyring loses everything sealed with it.
        """
        aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self._json())
                file.flush()
                os.fsync(file.fileno())
            place = os.replace if replacing else os.link  # a link is never put over a file that is there
            place(aside, path)
        except OSError as error:
            if path.is_file() and not replacing:
                raise KeyringError(f"the keyring {path} is there already and was left as it is") from None
            cause = os.strerror(error.errno or 0)
            raise KeyringError(f"the keyring {path} cannot be written ({cause})") from None
        finally:
            with suppress(OSError):
                aside.unlink()

    def rotate(self) -> Keyring:
        """The same keyring with a new current data key; the older ones still open."""
        key_id, key = _new_key()
        return replace(self, data={**self.data, key_id: key}, current=key_id)

    @property
    def ids(self) -> list[str]:
        """The data keys' ids, oldest first."""
        return list(self.data)

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Encrypt `plain` with the current key; it opens only where `bound_to` is the same.

        `bound_to` names the place (table, column and row): so a sealed value cannot be moved to another one.
        """
        head = bytes([_VERSION, len(self.current)]) + self.current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._ciphers[self.current].encrypt(nonce, plain, head + bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed. Raises SealError where it is not what was sealed, or not here."""
        key_id, end = sealed_with(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealError(
                f"data is sealed with the key {key_id}, which this keyring does not have. "
                "Use the keyring that sealed it."
            )
        nonce, head = sealed[end : end + _NONCE_BYTES], sealed[:end]
        try:
            return cipher.decrypt(nonce, sealed[end + _NONCE_BYTES :], head + bound_to.encode())
        except InvalidTag:
            raise SealError(
                "sealed data was damaged, moved, or sealed with another keyring. Restore it from its copy."
            ) from None

    def token(self, kind: str, value: str | int | bytes) -> bytes:
        """The token of a value, 32 bytes: equal for equal values of a kind (`msisdn`, `id_number`), telling
        nothing else. `lake.tokens` makes the same of whole columns."""
        if isinstance(value, int):
            message = token_prefix(kind, NUMBER) + value.to_bytes(8, "big", signed=True)
        else:
            message = token_prefix(kind, TEXT) + (value.encode() if isinstance(value, str) else value)
        return hmac.digest(self.index, message, "sha256")

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of a message, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.signing).sign(message)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `sign` made this signature of this message."""
        try:
            Ed25519PrivateKey.from_private_bytes(self.signing).public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _ciphers(self) -> dict[str, AESGCM]:
        return {key_id: AESGCM(key) for key_id, key in self.data.items()}

    def _json(self) -> str:
        def text(key: bytes) -> str:
            return base64.b64encode(key).decode()

        data = {key_id: text(key) for key_id, key in self.data.items()}
        keys = {
            "data": data, "current": self.current, "index": text(self.index), "signing": text(self.signing)
        }  # fmt: skip
        return json.dumps(keys, indent=1) + "\n"


def sealed_with(sealed: bytes) -> tuple[str, int]:
    """The id of the key that sealed a value, and where its nonce begins.

    Raises SealError where the value is no seal at all.
    """
    end = 2 + sealed[1] if len(sealed) > 1 else 0
    if not end or sealed[0] != _VERSION or len(sealed) < end + _NONCE_BYTES + _TAG_BYTES:
        raise SealError("sealed data was damaged. Restore it from its copy.")
    return sealed[2:end].decode("ascii", "replace"), end


def token_prefix(kind: str, what: bytes) -> bytes:
    """What stands in front of a value when its token is made; `what` is NUMBER or TEXT."""
    name = kind.encode()
    if not name or len(name) > MOST_KIND_BYTES or b"\0" in name:
        raise ValueError(f"a token's kind has 1 to {MOST_KIND_BYTES} bytes, none of them 0")
    return name + what


def mask_msisdn(msisdn: str) -> str:
    """A phone number with its last three digits: +84******678."""
    country = "+84" if msisdn.startswith("+84") else ""
    return country + _last_shown(msisdn.removeprefix(country))


def mask_id(id_number: str) -> str:
    """An ID number with its last three digits."""
    return _last_shown(id_number)


def mask_name(name: str) -> str:
    """A name's initials: N. V. A."""
    return " ".join(f"{word[0]}." for word in unicodedata.normalize("NFC", name).upper().split())


def _last_shown(number: str) -> str:
    shown = _SHOWN if len(number) > 2 * _SHOWN else 0
    return "*" * (len(number) - shown) + number[len(number) - shown :]


def _new_key() -> tuple[str, bytes]:
    return secrets.token_hex(4), secrets.token_bytes(KEY_BYTES)


class _FaultError(ValueError):
    """What is wrong with a keyring, in words that carry no key."""


def _parsed(keys: Any) -> Keyring:
    data = {key_id: _key(text, f"data key {key_id}") for key_id, text in keys["data"].items()}
    ring = Keyring(
        data, keys["current"], _key(keys["index"], "index key"), _key(keys["signing"], "signing key")
    )
    if not data or not all(_KEY_ID.fullmatch(key_id) for key_id in data):
        raise _FaultError("has no data key, or one whose id is not 1 to 32 letters, digits, - or _")
    if ring.current not in data:
        raise _FaultError("names a current key that it does not have")
    secret = [*data.values(), ring.index, ring.signing]
    if len(set(secret)) < len(secret):
        raise _FaultError("uses one key for two things")
    return ring


def _key(text: str, what: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise _FaultError(f"has no {what} of {KEY_BYTES} bytes in base64")
    return key
