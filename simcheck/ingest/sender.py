"""Who sends a file: what uploads and batches know their sender by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class Sender:
    """A client system or a person of a carrier. `name` stands in the ledger: an upload is its sender's alone.
    `transaction` opens one as the sender.
    """

    name: str
    carrier: str
    transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]
