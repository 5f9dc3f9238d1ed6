from __future__ import annotations

import pytest

from jobs import tasks
from jobs.schedule import sweep, sweeps


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.setattr(tasks, "TASKS", tasks.TASKS)
    before = dict(tasks.TASKS)
    yield
    tasks.TASKS.clear()
    tasks.TASKS.update(before)


def test_a_name_is_one_jobs():
    @tasks.job("try.once")
    async def once(service) -> None: ...

    with pytest.raises(ValueError, match="two jobs"):
        tasks.job("try.once")(once)


def test_sweeps_are_done_by_the_clock():
    @sweep("try.sweep")
    async def swept(service) -> None: ...

    @tasks.job("try.job")
    async def woken(service) -> None: ...

    names = [task.name for task in sweeps()]
    assert "try.sweep" in names
    assert "try.job" not in names
    assert "queue.stalled" in names
