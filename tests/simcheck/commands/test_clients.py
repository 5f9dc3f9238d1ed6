from __future__ import annotations

import json

from joserfc.jwk import ECKey


def test_adding_listing_and_revoking(command, owner):
    code, out, err = command("clients", "add", "viettel-1", "--carrier", "viettel")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["client_id", "viettel-1"]
    assert len(out.splitlines()[1].split()[1]) >= 40
    assert command("clients", "add", "vneid", "--scope", "otp-checks")[0] == 0
    listed = command("clients", "list")[1].splitlines()
    assert listed[0].startswith("viettel-1  viettel  appeals batches:read batches:write")
    assert listed[1] == "vneid  -  otp-checks"
    assert command("clients", "revoke", "viettel-1") == (0, "viettel-1 is revoked\n", "")
    assert len(command("clients", "list")[1].splitlines()) == 1
    acts = owner.execute("SELECT act, actor FROM audit ORDER BY seq").fetchall()
    assert acts == [
        ("client.added", "operator"),
        ("client.added", "operator"),
        ("client.revoked", "operator"),
    ]


def test_a_client_with_public_keys_has_no_secret(command, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    code, out, _ = command("clients", "add", "viettel-1", "--carrier", "viettel", "--public-keys", keys)
    assert (code, out) == (0, "client_id      viettel-1\n")


def test_what_is_refused_is_one_clear_line(command, tmp_path):
    (tmp_path / "x.json").write_text("[]")
    for words, named in (
        (("clients", "add", "a1", "--carrier", "nobody"), "nobody"),
        (("clients", "add", "a1", "--scope", "everything"), "everything"),
        (("clients", "add", "a1", "--scope", "batches:write"), "batches:write"),
        (("clients", "add", "0912345678"), "client's id"),
        (("clients", "add", "a1", "--rate", "0"), "--rate"),
        (("clients", "add", "a1", "--public-keys", tmp_path / "x.json"), "x.json"),
        (("clients", "add", "a1", "--public-keys", tmp_path / "missing"), "missing"),
        (("clients", "revoke", "a1"), "a1"),
    ):
        code, out, err = command(*words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert named in err
