from __future__ import annotations

import pytest

from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.review import views
from simcheck.review.filters import read
from simcheck.review.queue import Sort
from tests.reviewing import acting

pytestmark = pytest.mark.anyio


async def test_ones_own_and_shared_views(service, owner):
    filter_ = read("acts=staff&assigned=me")

    async def saved(who, name, **more):
        return await acting(service, who, lambda s: views.save(s, who, name, filter_, Sort.OLDEST, **more))

    async def names(who):
        return [
            (each.owner, each.name) for each in await acting(service, who, lambda s: views.listed(s, who))
        ]

    mine = await saved("lan", " Của tôi ")
    shared = await saved("lan", "Chung", shared=True)
    await saved("binh", "Của tôi")
    assert await names("lan") == [("lan", "Chung"), ("lan", "Của tôi")]
    assert await names("binh") == [("binh", "Của tôi"), ("lan", "Chung")]
    found, said = await acting(service, "binh", lambda s: views.find(s, "binh", shared.id))
    assert (found.sort, said) == ("oldest", filter_)
    for work in (
        lambda s: views.find(s, "binh", mine.id),
        lambda s: views.remove(s, "binh", shared.id),
    ):
        with pytest.raises(NotFoundError):
            await acting(service, "binh", work)
    with pytest.raises(ConflictError, match="another name"):
        await saved("binh", "Chung", shared=True)
    assert (await saved("lan", "Chung", shared=False)).id == shared.id
    assert await names("binh") == [("binh", "Của tôi")]
    await acting(service, "lan", lambda s: views.remove(s, "lan", mine.id))
    assert await names("lan") == [("lan", "Chung")]
    acts = [
        act for (act,) in owner.execute("SELECT act FROM audit WHERE act LIKE 'view.%%' ORDER BY at, seq", [])
    ]
    assert acts == ["view.saved"] * 4 + ["view.removed"]


async def test_a_view_has_a_name_and_a_person_not_too_many(service, monkeypatch):
    monkeypatch.setattr(views, "MOST_VIEWS", 2)
    for name in ("", "   ", "x" * 61):
        with pytest.raises(InvalidError):
            await acting(service, "lan", lambda s, n=name: views.save(s, "lan", n, read(""), Sort.OLDEST))
    for name in ("a", "b", "a"):
        await acting(service, "lan", lambda s, n=name: views.save(s, "lan", n, read(""), Sort.OLDEST))
    with pytest.raises(ConflictError, match="Remove one"):
        await acting(service, "lan", lambda s: views.save(s, "lan", "c", read(""), Sort.OLDEST))
