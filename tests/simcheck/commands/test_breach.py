from __future__ import annotations


def test_a_drill_is_printed_in_either_language(command, owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    code, out, err = command("breach", "drill", "database")
    assert (code, err) == (0, "")
    assert "BẢN NHÁP" in out
    assert out.startswith("carrier  access  1  none")
    code, out, _ = command("breach", "drill", "table", "case", "--with-keys", "--language", "en")
    assert code == 0
    assert "72 hours" in out
    assert "may have got out" in out


def test_what_cannot_be_rehearsed_is_one_clear_line(command):
    for words in (("table",), ("database", "case"), ("table", "moons")):
        code, out, err = command("breach", "drill", *words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
