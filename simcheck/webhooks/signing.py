"""How an event is signed, and how a carrier's system checks it: docs/webhooks.md says the same in words.

The headers are those of Standard Webhooks (standardwebhooks.com): `webhook-id`, `webhook-timestamp` (seconds
since 1970), `webhook-signature` (`v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)  # an older or younger message is a replay, or somebody's clock is wrong
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret, as a carrier is shown it once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message that is sent at this moment."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_signature(secret, message_id, timestamp, body)}",
    }


def is_good(secret: str, sent: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a message is ours and of now. The receiver also has to keep the ids of five minutes, and to
    refuse one that it has had. `sent` are the headers, by lower-case names.
    """
    message_id, timestamp = sent.get("webhook-id", ""), sent.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    expected = _signature(secret, message_id, timestamp, body).encode()
    shown = [each.partition(",") for each in sent.get("webhook-signature", "").split(" ")]
    return any(
        version == "v1" and hmac.compare_digest(signature.encode(), expected)
        for version, _, signature in shown
    )


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
