"""A feedback file as it is sent to whoever fetches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simcheck.feedback import formats, ledger
from simcheck.feedback.corrected import Corrections
from simcheck.feedback.formats import MEDIA_TYPES, Format
from simcheck.feedback.models import Feedback
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.privacy import Keyring


@dataclass(frozen=True)
class Download:
    """The bytes of a file piece by piece, and what is said of them in the headers of an answer."""

    pieces: Iterator[bytes]
    media_type: str
    headers: dict[str, str]


def download(
    store: Store, keyring: Keyring, found: Feedback, wanted: Format, said: Corrections
) -> Download:  # fmt: skip
    """A file in the wanted format, with what holders said beside its rows.

    Raises `NotFoundError` for one that is kept no more, `SealError`.
    """
    ledger.require_kept(found)
    name = found.batch_id or found.id
    pieces = formats.stream(Dataset.open(store, keyring, found.path), str(name), wanted, said)
    headers = {
        "Content-Disposition": f'attachment; filename="feedback-{name}.{wanted.value}"',
        "X-Feedback-Id": str(found.id),
        "X-Feedback-Rows": str(found.rows),
    }
    return Download(pieces, MEDIA_TYPES[wanted], headers)
