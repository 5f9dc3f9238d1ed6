"""The keyring: what personal data is sealed with, looked up by, and signed with.

The key file is JSON, `{data: {kid: base64}, current: kid, index: base64, signing: base64}`: data keys
(AES-256-GCM) by their id, the key of the look-up tokens (HMAC-SHA-256), the seed of the signing key
(Ed25519). Old data keys stay, so that what they sealed can be read.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simcheck.errors import SettingsError, SimcheckError

_NONCE = 12


class SealError(SimcheckError):
    """Sealed data cannot be opened: another key, another row, or changed bytes."""

    code = "seal"
    http_status = 500


@dataclass(frozen=True)
class Keyring:
    """The keys of one installation. Never printed: its `repr` shows key ids only."""

    data: dict[str, bytes]
    current: str
    index: bytes
    signing: bytes

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.data)}; current {self.current})"

    @classmethod
    def load(cls, source: Path | str) -> Keyring:
        """Read a keyring from a file (a `Path`) or from the content of one (a `str`).

        Raises `SettingsError` when it cannot be read or is no key file.
        """
        try:
            read = json.loads(source.read_text("utf-8") if isinstance(source, Path) else source)
            ring = cls(
                {kid: base64.b64decode(key, validate=True) for kid, key in read["data"].items()},
                read["current"],
                base64.b64decode(read["index"], validate=True),
                base64.b64decode(read["signing"], validate=True),
            )
        except OSError as error:
            cause = f"{source}: the key file cannot be read ({error.strerror})"
            raise SettingsError([f"{cause}. Make one with `simcheck keys make`."]) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SettingsError(
                ["the keys are not those of a key file made by `simcheck keys make`"]
            ) from None
        if ring.current not in ring.data or any(
            len(key) != 32 for key in (*ring.data.values(), ring.index, ring.signing)
        ):
            raise SettingsError(
                ["the key file is damaged: a key has not 32 bytes, or the current one is missing"]
            )
        return ring

    @classmethod
    def make(cls) -> Keyring:
        """Draw new keys."""
        kid = _new_kid()
        return cls({kid: secrets.token_bytes(32)}, kid, secrets.token_bytes(32), secrets.token_bytes(32))

    def rotate(self) -> Keyring:
        """The same keyring with a new current data key; the old ones stay for reading."""
        kid = _new_kid()
        return Keyring({**self.data, kid: secrets.token_bytes(32)}, kid, self.index, self.signing)

    def save(self, path: Path) -> None:
        """Write the key file, readable by its owner alone, at once or not at all."""
        content = {
            "data": {kid: base64.b64encode(key).decode() for kid, key in self.data.items()},
            "current": self.current,
            "index": base64.b64encode(self.index).decode(),
            "signing": base64.b64encode(self.signing).decode(),
        }
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Encrypt for one place: only `open` with the same `bound_to` gives it back.

        The bytes are: length of the key id, key id, nonce (12), AES-GCM ciphertext with its tag (16).
        """
        nonce = secrets.token_bytes(_NONCE)
        kid = self.current.encode()
        return (
            bytes([len(kid)])
            + kid
            + nonce
            + AESGCM(self.data[self.current]).encrypt(nonce, plain, bound_to.encode())
        )

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Decrypt what `seal` made for `bound_to`. Raises `SealError`."""
        start = 1 + sealed[0] if sealed else 1
        key = self.data.get(sealed[1:start].decode("ascii", "replace"))
        if key is None:
            raise SealError("sealed data names a key that is not in the key file. Add that key back.")
        try:
            return AESGCM(key).decrypt(
                sealed[start : start + _NONCE], sealed[start + _NONCE :], bound_to.encode()
            )
        except (InvalidTag, ValueError):
            raise SealError("sealed data was changed, or belongs to another row") from None

    def token(self, kind: str, value: str) -> bytes:
        """The 32 bytes by which a value is looked up: HMAC-SHA-256 over its kind and itself."""
        return hmac.digest(self.index, f"{kind}\0{value}".encode(), sha256)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (64 bytes)."""
        return Ed25519PrivateKey.from_private_bytes(self.signing).sign(message)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `sign` made this signature for this message."""
        try:
            Ed25519PrivateKey.from_private_bytes(self.signing).public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _new_kid() -> str:
    return f"k{secrets.token_hex(4)}"
