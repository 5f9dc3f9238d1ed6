from __future__ import annotations

import pytest

from jobs.reports import check_invariants
from simcheck.api.operators import GAUGES
from simcheck.queue import enqueue

pytestmark = pytest.mark.anyio


async def test_alive_and_ready(http):
    for path in ("/healthz", "/readyz"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_not_ready_with_another_schema(http, owner):
    owner.execute("UPDATE alembic_version SET version_num = '0001'")
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await http.get("/healthz")).status_code == 200


async def test_not_ready_without_a_database(http, owner, postgres):
    name = owner.info.dbname
    with owner.connect(postgres.url("postgres"), autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        statuses = [(await http.get("/readyz")).status_code for _ in range(3)]
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert statuses == [503] * 3
    assert (await http.get("/readyz")).status_code == 200


def gauge(text: str, name: str) -> float:
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return float(line.rpartition(" ")[2])


async def test_ages_are_nothing_at_first(http):
    text = (await http.get("/metrics")).text
    assert str(gauge(text, GAUGES["register"][0])) == "nan"
    assert gauge(text, GAUGES["case"][0]) == 0
    assert gauge(text, GAUGES["job"][0]) == 0


async def test_ages_are_read_from_the_tables(http, owner, service, viettel):
    owner.execute("""
        INSERT INTO register_snapshot (id, state, path, imported_at)
            VALUES (gen_random_uuid(), 'current', 'r', now() - interval '100 seconds');
        INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, received_at, changed_at, done_at)
            SELECT gen_random_uuid(), 'viettel', 'c', 'snapshot', 'done', age::text::bytea, 1, now(), now(),
                   now() - age * interval '1 second' FROM unnest(ARRAY[200, 500]) AS age;
        INSERT INTO "case"
            (id, code, carrier, msisdn_token, state, acts, verdict, reasons, opened_at, changed_at,
             severity, clock_left)
            VALUES (gen_random_uuid(), 'C1', 'viettel', 'x', 'open', 'holder', 2, 1,
                    now() - interval '300 seconds', now(), 1, interval '72 hours');
    """)
    async with service.database.transaction("test") as session:
        await enqueue(session, "x.y")
    owner.execute("UPDATE procrastinate_events SET at = now() - interval '400 seconds'")
    text = (await http.get("/metrics")).text
    assert gauge(text, GAUGES["register"][0]) == pytest.approx(100, abs=5)
    assert gauge(text, GAUGES["carrier"][0] + '{carrier="viettel"}') == pytest.approx(200, abs=5)
    assert gauge(text, GAUGES["case"][0]) == pytest.approx(300, abs=5)
    assert gauge(text, GAUGES["job"][0]) == pytest.approx(400, abs=5)


async def test_what_does_not_add_up_is_told(http, service, owner, viettel):
    assert str(gauge((await http.get("/metrics")).text, "simcheck_invariants_age_seconds")) == "nan"
    owner.execute("INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, rows, received_at,"
                  " changed_at, done_at) VALUES (gen_random_uuid(), 'viettel', 'c', 'snapshot', 'done', 'x',"
                  " 1, 3, now(), now(), now())")  # fmt: skip
    await check_invariants(service)
    text = (await http.get("/metrics")).text
    assert gauge(text, 'simcheck_invariant_lines_off{invariant="batch_rows"}') == 1
    assert gauge(text, 'simcheck_invariant_lines_off{invariant="cases"}') == 0
    assert 0 <= gauge(text, "simcheck_invariants_age_seconds") < 60
