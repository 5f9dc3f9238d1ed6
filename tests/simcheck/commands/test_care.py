from __future__ import annotations

import json
import uuid

from tests.caring import ago


def test_what_is_kept_and_why_is_printed(command):
    code, out, err = command("care", "processing", "--language", "vi")
    assert (code, err) == (0, "")
    assert "lake/declared" in out
    code, out, err = command("care", "retention")
    assert (code, err) == (0, "")
    assert "raw_files  7 days" in out
    assert "ended_numbers  2 years" in out
    assert "Decree 174/2026 Art. 34 (11c)" in out


def test_a_purge_by_hand_says_what_is_left(command, owner):
    code, out, err = command("care", "purge")
    assert (code, err) == (0, "")
    assert "due 0  held 0  removed 0  left 0" in out
    owner.execute(
        "INSERT INTO holder_challenge (id, msisdn_token, number, language, made_at, expires_at)"
        " VALUES (gen_random_uuid(), '', '', 'vi', now(), %s)", [ago(owner, "3 days")],
    )  # fmt: skip
    code, out, err = command("care", "purge")
    assert (code, err) == (1, "purge: something that is due is left\n")
    assert owner.execute("SELECT whole FROM purge_run ORDER BY begun_at").fetchall() == [(True,), (False,)]


def test_what_an_order_kept_is_printed(command, owner, keyring):
    order = uuid.uuid4()
    code, out, err = command("care", "preserved", str(order))
    assert (code, out) == (2, "")
    assert "There is no such order" in err
    owner.execute(
        "INSERT INTO preservation (id, msisdn_token, basis, placed_by, placed_at)"
        " VALUES (%s, 'x', 'order 1', 'person:x', now())", [order],
    )  # fmt: skip
    cells = keyring.seal(json.dumps({"full_name": "Lê Thị Bình"}).encode(), "preserved_record/cells/1")
    owner.execute(
        "INSERT INTO preserved_record (preservation_id, carrier, msisdn_token, kept_at, record, batch_id,"
        " bucket, row, cells) VALUES (%s, 'viettel', 'x', now(), '{}', %s, 0, 1, %s)", [order, order, cells],
    )  # fmt: skip
    code, out, err = command("care", "preserved", str(order))
    assert (code, err) == (0, "")
    assert json.loads(out)["cells"] == {"full_name": "Lê Thị Bình"}
    assert owner.execute("SELECT act, actor FROM audit WHERE act = 'preservation.read'").fetchall() == [
        ("preservation.read", "operator")
    ]
