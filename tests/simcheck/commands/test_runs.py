from __future__ import annotations

import uuid

import pytest

REFUSED = """
INSERT INTO carrier (code, added_at) VALUES ('viettel', now());
INSERT INTO register_snapshot (id, state, path, imported_at)
    VALUES (gen_random_uuid(), 'current', 'r', now());
INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, refusal_code, refusal, received_at,
                   changed_at, done_at)
    VALUES (gen_random_uuid(), 'viettel', 'c', 'snapshot', 'refused', 'x', 1, 'not_checked',
            'Send it again.', now(), now(), now());
INSERT INTO run (id, kind, carrier, batch_id, register_id, state, buckets, failure, made_at, changed_at,
                 counts)
    SELECT gen_random_uuid(), 'batch', 'viettel', batch.id, register_snapshot.id, 'failed', 2, 'given_up',
           now(), now(), '{"failed": {"step": "check", "bucket": 1, "attempts": 8, "code": "seal",
                                      "words": "It is damaged."}}'
    FROM batch, register_snapshot
"""


@pytest.fixture
def given_up(owner):
    owner.execute(REFUSED)
    return owner.execute("SELECT id, batch_id FROM run").fetchone()


def test_what_was_given_up_is_listed_and_tried_again(command, owner, given_up):
    run, batch = given_up
    code, out, err = command("runs", "failed")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.startswith(f"{run}  viettel  batch {batch}  20")
    assert out.endswith("check of bucket 1, 8 attempts  seal: It is damaged.\n")
    assert command("runs", "retry", run) == (0, f"{run} is tried again, by a new run\n", "")
    assert owner.execute("SELECT state, refusal_code, refusal, done_at FROM batch").fetchone() == (
        "checking", None, None, None
    )  # fmt: skip
    woken = "SELECT args ->> 'batch_id' FROM procrastinate_jobs WHERE task_name = 'runs.start'"
    assert owner.execute(woken).fetchall() == [(str(batch),)]
    acts = "SELECT actor, subject FROM audit WHERE act = 'run.tried_again'"
    assert owner.execute(acts).fetchall() == [("operator", f"run/{run}")]
    assert command("runs", "failed") == (0, "", "")


def test_what_cannot_be_tried_again_is_one_clear_line(command, owner, given_up):
    owner.execute("UPDATE run SET failure = 'superseded'")
    for unknown in (given_up[0], uuid.uuid4()):
        code, out, err = command("runs", "retry", unknown)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "simcheck runs failed" in err
