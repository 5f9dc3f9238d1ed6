from __future__ import annotations

import stat

from simcheck.privacy import Keyring


def test_making_never_overwrites(command, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCHECK_KEYS_FILE", str(tmp_path / "k" / "keys.json"))
    code, out, _ = command("keys", "make")
    path = tmp_path / "k" / "keys.json"
    assert code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = Keyring.load(path)
    assert made.current in out
    code, _, err = command("keys", "make")
    assert (code, Keyring.load(path)) == (2, made)
    assert "already" in err


def test_rotating_keeps_what_was_sealed_readable(command, settings):
    before = Keyring.load(settings.keys_path)
    sealed = before.seal(b"x", "here")
    assert command("keys", "rotate")[0] == 0
    after = Keyring.load(settings.keys_path)
    assert after.current != before.current
    assert after.open(sealed, "here") == b"x"
    assert after.token("msisdn", "1") == before.token("msisdn", "1")
    code, out, _ = command("keys", "list")
    assert code == 0
    assert out.splitlines() == [before.current, f"{after.current}  current"]


def test_keys_of_the_environment_are_rotated_elsewhere(command, settings, monkeypatch):
    monkeypatch.setenv("SIMCHECK_KEYS", settings.keys_path.read_text())
    code, _, err = command("keys", "rotate")
    assert code == 2
    assert "SIMCHECK_KEYS" in err


def test_rotating_what_signs_tokens(command, owner):
    for made in (1, 2):
        code, out, _ = command("keys", "rotate", "--tokens")
        assert code == 0
        kids = owner.execute("SELECT kid FROM signing_key ORDER BY made_at DESC").fetchall()
        assert len(kids) == made
        assert kids[0][0] in out


def test_without_keys_one_line_says_what_to_do(command, settings):
    settings.keys_path.unlink()
    code, out, err = command("clients", "list")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "simcheck keys make" in err
