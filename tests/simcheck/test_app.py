from __future__ import annotations

import json
import subprocess
import sys

# A server's process: started as uvicorn starts it, and what its collector has to look through then.
STARTED = """
import asyncio, gc, json, weakref
from simcheck.app import web

class Ring:
    def __init__(self):
        self.itself = self

async def started():
    app = web()
    async with app.router.lifespan_context(app):
        made = weakref.ref(Ring())
        looked_through = len(gc.get_objects())
        gc.collect()
        print(json.dumps([gc.isenabled(), made() is None, looked_through, gc.get_freeze_count()]))

asyncio.run(started())
"""


def test_a_server_collects_what_it_makes_and_looks_through_nothing_that_stays(environment):
    run = subprocess.run(
        [sys.executable, "-c", STARTED],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    enabled, gone, looked_through, stays = json.loads(run.stdout)
    assert enabled
    assert gone
    assert looked_through < stays / 20
