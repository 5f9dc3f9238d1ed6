"""An order's file as it is sent to whoever fetches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simcheck.enforcement.orders.models import OrderBatch
from simcheck.enforcement.orders.send import place
from simcheck.lake.files import Store
from simcheck.lake.sealed_file import CHUNK_BYTES, SealedFile
from simcheck.privacy import Keyring


@dataclass(frozen=True)
class Download:
    """The bytes of a file piece by piece, and what is said of them in the headers of an answer."""

    pieces: Iterator[bytes]
    media_type: str
    headers: dict[str, str]


def download(store: Store, keyring: Keyring, order: OrderBatch) -> Download:
    """The file of an order that has left. Its pieces raise `SealError` where the lake does not hold it."""
    assert order.size is not None
    assert order.media_type is not None
    file = SealedFile(store, keyring, place(order.carrier, order.id), order.size)
    headers = {
        "Content-Disposition": f'attachment; filename="{order.file_name}"',
        "X-Order-Id": str(order.id),
        "X-Order-Lines": str(order.lines),
    }
    return Download(_pieces(file), order.media_type, headers)


def _pieces(file: SealedFile) -> Iterator[bytes]:
    with file.open() as stream:
        while piece := stream.read(CHUNK_BYTES):
            yield bytes(piece)
