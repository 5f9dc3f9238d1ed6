from __future__ import annotations

import json

import pytest

from simcheck.ingest import watching

pytestmark = pytest.mark.anyio


async def followed(monkeypatch, states, seconds=60.0, **sooner) -> list[str]:
    """What is sent of something that is in one of these states after another."""
    monkeypatch.setattr(watching, "POLL", 0.001)
    for name, value in sooner.items():
        monkeypatch.setattr(watching, name, value)
    left = list(states)

    async def look() -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    told = watching.events("thing", look, lambda each: {"is": each}, lambda each: each == "over", seconds)
    return [piece async for piece in told]


async def test_each_change_is_told_once_until_the_end(monkeypatch):
    said = await followed(monkeypatch, ["a", "a", "bậc", "bậc", "over", "after"])
    assert [json.loads(each.split("data: ")[1])["is"] for each in said] == ["a", "bậc", "over"]
    assert said[0] == 'event: thing\ndata: {"is": "a"}\n\n'


async def test_what_has_ended_is_told_and_nothing_more(monkeypatch):
    assert len(await followed(monkeypatch, ["over"])) == 1


async def test_silence_is_broken_and_has_an_end(monkeypatch):
    said = await followed(monkeypatch, ["a"], seconds=0.05, QUIET=0.01)
    assert said[0].startswith("event: thing")
    assert said[1:]
    assert set(said[1:]) == {": still there\n\n"}
