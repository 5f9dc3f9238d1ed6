from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.receiving import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
async def add(service, owner):
    """`await add(url, *events)`: an address of viettel, and its secret."""
    from simcheck.webhooks import addresses

    owner.execute("INSERT INTO carrier VALUES ('viettel', now()), ('mobifone', now())")

    async def make(url: str, *events: str, carrier: str = "viettel"):
        async with service.database.transaction("client:one", carrier) as session:
            return await addresses.add(
                session, service.keyring, carrier, "one", url, events or ("batch.done",), private=True
            )

    return make
