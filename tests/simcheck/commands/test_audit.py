from __future__ import annotations


def test_a_whole_chain_and_a_changed_row(command, owner):
    assert command("audit", "verify") == (0, "audit: 0 rows, all right\n", "")
    for number in range(3):
        command("clients", "add", f"viettel-{number}", "--carrier", "viettel")
    assert command("audit", "verify") == (0, "audit: 3 rows, all right\n", "")
    owner.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    code, out, err = command("audit", "verify")
    assert (code, out) == (1, "")
    assert err == "audit: client row 2: the row was changed (1 rows before it are right)\n"


def test_a_checkpoint_that_was_kept(command, owner):
    assert command("audit", "checkpoint")[1].startswith("nothing was written")
    command("clients", "add", "viettel-1", "--carrier", "viettel")
    kept = command("audit", "checkpoint")[1].strip()
    assert command("audit", "verify", "--kept", kept)[0] == 0
    for table in ("audit", "audit_head", "audit_checkpoint"):
        owner.execute(f"TRUNCATE {table}")
    assert command("audit", "verify")[0] == 0
    code, _, err = command("audit", "verify", "--kept", kept)
    assert code == 1
    assert "checkpoint 1 was kept" in err
    assert command("audit", "verify", "--kept", "x")[0] == 2
