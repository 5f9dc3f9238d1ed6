from __future__ import annotations

import pytest

from simcheck.errors import ConflictError, NotFoundError
from simcheck.webhooks import addresses

pytestmark = pytest.mark.anyio


async def test_the_secret_is_sealed(owner, add):
    _, secret = await add("http://localhost/one")
    [kept] = owner.execute("SELECT secret FROM webhook").fetchone()
    assert secret.encode() not in kept
    assert secret.startswith("whsec_")


async def test_so_many_and_no_more(add, monkeypatch):
    monkeypatch.setattr(addresses, "MOST", 2)
    await add("http://localhost/1")
    await add("http://localhost/2")
    with pytest.raises(ConflictError):
        await add("http://localhost/3")
    await add("http://localhost/1", carrier="mobifone")


async def test_removing_drops_what_is_on_its_way(service, owner, add):
    from simcheck import webhooks

    made, _ = await add("http://localhost/one")
    async with service.database.transaction("job:test", "viettel") as session:
        await webhooks.notify(session, "viettel", "batch.done", "batch/1", {})
    async with service.database.transaction("client:two", "mobifone") as session:
        with pytest.raises(NotFoundError):
            await addresses.remove(session, made.id)
    async with service.database.transaction("client:one", "viettel") as session:
        await addresses.remove(session, made.id)
    assert owner.execute("SELECT count(*) FROM webhook_delivery").fetchone() == (0,)
    acts = [row[0] for row in owner.execute("SELECT act FROM audit WHERE act LIKE 'webhook.%' ORDER BY seq")]
    assert acts == ["webhook.added", "webhook.removed"]
